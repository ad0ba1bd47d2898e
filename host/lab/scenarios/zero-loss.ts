import { MAARS } from '../plan.ts';
import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { data } from './common/domain.ts';
import { detectionDelays, RATE_INTERVAL_MS, startEnds, tour, type Tour } from './common/relentless.ts';
import { outcome } from './common/session.ts';

const ANNOUNCED: readonly MaarName[] = ['a1', 'a2', 'a3', 'a2', 'a1', 'a2'];
const UNANNOUNCED: readonly MaarName[] = ['a2', 'a3', 'a1', 'a3', 'a2', 'a3'];

export const zeroLoss: Scenario = {
  name: 'zero-loss',
  summary: 'five handovers with 200 ms between links, 1,000 packets a second each way: none lost',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const ends = await startEnds(lab);
  const announced = await tour(lab, checks, ends, 'announced', ANNOUNCED);
  for (const { spec, lost, sent } of [announced.down, announced.up]) {
    checks.equal(`${spec.name}: packets lost of ${sent}`, lost, 0);
  }
  await checkHolds(lab, checks);
  const cut = await tour(lab, checks, ends, 'carrier', UNANNOUNCED);
  checkCut(lab, checks, cut);
  await checkHolds(lab, checks);
  return outcome(
    checks,
    [announced, cut].flatMap(({ down, up, transfer }) => [down, up, transfer]),
    [...announced.handovers, ...cut.handovers],
  );
}

/** What was sent between the cut and the buffer's standing is lost, with what was on the access link. */
function checkCut(lab: Lab, checks: Checks, { moves, down, up }: Tour): void {
  const delays = detectionDelays(lab, moves);
  const known = delays.filter((delay) => delay !== undefined);
  checks.equal('moves that the old MAAR noticed', known.length, moves.length);
  const millis = known.reduce((sum, delay) => sum + delay + lab.delay, 0);
  const bound = Math.ceil(millis / RATE_INTERVAL_MS) + moves.length;
  checks.atMost(
    `${down.spec.name}: packets lost; rate x detection delay (${known.map((delay) => delay.toFixed(1)).join(', ')} ms)`,
    down.lost,
    bound,
  );
  // A frame that left the host's port while its link was being cut ended in the air; the simulation cuts in no time.
  checks.atMost(`${up.spec.name}: packets lost of ${up.sent}`, up.lost, lab.backend === 'sim' ? 0 : bound);
}

async function checkHolds(lab: Lab, checks: Checks): Promise<void> {
  for (const counter of ['drop-hold-overflow', 'drop-hold-expired']) {
    const counts = await Promise.all(MAARS.map((maar) => data(lab, maar, counter)));
    checks.equal(
      `${counter} anywhere`,
      counts.reduce((sum, count) => sum + count, 0),
      0,
    );
  }
}
