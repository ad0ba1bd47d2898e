import assert from 'node:assert/strict';
import { test } from 'node:test';
import { next } from '../../../host/schemes/phases.ts';
import { TRANSITIONS } from '../../../host/schemes/romip/transitions.ts';
import { testPhaseTable } from '../phase-table.ts';

testPhaseTable(TRANSITIONS, new URL('../../../host/schemes/romip/README.md', import.meta.url));

test('an event without a meaning in a phase changes nothing', () => {
  assert.equal(next(TRANSITIONS, 'settled', 'still-here'), 'settled');
  assert.equal(next(TRANSITIONS, 'released', 'gone'), undefined);
});
