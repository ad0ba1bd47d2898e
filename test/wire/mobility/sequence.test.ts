import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNewerSequence } from '../../../host/wire/mobility/sequence.ts';

/** Last accepted number, new number. */
const ACCEPTED = [
  [15, 16],
  [15, 32782],
  [32783, 32784],
  [32783, 14],
  [10000, 42767],
  [42768, 0],
  [65535, 0],
] as const;

const REJECTED = [
  [15, 14],
  [15, 15],
  [15, 32783],
  [32783, 15],
  [10000, 42768],
] as const;

test('numbers within the window of RFC 6275 section 9.5.1 are newer', () => {
  for (const [last, next] of ACCEPTED) assert.ok(isNewerSequence(next, last), `${last} -> ${next}`);
});

test('equal, older and too far numbers are not', () => {
  for (const [last, next] of REJECTED) assert.ok(!isNewerSequence(next, last), `${last} -> ${next}`);
});
