import type { Lab, ScenarioResult } from '../../lab.ts';
import { CN } from '../../plan.ts';
import { latePackets } from './bounds.ts';
import { Checks } from './checks.ts';
import { order, sentence, type Sent } from './handover.ts';
import { checkStream, goAway } from './location.ts';
import { checkOptimised, talk } from './optimised.ts';
import { outcome } from './session.ts';

/** From the first packet at the anchor on, by way of b3: what b3 is told comes to it by then. */
const TOLD_PATHS = 10;

/**
 * The correspondent outside the domain begins a session with A, which is away from a1. b3, the MAAR nearest to the
 * correspondent, takes its packets, and learns by the messages `expected` that A is at a2.
 */
export async function runAnycast(lab: Lab, expected: readonly Sent[]): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const session = await talk(lab, 'cn', CN.address, away.home);
  const begun = await session.settled();
  checks.equal('messages, in order', order(lab, begun.at, expected), expected.map(sentence));
  await checkOptimised(lab, checks, begun, { tunnel: 'b3>a2', after: TOLD_PATHS, through: ['native'] });
  const reports = await Promise.all([session.finish(), away.session.finish()]);
  checkStream(checks, reports[0], { reordered: TOLD_PATHS * lab.delay + latePackets(lab) });
  return outcome(checks, reports);
}
