import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPlanted } from '../support/planted.ts';
import { INVARIANTS, type Invariant } from './storm/invariants.ts';

/** Each patch takes one safeguard away; the storms must find out, with this scheme and by this invariant. */
const PLANTED: Readonly<Record<string, { scheme: string; invariant: Invariant }>> = {
  /** The tunnels to where a host went stay when the MAAR that it left forgets it. */
  'entry-left': { scheme: 'romip', invariant: 'explained' },
  /** An anchor that has restarted does not renew the leases of homes that are away. */
  'lease-forgotten': { scheme: 'luo gateway-query', invariant: 'lease' },
  /** What is known of a correspondent does not end. */
  'session-kept': { scheme: 'luo gateway-push', invariant: 'lifetime' },
};
/** A run ends with the first domain that shows the bug. */
const SEEDS = '20';

for (const [name, { scheme, invariant }] of Object.entries(PLANTED)) {
  test(`the bug of ${name}.patch is found: ${INVARIANTS[invariant]}`, () => {
    const found = findPlanted({
      patch: `test/scenarios/planted/${name}.patch`,
      parts: ['bindings', 'test/scenarios/storm', 'test/scenarios/storm.test.ts'],
      links: ['build'],
      run: 'test/scenarios/storm.test.ts',
      seeds: { MAAR_STORM_SEEDS: SEEDS, MAAR_STORM_SCHEME: scheme },
      unset: ['MAAR_STORM_SEED'],
    });
    const broken = /seed (\d+), [a-z -]+, [a-z0-9 ]+: ([^:]+): /.exec(found);
    assert.equal(broken?.[2], INVARIANTS[invariant], found);
    assert.match(found, new RegExp(`MAAR_STORM_SEED=${broken[1]} MAAR_STORM_SCHEME='${scheme}' `));
  });
}
