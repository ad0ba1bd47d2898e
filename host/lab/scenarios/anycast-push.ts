import type { Scenario } from '../lab.ts';
import { runAnycast } from './common/anycast.ts';
import type { Sent } from './common/handover.ts';

/** The anchor tells b3, which sent it the first packets. */
const EXPECTED: readonly Sent[] = [
  { node: 'a1', message: 'LRI', to: 'b3' },
  { node: 'b3', message: 'LRA', to: 'a1' },
];

export const anycastPush: Scenario = {
  name: 'anycast-push',
  summary: 'the MAAR nearest to a correspondent outside takes its packets, and is redirected',
  backends: ['sim', 'netns'],
  needs: 'lm',
  options: { schemeOptions: { design: 'anycast-push' }, anycast: 'b3' },
  run: (lab) => runAnycast(lab, EXPECTED),
};
