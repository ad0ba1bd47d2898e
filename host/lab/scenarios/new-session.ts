import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { checkLadder, checkLoss } from './common/bounds.ts';
import { Checks, whenDue } from './common/checks.ts';
import { awaitAddress, checkLists, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, startSession } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

export const newSession: Scenario = {
  name: 'new-session',
  summary: 'after a move new flows use the new address natively and old ones keep theirs',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  const move = await handover(lab, 'A', 'a1', 'a2');
  const aHoa2 = await awaitAddress(lab, 'A', 'a2');
  await settle(lab);

  const deprecated = (address: string): Promise<boolean | undefined> =>
    whenDue(lab, lab.now(), address === aHoa1, async () => {
      const held = await lab.addresses('A');
      return held.find((own) => own.address === address)?.deprecated;
    });
  checks.equal('A prefers the address of a2', await deprecated(aHoa2), false);
  checks.equal('the address of a1 is deprecated', await deprecated(aHoa1), true);

  const started = lab.now();
  const fresh = await lab.stream({
    name: 'new udp A>B',
    from: 'A',
    to: 'B',
    kind: 'udp',
    intervalMs: INTERVAL_MS,
    toAddress: bHoa1,
  });
  checks.equal('source of the new session', fresh.addresses().from, aHoa2);
  await lab.sleep(2_000);
  await checkLists(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b1' }, external: { [aHoa1]: aHoa2 } });
  const report2 = await fresh.finish();
  checks.atMost('new session: packets lost', report2.lost, lab.overflowed());
  const old = await sightings(lab, [aHoa1, bHoa1], started);
  checks.equal('paths of the old session', pathsOf(old), ['a2>b1', 'b1>a2']);
  const young = await sightings(lab, [aHoa2, bHoa1], started);
  checks.equal('MAARs that the new session visits', visited(young), ['core-a2', 'core-b1']);

  const result = await traffic.finish(checks);
  const handovers = [report(lab, move, { down: result.udp('B', 'A'), up: result.udp('A', 'B') })];
  for (const parts of handovers) checkLadder(lab, checks, parts);
  checkLoss(lab, checks, result, 1);
  return outcome(checks, [...result.streams, report2], handovers);
}

function visited(packets: readonly { link: string }[]): string[] {
  return [...new Set(packets.map(({ link }) => link))].filter((link) => link.startsWith('core-')).sort();
}
