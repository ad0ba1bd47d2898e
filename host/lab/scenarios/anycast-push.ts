import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { CN } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { order, sentence, type Sent } from './common/handover.ts';
import { checkStream, goAway } from './common/location.ts';
import { checkOptimised, talk } from './common/optimised.ts';
import { outcome } from './common/session.ts';

/** The anchor tells b3, which sent it the first packets. */
const EXPECTED: readonly Sent[] = [
  { node: 'a1', message: 'LRI', to: 'b3' },
  { node: 'b3', message: 'LRA', to: 'a1' },
];
/** From the first packet at the anchor on, by way of b3: what b3 is told comes to it by then. */
const TOLD_PATHS = 10;

export const anycastPush: Scenario = {
  name: 'anycast-push',
  summary: 'the MAAR nearest to a correspondent outside takes its packets, and is redirected',
  backends: ['sim', 'netns'],
  needs: 'lm',
  options: { schemeOptions: { design: 'anycast-push' }, anycast: 'b3' },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const session = await talk(lab, 'cn', CN.address, away.home);
  const begun = await session.settled();
  checks.equal('messages, in order', order(lab, begun.at, EXPECTED), EXPECTED.map(sentence));
  await checkOptimised(lab, checks, begun, { tunnel: 'b3>a2', after: TOLD_PATHS, through: ['native'] });
  const reports = [await session.finish(), await away.session.finish()] as const;
  checkStream(checks, reports[0], { reordered: TOLD_PATHS * lab.delay });
  return outcome(checks, reports);
}
