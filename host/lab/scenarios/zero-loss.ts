import { DEFAULT_TIMERS } from '../../core/config.ts';
import { MAARS } from '../plan.ts';
import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { data } from './common/domain.ts';
import { checkUnannounced, checkUplink, HOLD, longestPause, startEnds, tour } from './common/relentless.ts';
import { outcome } from './common/session.ts';

const ANNOUNCED: readonly MaarName[] = ['a1', 'a2', 'a3', 'a2', 'a1', 'a2'];
const UNANNOUNCED: readonly MaarName[] = ['a2', 'a3', 'a1', 'a3', 'a2', 'a3'];

export const zeroLoss: Scenario = {
  name: 'zero-loss',
  summary: 'five handovers with 200 ms between links, 1,000 packets a second each way: none lost',
  backends: ['sim', 'netns'],
  options: { hold: HOLD, buffer: { ...HOLD, bytes: 6_000_000 } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const ends = await startEnds(lab);
  const announced = await tour(lab, checks, ends, 'announced', ANNOUNCED);
  for (const { spec, lost, sent } of [announced.down, announced.up]) {
    checks.atMost(`${spec.name}: packets lost of ${sent}`, lost, lab.overflowed());
  }
  await checkHolds(lab, checks);
  const cut = await tour(lab, checks, ends, 'carrier', UNANNOUNCED);
  await checkUnannounced(lab, checks, cut);
  await checkUplink(lab, checks, cut);
  const pause = await longestPause(lab, cut);
  checks.that(
    `a detector by silence would need to allow for A's longest pause under this traffic`,
    true,
    'reported',
    `${pause.toFixed(1)} ms, and ${DEFAULT_TIMERS.probe} ms for an answer to its probe`,
  );
  await checkHolds(lab, checks);
  return outcome(
    checks,
    [announced, cut].flatMap(({ down, up, transfer }) => [down, up, transfer]),
    [...announced.handovers, ...cut.handovers],
  );
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
