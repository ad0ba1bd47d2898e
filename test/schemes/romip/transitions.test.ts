import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { next } from '../../../host/schemes/phases.ts';
import { TRANSITIONS } from '../../../host/schemes/romip/transitions.ts';

test('every phase can be reached and left, and no event has two outcomes', () => {
  const phases = new Set(TRANSITIONS.map(({ from }) => from));
  for (const phase of phases) {
    assert.ok(phase === 'new' || TRANSITIONS.some(({ to }) => to === phase), `${phase} is never reached`);
  }
  const keys = TRANSITIONS.map(({ from, event }) => `${from} ${event}`);
  assert.equal(new Set(keys).size, keys.length);
});

test('an event without a meaning in a phase changes nothing', () => {
  assert.equal(next(TRANSITIONS, 'settled', 'still-here'), 'settled');
  assert.equal(next(TRANSITIONS, 'released', 'gone'), undefined);
});

test('the diagram of the README is the table', () => {
  const page = readFileSync(new URL('../../../host/schemes/romip/README.md', import.meta.url), 'utf8');
  const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+): ([\w-]+)$/gm)].map(
    ([, from, to, event]) => `${from} ${event} ${to}`,
  );
  const table = TRANSITIONS.map(({ from, event, to }) => `${from} ${event} ${to ?? 'forgotten'}`);
  assert.deepEqual(drawn, table);
});
