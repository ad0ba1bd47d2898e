import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { latePackets } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { attach } from './common/domain.ts';
import { order, sentence, type Sent } from './common/handover.ts';
import { checkStream, goAway, sent } from './common/location.ts';
import { checkOptimised, talk } from './common/optimised.ts';
import { outcome, TIMERS } from './common/session.ts';

/** The anchor asks where the MN is, and tells the correspondent's MAAR. */
const FIGURE4: readonly Sent[] = [
  { node: 'a1', message: 'LRI', to: 'b2' },
  { node: 'b2', message: 'LRA', to: 'a1' },
];
/** From the first packet at b2 to the anchor, and the redirect back. */
const REDIRECT_PATHS = 4;

export const redirect: Scenario = {
  name: 'redirect',
  summary: 'the anchor tunnels the first packets on, and redirects the MAAR they come from (figure 4)',
  backends: ['sim', 'netns'],
  needs: 'lm',
  options: { schemeOptions: { design: 'gateway-push' } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  // What the anchor knows of the handover itself is over by then: it knows what location management tells it.
  await lab.sleep(TIMERS.hold);
  const from = await attach(lab, 'C', 'b2');
  const session = await talk(lab, 'C', from, away.home);
  const begun = await session.settled();
  checks.equal('messages of figure 4, in order', order(lab, begun.at, FIGURE4), FIGURE4.map(sentence));
  checks.equal(
    "questions of the correspondent's MAAR",
    sent(lab, 'PBQ', begun.at).filter((line) => line.startsWith('b2')).length,
    0,
  );
  await checkOptimised(lab, checks, begun, { tunnel: 'b2>a2', after: REDIRECT_PATHS });
  const reports = await Promise.all([session.finish(), away.session.finish()]);
  checkStream(checks, reports[0], { reordered: REDIRECT_PATHS * lab.delay + latePackets(lab) });
  return outcome(checks, reports);
}
