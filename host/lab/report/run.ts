import { messageOf } from '../../core/error-message.ts';
import type { Lab, LabOptions, Scenario, ScenarioResult } from '../lab.ts';
import { MAARS } from '../plan.ts';
import type { Move, RunReport } from './model.ts';
import { observeMoves } from './observe.ts';
import { pathChanges } from './paths.ts';

const NOTHING: ScenarioResult = { checks: [], streams: [], handovers: [] };

/** Runs one scenario on a domain that is up, and gathers everything there is to tell about it. */
export async function runScenario(lab: Lab, scenario: Scenario, options: LabOptions): Promise<RunReport> {
  const moves: Move[] = [];
  let result = NOTHING;
  let error: string | undefined;
  try {
    result = await scenario.run(observeMoves(lab, moves));
  } catch (caught) {
    error = messageOf(caught);
  }
  const asked = await Promise.allSettled(MAARS.map(async (name) => ({ name, status: await lab.show(name) })));
  const servers = await Promise.allSettled(lab.locationServers.map((name) => lab.showLm(name)));
  const packets = await lab.captured().catch((caught: unknown) => {
    error ??= String(caught);
    return [];
  });
  return {
    scenario: scenario.name,
    summary: scenario.summary,
    backend: lab.backend,
    scheme: options.scheme,
    seed: options.seed,
    delay: lab.delay,
    passed: error === undefined && result.checks.length > 0 && result.checks.every(({ passed }) => passed),
    duration: lab.now(),
    ...(error === undefined ? {} : { error }),
    result,
    moves,
    paths: pathChanges(moves, packets),
    maars: answered(asked),
    lms: answered(servers),
    trace: lab.trace(),
  };
}

function answered<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
