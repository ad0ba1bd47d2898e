import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceEntry } from '../../bindings/entries.ts';
import { SETS } from '../../host/io/kernel/base-table.ts';
import { sourceChanges } from '../../host/io/kernel/sources.ts';

const native = { kind: 'source', prefix: '2001:db8:1::/64', link: 0, mac: '02:00:5e:10:01:0a' } as const;
const foreign: SourceEntry = { ...native, reverse: '2001:db8:0:2::1' };

/** Each transaction as "op set" in order. */
function transactions(before: SourceEntry | undefined, after: SourceEntry | undefined): string[][] {
  return sourceChanges(3, before, after).map((changes) => changes.map(({ op, set }) => `${op} ${set}`));
}

test('a prefix has an owner only while its station is in one of the sets of stations', () => {
  assert.deepEqual(transactions(undefined, native), [[`add ${SETS.native}`, `add ${SETS.prefixes}`]]);
  assert.deepEqual(transactions(native, foreign), [[`add ${SETS.owned}`], [`delete ${SETS.native}`]]);
  assert.deepEqual(transactions(foreign, undefined), [[`delete ${SETS.prefixes}`, `delete ${SETS.owned}`]]);
  const moved = { ...native, mac: '02:00:5e:10:01:0b' };
  assert.deepEqual(transactions(native, moved), [[`add ${SETS.native}`], [`delete ${SETS.native}`]]);
});
