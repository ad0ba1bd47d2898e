import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, control, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { checkStream, goAway, lmCounter, registrationOf, updatesFrom, watch } from './common/location.ts';
import { outcome } from './common/session.ts';

/** Timestamps further than this from a server's clock are refused (docs/lm.md). */
const WINDOW_MILLIS = 7_000;
const PATIENCE_MILLIS = 10_000;
const MOMENT_MILLIS = 200;

export const replayedUpdate: Scenario = {
  name: 'replayed-update',
  summary:
    'captured updates sent again at once, later, and after the server has lost its memory: they change nothing',
  backends: ['sim', 'netns'],
  needs: 'lm',
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const move = await handover(lab, 'A', 'a2', 'a3');
  await awaitAddress(lab, 'A', 'a3');
  await settle(lab);
  const watched = await watch(lab, away);
  const old = (await updatesFrom(lab, 'a2')).map(({ data }) => data);
  const latest = (await updatesFrom(lab, 'a3')).map(({ data }) => data);
  checks.atLeast('updates of a2 and of a3 to play again', Math.min(old.length, latest.length), 1);
  const registered = await registrationOf(lab, 'A');
  const total = old.length + latest.length;
  /** Plays everything again; how many messages of it lm1, and the nodes that it answers, refuse. */
  const again = async (answered: boolean): Promise<readonly [number, number]> => {
    const before = [await refusedAtServer(lab), await refusedAnswers(lab)] as const;
    for (const data of old) await lab.injectCore(data, 'a2');
    for (const data of latest) await lab.injectCore(data, 'a3');
    const refused = await risen(lab, () => refusedAtServer(lab), before[0], total);
    return [refused, await risen(lab, () => refusedAnswers(lab), before[1], answered ? total : 0)];
  };
  // A slow machine may be out of the window already, and answer.
  const [atOnce] = await again(false);
  checks.equal('played again at once: refused', atOnce, total);
  checks.equal('registration of A after that', await registrationOf(lab, 'A'), registered);

  await lab.sleep(WINDOW_MILLIS);
  checks.equal('played again out of the window: refused, and answers', await again(true), [total, total]);
  checks.equal('registration of A after that too', await registrationOf(lab, 'A'), registered);

  await lab.kill('lm1');
  await lab.start('lm1');
  checks.equal('registration of A at the server started again', await registrationOf(lab, 'A'), registered);
  checks.equal('played again to it: refused, and answers', await again(true), [total, total]);
  checks.equal('registration of A at the end', await registrationOf(lab, 'A'), registered);
  const reports = await Promise.all([watched.finish(), away.session.finish()]);
  checkStream(checks, reports[0]);
  return outcome(checks, reports, [report(lab, move, {})]);
}

/** Waits until a count has risen by `expected`, and a moment more; by how much it has. */
async function risen(
  lab: Lab,
  count: () => Promise<number>,
  before: number,
  expected: number,
): Promise<number> {
  const deadline = lab.now() + PATIENCE_MILLIS;
  while ((await count()) - before < expected && lab.now() < deadline) await lab.sleep(MOMENT_MILLIS);
  await lab.sleep(MOMENT_MILLIS);
  return (await count()) - before;
}

async function refusedAtServer(lab: Lab): Promise<number> {
  return (await lmCounter(lab, 'refused-replayed')) + (await lmCounter(lab, 'refused-out-of-time'));
}

/** Answers with status 156 that came to a2 and a3 for what these had not asked just now. */
async function refusedAnswers(lab: Lab): Promise<number> {
  let sum = 0;
  for (const maar of ['a2', 'a3'] as const satisfies readonly MaarName[]) {
    sum += await control(lab, maar, 'lm-refused-unasked');
  }
  return sum;
}
