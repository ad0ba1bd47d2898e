import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../host/core/context.ts';
import { Phases } from '../../host/schemes/phases.ts';
import { testConfig } from '../support/maar-config.ts';

test('an MN goes through the table until it is forgotten, and every step is traced', () => {
  const context = new Context(testConfig(), () => 0.5);
  const phases = new Phases<'new' | 'here', 'come' | 'gone'>(context, [
    { from: 'new', event: 'come', to: 'here' },
    { from: 'here', event: 'gone', to: undefined },
  ]);
  phases.advance('a', 'gone');
  assert.equal(phases.of('a'), 'new');
  phases.advance('a', 'come');
  phases.advance('a', 'come');
  assert.equal(phases.of('a'), 'here');
  assert.deepEqual([phases.some('here'), phases.of('b')], [true, 'new']);
  phases.advance('a', 'gone');
  assert.deepEqual([phases.some('here'), phases.of('a')], [false, 'new']);
  assert.deepEqual(
    context.take().map((effect) => (effect.type === 'trace' ? effect.detail : effect)),
    [
      { mnId: 'a', event: 'come', from: 'new', to: 'here' },
      { mnId: 'a', event: 'gone', from: 'here', to: 'forgotten' },
    ],
  );
});
