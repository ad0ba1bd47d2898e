import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silences } from '../../host/lab/netns/silences.ts';

const THRESHOLD = 30;
/** When packets leave that are sent every 10 ms. */
const LEFT = [0, 10, 20, 30, 40, 50, 60, 70];

test('a silence begins when the first packet leaves that nobody gets, and ends when the next arrives', () => {
  assert.deepEqual(silences(LEFT, [1, 11, 61, 71], THRESHOLD, 80), [{ at: 20, length: 41 }]);
});

test('what is held back arrives late, and ends the silence all the same', () => {
  assert.deepEqual(silences(LEFT, [1, 55, 55, 55, 56, 61, 71], THRESHOLD, 80), [{ at: 10, length: 45 }]);
});

test('a sender that pauses makes no silence', () => {
  assert.deepEqual(silences([0, 10, 500, 510], [1, 11, 501, 511], THRESHOLD, 520), []);
});

test('a stream that does not come back is silent to its end', () => {
  assert.deepEqual(silences(LEFT, [1, 11], THRESHOLD, 120), [{ at: 20, length: 100 }]);
  assert.deepEqual(silences(LEFT, [], THRESHOLD, 120), [{ at: 0, length: 120 }]);
  assert.deepEqual(silences([], [], THRESHOLD, 120), []);
});
