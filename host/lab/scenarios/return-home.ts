import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { checkLadder, checkLoss } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkLists, forwards, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, startSession, TIMERS } from './common/session.ts';

/** The hold time and what follows it. */
const FORGOTTEN_MILLIS = TIMERS.hold + TIMERS.forget + 100;

export const returnHome: Scenario = {
  name: 'return-home',
  summary: 'A moves away and back: everything is native again and nothing is left behind',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  const away = await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const back = await handover(lab, 'A', 'a2', 'a1');
  await settle(lab);
  await awaitAddress(lab, 'A', 'a1');

  await checkLists(lab, checks, 'a1', 'A', { internal: { [bHoa1]: 'b1' }, external: {} });
  await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: 'a1' }, external: {} });
  const settled = lab.now();
  await lab.sleep(FORGOTTEN_MILLIS);
  checks.equal('paths in the core', pathsOf(await sightings(lab, [aHoa1, bHoa1], settled)), ['native']);
  const { anchored, released } = (await lab.show('a1')).maar;
  checks.equal('homes that a1 sends elsewhere', [anchored.length, released.length], [0, 0]);
  const left = (await lab.show('a2')).maar;
  checks.equal('MNs that a2 remembers', [left.nodes.length, left.released.length], [0, 0]);
  checks.equal('a2 forwards A_HoA1', await forwards(lab, 'a2', aHoa1), false);
  checks.equal('b1 tunnels to A_HoA1', await forwards(lab, 'b1', aHoa1), false);

  const result = await traffic.finish(checks);
  const streams = { down: result.udp('B', 'A'), up: result.udp('A', 'B') };
  const handovers = [report(lab, away, streams, back.at), report(lab, back, streams)];
  for (const parts of handovers) checkLadder(lab, checks, parts);
  checkLoss(lab, checks, result, handovers.length);
  return outcome(checks, result, handovers);
}
