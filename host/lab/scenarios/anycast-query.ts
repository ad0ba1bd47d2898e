import type { Scenario } from '../lab.ts';
import { runAnycast } from './common/anycast.ts';
import type { Sent } from './common/handover.ts';

/** b3 asks for what comes to it, as the MAAR nearest to the correspondent. */
const EXPECTED: readonly Sent[] = [
  { node: 'b3', message: 'PBQ', to: 'lm1' },
  { node: 'lm1', message: 'PQA', to: 'b3' },
];

export const anycastQuery: Scenario = {
  name: 'anycast-query',
  summary: 'the MAAR nearest to a correspondent outside takes its packets, and asks where they go',
  backends: ['sim', 'netns'],
  needs: 'lm',
  options: { schemeOptions: { design: 'anycast-query' }, anycast: 'b3' },
  run: (lab) => runAnycast(lab, EXPECTED),
};
