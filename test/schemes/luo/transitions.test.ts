import assert from 'node:assert/strict';
import { test } from 'node:test';
import { next } from '../../../host/schemes/phases.ts';
import { TRANSITIONS } from '../../../host/schemes/luo/transitions.ts';
import { testPhaseTable } from '../phase-table.ts';

testPhaseTable(TRANSITIONS, new URL('../../../host/schemes/luo/README.md', import.meta.url));

test('an event without a meaning in a phase changes nothing', () => {
  assert.equal(next(TRANSITIONS, 'settled', 'context'), 'settled');
  assert.equal(next(TRANSITIONS, 'released', 'gone'), undefined);
});
