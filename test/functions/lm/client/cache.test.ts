import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocationCache } from '../../../../host/functions/lm/client/cache.ts';
import type { Binding } from '../../../../host/functions/lm/messages/message.ts';

const binding = (prefix: string, counter = 1, locator = '2001:db8::1'): Binding => ({
  prefixes: [prefix],
  delegated: [],
  locator,
  counter,
  lifetimeSeconds: 600,
});

test('the longest prefix counts, and absence only where no binding is around', () => {
  const cache = new LocationCache(10);
  cache.put('2001:db8:1::/56', binding('2001:db8:1::/56'), 100, 0);
  cache.put('2001:db8:1:1::/64', binding('2001:db8:1:1::/64', 2, '2001:db8::2'), 100, 0);
  cache.putAbsent('2001:db8:1:2::1/128', 100);
  assert.equal(cache.find('2001:db8:1:1::9', 0)?.binding?.locator, '2001:db8::2');
  assert.equal(cache.find('2001:db8:1:2::1', 0)?.binding?.locator, '2001:db8::1');
  cache.putAbsent('2001:db8:9::1/128', 100);
  assert.deepEqual(cache.find('2001:db8:9::1', 0)?.binding, undefined);
  assert.equal(cache.find('2001:db8:9::2', 0), undefined);
});

test('entries end, and the one used longest ago makes room', () => {
  const cache = new LocationCache(2);
  for (const net of ['1', '2']) cache.put(`2001:db8:${net}::/64`, binding(`2001:db8:${net}::/64`), 100, 0);
  assert.ok(cache.find('2001:db8:1::1', 0));
  cache.put('2001:db8:3::/64', binding('2001:db8:3::/64'), 100, 0);
  assert.equal(cache.size, 2);
  assert.equal(cache.find('2001:db8:2::1', 0), undefined);
  assert.ok(cache.find('2001:db8:1::1', 99));
  assert.equal(cache.find('2001:db8:1::1', 100), undefined);
});

test('an older binding does not replace a later one, unless that has ended', () => {
  const cache = new LocationCache(2);
  const prefix = '2001:db8:1::/64';
  assert.equal(cache.put(prefix, binding(prefix, 5, '2001:db8::5'), 100, 0), true);
  assert.equal(cache.put(prefix, binding(prefix, 4, '2001:db8::4'), 100, 0), false);
  assert.equal(cache.find(prefix, 0)?.binding?.locator, '2001:db8::5');
  assert.equal(cache.put(prefix, binding(prefix, 4, '2001:db8::4'), 300, 100), true);
});

test('only the locator that turned out stale is forgotten', () => {
  const cache = new LocationCache(2);
  const prefix = '2001:db8:1::/64';
  cache.put(prefix, binding(prefix), 100, 0);
  assert.equal(cache.invalidate('2001:db8:1::9', '2001:db8::7', 0), false);
  assert.ok(cache.find(prefix, 0));
  assert.equal(cache.invalidate('2001:db8:1::9', '2001:db8::1', 0), true);
  assert.equal(cache.find(prefix, 0), undefined);
});
