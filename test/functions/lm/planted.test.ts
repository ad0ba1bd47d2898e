import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPlanted } from '../../support/planted.ts';
import { INVARIANTS } from './faults/invariants.ts';
import type { Invariant } from './faults/invariants.ts';

/** Each patch takes one safeguard away; the random domains must find out, by this invariant. */
const PLANTED: Readonly<Record<string, Invariant>> = {
  /** The server takes any counter. */
  'late-update': 'counter',
  /** The server acknowledges before the store has kept what it acknowledges. */
  'early-acknowledgement': 'acknowledged',
  /** The cache tells the lifetime that a binding had when it came. */
  'lifetime-anew': 'lifetime',
  /** A MAAR does not remember the counters of its own registrations. */
  'own-registration': 'loop',
  /** A request counts as often as it comes. */
  replay: 'once',
};
/** Some bugs show in one of thirty domains; a run ends with the first that shows one. */
const SEEDS = '100';

for (const [name, invariant] of Object.entries(PLANTED)) {
  test(`the bug of ${name}.patch is found: ${INVARIANTS[invariant]}`, () => {
    const found = findPlanted({
      patch: `test/functions/lm/planted/${name}.patch`,
      parts: ['bindings/entries.ts', 'test/functions/lm'],
      run: 'test/functions/lm/invariants.test.ts',
      seeds: { MAAR_LM_SEEDS: SEEDS },
      unset: ['MAAR_LM_SEED'],
    });
    const broken = /seed (\d+), [a-z ]+, [a-z0-9 ]+: ([a-z ]+): /.exec(found);
    assert.equal(broken?.[2], INVARIANTS[invariant], found);
    assert.match(found, new RegExp(`MAAR_LM_SEED=${broken[1]} `), 'how to run it again');
  });
}
