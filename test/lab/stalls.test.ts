import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stalledBetween } from '../../host/lab/netns/stalls.ts';

/** A look every 50 ms, of which somebody waited for so many. */
function looks(...waits: readonly number[]): { at: number; waited: number }[] {
  let waited = 7_000;
  return [
    { at: 0, waited },
    ...waits.map((wait, index) => ({ at: 50 * (index + 1), waited: (waited += wait) })),
  ];
}

test('a machine is stalled where processes wait for processors nearly all the time', () => {
  assert.equal(stalledBetween(looks(0, 50, 48, 30, 50), 0, 250), 150);
  assert.equal(stalledBetween(looks(20, 30, 40), 0, 150), 0);
});

test('only the time asked about counts, and looks that come late count for as long as they took', () => {
  assert.equal(stalledBetween(looks(50, 50, 50), 60, 90), 30);
  const late = [
    { at: 0, waited: 0 },
    { at: 400, waited: 390 },
  ];
  assert.equal(stalledBetween(late, 100, 1_000), 300);
});
