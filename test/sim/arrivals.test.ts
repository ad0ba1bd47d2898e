import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from '../../host/sim/arrivals.ts';

function counts(sequences: readonly number[]): ReturnType<Arrivals['counts']> {
  const arrivals = new Arrivals(0, Infinity);
  sequences.forEach((sequence, index) => arrivals.add(sequence, 10 * index));
  return arrivals.counts();
}

test('packets in order, with holes, are not reordered', () => {
  assert.deepEqual(counts([0, 1, 4, 5, 9]), { received: 5, duplicated: 0, reordered: 0 });
});

test('one packet that overtakes three makes three reordered', () => {
  assert.deepEqual(counts([0, 4, 1, 2, 3, 5]), {
    received: 6,
    duplicated: 0,
    reordered: 3,
    lateness: { packets: 3, millis: 30 },
  });
});

test('lateness counts from the first packet that overtook, and of the furthest', () => {
  // 2 is overtaken by 3 first, at position 2; 7 by 8 alone.
  assert.deepEqual(counts([0, 1, 3, 4, 5, 2, 6, 8, 7]).lateness, { packets: 3, millis: 30 });
  assert.deepEqual(counts([0, 2, 1, 5, 6, 7, 8, 3, 4]).lateness, { packets: 5, millis: 50 });
});

test('a packet that comes twice is no reordering', () => {
  assert.deepEqual(counts([0, 1, 2, 1]), { received: 3, duplicated: 1, reordered: 0 });
});
