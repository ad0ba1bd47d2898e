import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subscriptions } from '../../../../host/functions/lm/server/subscriptions.ts';

const A = '2001:db8::a';
const B = '2001:db8::b';

test('subscribers of a part of a prefix are told of the whole, once, and of nothing around it', () => {
  const subscriptions = new Subscriptions(10);
  subscriptions.add(A, '2001:db8:1:1::5/128', 100);
  subscriptions.add(A, '2001:db8:1:1::6/128', 100);
  subscriptions.add(B, '2001:db8:1:1::/64', 100);
  subscriptions.add(B, '2001:db8:2::/56', 100);
  const of = (...prefixes: string[]): unknown => [...subscriptions.of(prefixes, 0)];
  assert.deepEqual(of('2001:db8:1:1::/64'), [
    [A, ['2001:db8:1:1::/64']],
    [B, ['2001:db8:1:1::/64']],
  ]);
  assert.deepEqual(of('2001:db8:1::/48', '2001:db8:2::/56'), [
    [A, ['2001:db8:1::/48']],
    [B, ['2001:db8:1::/48', '2001:db8:2::/56']],
  ]);
  assert.deepEqual(of('2001:db8:1:1::5/128'), [[A, ['2001:db8:1:1::5/128']]]);
  assert.deepEqual(of('2001:db8:2:1::/64'), []);
});

test('subscriptions end, can be renewed, and are bounded', () => {
  const subscriptions = new Subscriptions(2);
  assert.equal(subscriptions.add(A, '2001:db8:1::/64', 100), true);
  assert.equal(subscriptions.add(A, '2001:db8:2::/64', 200), true);
  assert.equal(subscriptions.add(B, '2001:db8:3::/64', 100), false);
  assert.equal(subscriptions.add(A, '2001:db8:1::/64', 300), true, 'a renewal needs no room');
  assert.equal(subscriptions.of(['2001:db8:2::/64'], 200).size, 0);
  subscriptions.sweep(200);
  assert.equal(subscriptions.size, 1);
  assert.equal(subscriptions.add(B, '2001:db8:3::/64', 400), true);
  subscriptions.drop(A);
  assert.equal(subscriptions.size, 1);
  assert.equal(subscriptions.of(['2001:db8:1::/64'], 200).size, 0);
});
