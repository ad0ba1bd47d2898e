import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../../host/core/context.ts';
import { ReplayGuard } from '../../../host/functions/lm/replay.ts';
import { testConfig } from '../../support/maar-config.ts';

const PEER = '2001:db8:0:2::1';

function guard(): { context: Context; guard: ReplayGuard } {
  const context = new Context(testConfig(), () => 0);
  return { context, guard: new ReplayGuard(context) };
}

test('a repeated message gets the same answer, and none while it is being worked on', () => {
  const { guard: replay } = guard();
  const answer = [Uint8Array.of(1)];
  assert.deepEqual(replay.admit(PEER, 's', 7), { verdict: 'accept' });
  assert.deepEqual(replay.admit(PEER, 's', 7), { verdict: 'repeat', answer: undefined });
  replay.answered(PEER, 's', 7, answer);
  assert.deepEqual(replay.admit(PEER, 's', 7), { verdict: 'repeat', answer });
});

test('an old number is refused with the last one accepted, for each peer and subject by itself', () => {
  const { guard: replay } = guard();
  replay.admit(PEER, 's', 32_783);
  assert.deepEqual(replay.admit(PEER, 's', 15), { verdict: 'out-of-window', last: 32_783 });
  assert.deepEqual(replay.admit(PEER, 'd', 15), { verdict: 'accept' });
  assert.deepEqual(replay.admit('2001:db8:0:3::1', 's', 15), { verdict: 'accept' });
});

test('a window ends with the binding lifetime', () => {
  const { context, guard: replay } = guard();
  replay.admit(PEER, 's', 100);
  context.now = 60_000;
  assert.deepEqual(replay.admit(PEER, 's', 50), { verdict: 'accept' });
});
