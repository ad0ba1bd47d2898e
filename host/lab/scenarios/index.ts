import type { Scenario } from '../lab.ts';
import { figure1 } from './figure1.ts';

/** Every scenario of `maar lab --list`, in that order; the first is what `npm start` runs. */
export const scenarios: readonly Scenario[] = [figure1];
