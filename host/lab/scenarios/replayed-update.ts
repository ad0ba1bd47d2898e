import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, control, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { checkStream, goAway, lmCounter, registrationOf, updatesFrom, watch } from './common/location.ts';
import { outcome } from './common/session.ts';

/** Timestamps further than this from a server's clock are refused (docs/lm.md). */
const WINDOW_MILLIS = 7_000;

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
  const again = async (): Promise<void> => {
    for (const data of old) await lab.injectCore(data, 'a2');
    for (const data of latest) await lab.injectCore(data, 'a3');
    await lab.sleep(500);
  };
  const total = old.length + latest.length;
  const counted = async (): Promise<readonly number[]> => [
    (await lmCounter(lab, 'refused-replayed')) + (await lmCounter(lab, 'refused-out-of-time')),
    await refusedAnswers(lab),
  ];

  const before = await counted();
  await again();
  const atOnce = await counted();
  checks.equal('played again at once: refused by lm1', atOnce[0]! - before[0]!, total);
  checks.equal('registration of A after that', await registrationOf(lab, 'A'), registered);

  await lab.sleep(WINDOW_MILLIS);
  await again();
  const later = await counted();
  checks.equal('played again out of the window: refused by lm1', later[0]! - atOnce[0]!, total);
  checks.equal('and its answers by those who had not asked', later[1]! - atOnce[1]!, total);
  checks.equal('registration of A after that too', await registrationOf(lab, 'A'), registered);

  await lab.kill('lm1');
  await lab.start('lm1');
  checks.equal('registration of A at the server started again', await registrationOf(lab, 'A'), registered);
  await again();
  checks.equal('played again to it: refused', (await counted())[0], total);
  checks.equal('registration of A at the end', await registrationOf(lab, 'A'), registered);
  const reports = [await watched.finish(), await away.session.finish()] as const;
  checkStream(checks, reports[0]);
  return outcome(checks, reports, [report(lab, move, {})]);
}

/** Answers with status 156 that came to a2 and a3 for what these had not asked just now. */
async function refusedAnswers(lab: Lab): Promise<number> {
  let sum = 0;
  for (const maar of ['a2', 'a3'] as const satisfies readonly MaarName[]) {
    sum += await control(lab, maar, 'lm-refused-unasked');
  }
  return sum;
}
