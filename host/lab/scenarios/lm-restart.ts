import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { maarAddress } from '../plan.ts';
import { afterDetection } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { checkStream, goAway, registrationOf, sent, watch } from './common/location.ts';
import { outcome, TIMERS } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

/** How long the server is away. */
const DOWN_MILLIS = 500;
const ASKED_MILLIS = 5_000;
const REPAIR_MILLIS = 14_000;

export const lmRestart: Scenario = {
  name: 'lm-restart',
  summary: 'the server of location management is killed in the middle of a handover and started again',
  backends: ['sim', 'netns'],
  needs: 'lm',
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const watched = await watch(lab, away);
  await settle(lab);
  const before = await registrationOf(lab, 'A');
  const move = await handover(lab, 'A', 'a2', 'a3');
  await lab.until('a3 asks where A was', ASKED_MILLIS, () => sent(lab, 'PBQ', move.at).length > 0);
  await lab.kill('lm1');
  await lab.sleep(DOWN_MILLIS);
  await lab.start('lm1');
  const kept = await registrationOf(lab, 'A');
  checks.equal('registration of A at the server started again', kept, before);
  await lab.sleep(REPAIR_MILLIS);
  await awaitAddress(lab, 'A', 'a3');
  await settle(lab);
  const after = await registrationOf(lab, 'A');
  checks.equal('where A is registered at the end', after?.locator, maarAddress('a3'));
  checks.that(
    'its counter has risen',
    (after?.counter ?? 0) > (before?.counter ?? 0),
    `more than ${before?.counter}`,
    String(after?.counter),
  );
  const reports = await Promise.all([watched.finish(), away.session.finish()]);
  const parts = report(lab, move, { down: reports[0] });
  // The first question, or its answer, is lost with the server; the second follows after `retransmit`, or the third.
  const wait = 3 * TIMERS.retransmit;
  checks.within(
    lab,
    'old session downlink after detection',
    afterDetection(lab, parts.downlink, parts.detected),
    RESUMED_PATHS,
    wait + INTERVAL_MS,
  );
  checkStream(checks, reports[0], { lost: (wait + 1_000) / INTERVAL_MS, reordered: reports[0].sent });
  return outcome(checks, reports, [parts]);
}

/** As many one-way delays as an exchange with the AAA server, one with a server of location management and one between MAARs. */
const RESUMED_PATHS = 16;
