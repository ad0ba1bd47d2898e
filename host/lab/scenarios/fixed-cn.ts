import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { checkLadder, handoverLoss, overtaking } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { attach, awaitAddress, control, data, settle } from './common/domain.ts';
import { handover, order, report, sentence, type Sent } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, TRANSFER_OCTETS } from './common/session.ts';
import { Traffic } from './common/traffic.ts';
import { CN } from '../plan.ts';

const ANCHOR_LEARNS: readonly Sent[] = [
  { node: 'a3', message: 'sDBU', to: 'a2' },
  { node: 'a2', message: 'sDBA', to: 'a3' },
  { node: 'a3', message: 'dDBU', to: 'a1' },
  { node: 'a1', message: 'dDBA', to: 'a3' },
];

export const fixedCn: Scenario = {
  name: 'fixed-cn',
  summary: 'a correspondent outside the domain, through three MAARs',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const hoa = await attach(lab, 'A', 'a1');
  const ends = { from: 'A', to: 'cn', fromAddress: hoa, toAddress: CN.address } as const;
  const traffic = await Traffic.start(lab, ends, TRANSFER_OCTETS);
  await settle(lab);
  const first = await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const second = await handover(lab, 'A', 'a2', 'a3');
  await awaitAddress(lab, 'A', 'a3');
  await settle(lab);
  const quiet = lab.now();
  await lab.sleep(1_000);
  const late = await sightings(lab, [hoa, CN.address], quiet);
  checks.equal('paths in the core', pathsOf(late), ['a1>a3', 'a3>a1', 'native']);
  checks.equal('packets at a2', late.filter(({ link }) => link === 'core-a2').length, 0);
  const native = late.filter(({ tunnel, link }) => tunnel === undefined && link.startsWith('core-'));
  checks.equal('links that carry native packets', [...new Set(native.map(({ link }) => link))].sort(), [
    'core-a1',
    'core-cn',
  ]);
  checks.atLeast('a3: packets reverse-tunnelled', await data(lab, 'a3', 'reverse-tunnelled'), 100);
  if (lab.handover.repointer === 'new') {
    checks.equal(
      'the anchor learns the third MAAR',
      order(lab, second.at, ANCHOR_LEARNS),
      ANCHOR_LEARNS.map(sentence),
    );
    checks.equal('a3: dDBU sent', await control(lab, 'a3', 'sent-dDBU'), 1);
  }

  const result = await traffic.finish(checks);
  const streams = { down: result.udp('cn', 'A'), up: result.udp('A', 'cn') };
  const handovers = [report(lab, first, streams, second.at), report(lab, second, streams)];
  for (const parts of handovers) checkLadder(lab, checks, parts, lab.delay);
  const bound = { lost: 2 * handoverLoss(lab), reordered: 2 * overtaking(lab) };
  result.checkUdp(checks, 'A', 'cn', bound);
  result.checkUdp(checks, 'cn', 'A', bound);
  return outcome(checks, result, handovers);
}
