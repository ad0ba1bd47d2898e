import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { checkLoss, afterDetection, stalledIn } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkLists, control, settle } from './common/domain.ts';
import { handover, order, report, sentence, type Sent } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, SHORT_TRANSFER_OCTETS, startSession } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

/** a2 learns from b1 that B has moved, and repeats its dDBU where B is; b2 does the same with a1. */
const CHASE: readonly Sent[] = [
  { node: 'a2', message: 'dDBU', to: 'b1' },
  { node: 'b1', message: 'dDBA', to: 'a2' },
  { node: 'a2', message: 'dDBU', to: 'b2' },
  { node: 'b2', message: 'dDBA', to: 'a2' },
];
const MIRRORED: readonly Sent[] = [
  { node: 'b2', message: 'dDBU', to: 'a1' },
  { node: 'a1', message: 'dDBA', to: 'b2' },
  { node: 'b2', message: 'dDBU', to: 'a2' },
  { node: 'a2', message: 'dDBA', to: 'b2' },
];

export const bothMove: Scenario = {
  name: 'both-move',
  summary: 'both ends of a session move at the same instant',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, SHORT_TRANSFER_OCTETS);
  const moves = await Promise.all([handover(lab, 'A', 'a1', 'a2'), handover(lab, 'B', 'b1', 'b2')]);
  const aHoa2 = await awaitAddress(lab, 'A', 'a2');
  const bHoa2 = await awaitAddress(lab, 'B', 'b2');
  await settle(lab);
  await checkLists(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b2' }, external: { [aHoa1]: aHoa2 } });
  await checkLists(lab, checks, 'b2', 'B', { internal: { [aHoa1]: 'a2' }, external: { [bHoa1]: bHoa2 } });
  const quiet = lab.now();
  await lab.sleep(1_000);
  const late = await sightings(lab, [aHoa1, bHoa1], quiet);
  checks.equal('paths in the core once all is settled', pathsOf(late), ['a2>b2', 'b2>a2']);

  const result = await traffic.finish(checks);
  const [down, up] = [result.udp('B', 'A'), result.udp('A', 'B')];
  const handovers = [report(lab, moves[0], { down, up }), report(lab, moves[1], { down: up, up: down })];
  for (const parts of handovers) {
    const { host, detected, downlink } = parts;
    checks.within(
      lab,
      `${host}: old session downlink after detection`,
      afterDetection(lab, downlink, detected),
      13,
      INTERVAL_MS,
      stalledIn(lab, parts),
    );
  }
  // Each direction loses at its receiver's old MAAR only, but both ends are away for the time of one handover.
  checkLoss(lab, checks, result, 2);
  const at = Math.min(moves[0].at, moves[1].at);
  // On real interfaces the moves are some milliseconds apart, and the later dDBU may find everything in its place.
  if (lab.backend === 'sim' && lab.handover.repointer === 'new') {
    checks.equal('a2 follows B', order(lab, at, CHASE), CHASE.map(sentence));
    checks.equal('b2 follows A', order(lab, at, MIRRORED), MIRRORED.map(sentence));
  }
  checks.equal('a2: chases given up', await control(lab, 'a2', 'chase-limit'), 0);
  return outcome(checks, result, handovers);
}
