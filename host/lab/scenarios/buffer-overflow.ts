import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { control, data, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { RATE_INTERVAL_MS, startDownlink, startEnds } from './common/relentless.ts';
import { outcome } from './common/session.ts';

const BUDGET = 100;
const GAP_MILLIS = 400;

export const bufferOverflow: Scenario = {
  name: 'buffer-overflow',
  summary: 'a buffer smaller than the gap keeps the latest packets and counts the others',
  backends: ['sim'],
  options: { buffer: { packets: BUDGET } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const ends = await startEnds(lab);
  const stream = await startDownlink(lab, ends, RATE_INTERVAL_MS);
  const move = await handover(lab, 'A', 'a1', 'a2', 'announced', GAP_MILLIS);
  const [held, dropped] = [await data(lab, 'a1', 'held'), await data(lab, 'a1', 'drop-hold-overflow')];
  checks.equal('a1: packets kept when the new link comes up', held - dropped, BUDGET);
  await settle(lab);
  const down = await stream.finish();
  const overflow = await data(lab, 'a1', 'drop-hold-overflow');
  checks.atLeast('packets lost', down.lost, GAP_MILLIS / RATE_INTERVAL_MS - BUDGET);
  checks.equal('a1: drop-hold-overflow is what was lost', overflow, down.lost);
  checks.equal('a1: released', await data(lab, 'a1', 'released'), BUDGET);
  checks.atLeast('a1: hold-drop events', await control(lab, 'a1', 'hold-drop'), 1);
  checks.equal('packets duplicated', down.duplicated, 0);
  return outcome(checks, [down], [report(lab, move, { down })]);
}
