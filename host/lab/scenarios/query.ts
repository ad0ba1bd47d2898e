import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { latePackets } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { attach } from './common/domain.ts';
import { order, sentence, type Sent } from './common/handover.ts';
import { checkStream, goAway, sent } from './common/location.ts';
import { checkOptimised, talk } from './common/optimised.ts';
import { outcome } from './common/session.ts';

/** What a query adds to a session: one question, one answer. */
const FIGURE3: readonly Sent[] = [
  { node: 'b2', message: 'PBQ', to: 'lm1' },
  { node: 'lm1', message: 'PQA', to: 'b2' },
];
/** From the first packet at b2: to the server and back. */
const ANSWER_PATHS = 4;

export const query: Scenario = {
  name: 'query',
  summary: "the correspondent's MAAR asks where an MN is, and tunnels to it (figure 3)",
  backends: ['sim', 'netns'],
  needs: 'lm',
  options: { schemeOptions: { design: 'gateway-query' } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const from = await attach(lab, 'C', 'b2');
  const session = await talk(lab, 'C', from, away.home);
  const first = await session.settled();
  checks.equal('messages of figure 3, in order', order(lab, first.at, FIGURE3), FIGURE3.map(sentence));
  await checkOptimised(lab, checks, first, { tunnel: 'b2>a2', after: ANSWER_PATHS });
  const asked = questions(lab, first.at);

  const second = await talk(lab, 'C', from, away.home);
  const again = await second.settled();
  checks.equal('questions of b2 for a second session', questions(lab, first.at), asked);
  await checkOptimised(lab, checks, again, { tunnel: 'b2>a2', after: 0 });
  const reports = await Promise.all([session.finish(), second.finish(), away.session.finish()]);
  checkStream(checks, reports[0], { reordered: ANSWER_PATHS * lab.delay + latePackets(lab) });
  checkStream(checks, reports[1]);
  return outcome(checks, reports);
}

/** Others ask for reasons of their own. */
function questions(lab: Lab, since: number): number {
  return sent(lab, 'PBQ', since).filter((line) => line.startsWith('b2 ')).length;
}
