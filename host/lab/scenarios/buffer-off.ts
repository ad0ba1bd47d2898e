import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { GAP_MILLIS, HOLD, RATE_INTERVAL_MS, startEnds, tour } from './common/relentless.ts';
import { outcome } from './common/session.ts';

export const bufferOff: Scenario = {
  name: 'buffer-off',
  summary: 'zero-loss without its buffer: what that saves',
  backends: ['sim', 'netns'],
  options: { hold: HOLD, buffer: { packets: 0 } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const ends = await startEnds(lab);
  const { moves, handovers, down, up, transfer } = await tour(lab, checks, ends, 'announced', [
    'a1',
    'a2',
    'a3',
    'a2',
    'a1',
    'a2',
  ]);
  checks.atLeast(
    `${down.spec.name}: packets lost of ${down.sent}`,
    down.lost,
    (moves.length * GAP_MILLIS) / RATE_INTERVAL_MS,
  );
  checks.atMost(`${up.spec.name}: packets lost of ${up.sent}`, up.lost, lab.overflowed());
  return outcome(checks, [down, up, transfer], handovers);
}
