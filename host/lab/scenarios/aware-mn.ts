import { parseIcmpv6 } from '../../wire/icmpv6/message.ts';
import { NEXT_HEADER, parseIpv6 } from '../../wire/ipv6.ts';
import type { CapturedPacket, Lab, Scenario, ScenarioResult } from '../lab.ts';
import { checkLadder, checkLoss } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkLists, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { outcome, startSession } from './common/session.ts';

export const awareMn: Scenario = {
  name: 'aware-mn',
  summary: 'a host whose RS names its home address and its correspondent',
  backends: ['sim'],
  options: { awareHosts: ['A'] },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  const move = await handover(lab, 'A', 'a1', 'a2');
  const aHoa2 = await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const named = (await lab.captured()).filter(({ at }) => at >= move.at).flatMap(namedInRs);
  checks.that(
    'the RS after the move names A_HoA1 and B_HoA1',
    named.includes(aHoa1) && named.includes(bHoa1),
    `${aHoa1} ${bHoa1}`,
    named.join(' '),
  );
  await checkLists(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b1' }, external: { [aHoa1]: aHoa2 } });
  await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: 'a2' }, external: {} });
  const result = await traffic.finish(checks);
  const parts = report(lab, move, { down: result.udp('B', 'A'), up: result.udp('A', 'B') });
  checkLadder(lab, checks, parts);
  checkLoss(lab, checks, result, 1);
  return outcome(checks, result, [parts]);
}

function namedInRs({ data }: CapturedPacket): string[] {
  const packet = parseIpv6(data);
  if (!packet.ok || packet.value.nextHeader !== NEXT_HEADER.icmpv6) return [];
  const message = parseIcmpv6(packet.value.payload, packet.value.src, packet.value.dst);
  if (!message.ok || message.value.kind !== 'RS') return [];
  return message.value.options.flatMap((option) =>
    option.kind === 'address-list' ? [...option.homes, ...option.correspondents] : [],
  );
}
