import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { control, data, forwards, nodeAt } from './common/domain.ts';
import { startDownlink, startEnds } from './common/relentless.ts';
import { outcome, TIMERS } from './common/session.ts';
import { maarConfig } from '../plan.ts';

const INTERVAL_MS = 5;
const SAMPLE_MILLIS = 250;
const BUDGET_MILLIS = maarConfig('a1', { scheme: '', seed: 0 }).buffer.millis;

export const bufferOrphan: Scenario = {
  name: 'buffer-orphan',
  summary: 'a host that never re-appears: its packets expire, then its entries end',
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const ends = await startEnds(lab);
  const stream = await startDownlink(lab, ends, INTERVAL_MS);
  await lab.leave('A');
  let most = 0;
  for (const end = lab.now() + TIMERS.hold - SAMPLE_MILLIS; lab.now() < end;) {
    await lab.sleep(SAMPLE_MILLIS);
    most = Math.max(most, await kept(lab));
  }
  checks.atLeast('a1: packets kept', most, BUDGET_MILLIS / INTERVAL_MS - 1);
  checks.atMost('a1: packets kept', most, BUDGET_MILLIS / INTERVAL_MS + 1);
  await lab.sleep(2 * SAMPLE_MILLIS);
  checks.equal('a1: packets kept after the detachment', await kept(lab), 0);
  checks.equal('a1: released', await data(lab, 'a1', 'released'), 0);
  checks.atLeast('a1: drop-hold-expired', await data(lab, 'a1', 'drop-hold-expired'), 1);
  checks.atLeast('a1: hold-discarded', await data(lab, 'a1', 'hold-discarded'), 1);
  checks.atLeast('a1: hold-drop events', await control(lab, 'a1', 'hold-drop'), 1);
  checks.equal('A at a1', await nodeAt(lab, 'a1', 'A'), undefined);
  checks.equal('a1 has an entry for A', await forwards(lab, 'a1', ends.aHoa), false);
  return outcome(checks, [await stream.finish()]);
}

/** Packets on hold at a1, from its counters. */
async function kept(lab: Lab): Promise<number> {
  const { counters } = (await lab.show('a1')).dataplane;
  const gone = ['released', 'drop-hold-expired', 'drop-hold-overflow', 'hold-discarded'];
  return gone.reduce((left, name) => left - (counters[name] ?? 0), counters['held'] ?? 0);
}
