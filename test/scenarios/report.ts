import type { ScenarioResult } from '../../host/lab/lab.ts';

/** What failed, one line each; empty if nothing did. A scenario that checks nothing has failed too. */
export function failures({ checks }: ScenarioResult): string {
  if (checks.length === 0) return 'the scenario checked nothing';
  return checks
    .filter(({ passed }) => !passed)
    .map(({ what, expected, seen }) => `${what}: expected ${expected}; seen ${seen}`)
    .join('\n');
}
