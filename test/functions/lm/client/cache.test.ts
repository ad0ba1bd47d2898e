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
  cache.put('2001:db8:1::/56', binding('2001:db8:1::/56'), 100_000, 0);
  cache.put('2001:db8:1:1::/64', binding('2001:db8:1:1::/64', 2, '2001:db8::2'), 100_000, 0);
  cache.putAbsent('2001:db8:1:2::1/128', 100_000);
  assert.equal(cache.find('2001:db8:1:1::9', 0)?.binding?.locator, '2001:db8::2');
  assert.equal(cache.find('2001:db8:1:2::1', 0)?.binding?.locator, '2001:db8::1');
  cache.putAbsent('2001:db8:9::1/128', 100_000);
  assert.deepEqual(cache.find('2001:db8:9::1', 0)?.binding, undefined);
  assert.equal(cache.find('2001:db8:9::2', 0), undefined);
});

test('entries end, and the one used longest ago makes room', () => {
  const cache = new LocationCache(2);
  for (const net of ['1', '2'])
    cache.put(`2001:db8:${net}::/64`, binding(`2001:db8:${net}::/64`), 100_000, 0);
  assert.ok(cache.find('2001:db8:1::1', 0));
  cache.put('2001:db8:3::/64', binding('2001:db8:3::/64'), 100_000, 0);
  assert.equal(cache.size, 2);
  assert.equal(cache.find('2001:db8:2::1', 0), undefined);
  assert.equal(cache.find('2001:db8:1::1', 98_500)?.binding?.lifetimeSeconds, 1);
  assert.equal(cache.find('2001:db8:1::1', 99_001), undefined, 'less than a second is none');
});

test('of the lifetime of a binding only what is left is told', () => {
  const cache = new LocationCache(2);
  cache.put('2001:db8:1::/64', binding('2001:db8:1::/64'), 600_000, 0);
  assert.equal(cache.find('2001:db8:1::1', 0)?.binding?.lifetimeSeconds, 600);
  assert.equal(cache.find('2001:db8:1::1', 250_400)?.binding?.lifetimeSeconds, 349);
});

test('an older binding does not replace a later one, nor one that has ended, until that is forgotten', () => {
  const cache = new LocationCache(2);
  const prefix = '2001:db8:1::/64';
  assert.equal(cache.put(prefix, binding(prefix, 5, '2001:db8::5'), 100_000, 0), true);
  assert.equal(cache.put(prefix, binding(prefix, 4, '2001:db8::4'), 100_000, 0), false);
  assert.equal(cache.find(prefix, 0)?.binding?.locator, '2001:db8::5');
  assert.equal(cache.put(prefix, binding(prefix, 4, '2001:db8::4'), 300_000, 100_000), false);
  assert.equal(cache.put(prefix, binding(prefix, 4, '2001:db8::4'), 900_000, 600_000), true);
});

test('what was under way when a binding was withdrawn, or the MN came here, does not bring an older one back', () => {
  const cache = new LocationCache(2);
  const prefix = '2001:db8:1::/64';
  cache.put(prefix, binding(prefix, 5), 100_000, 0);
  assert.equal(cache.withdraw(prefix, 4, 5_000, 0), false);
  assert.equal(cache.withdraw(prefix, 5, 5_000, 0), true);
  assert.deepEqual(cache.find(prefix, 0), { binding: undefined, until: 5_000 });
  assert.equal(cache.put(prefix, binding(prefix, 4), 100_000, 6_000), false);
  cache.arrived(prefix, 7, 10_000);
  assert.equal(cache.find(prefix, 10_000), undefined);
  assert.equal(cache.put(prefix, binding(prefix, 6), 100_000, 20_000), false);
  assert.equal(cache.put(prefix, binding(prefix, 8), 100_000, 20_000), true);
});

test('only the locator that turned out stale is forgotten', () => {
  const cache = new LocationCache(2);
  const prefix = '2001:db8:1::/64';
  cache.put(prefix, binding(prefix), 100_000, 0);
  assert.equal(cache.invalidate('2001:db8:1::9', '2001:db8::7', 0), false);
  assert.ok(cache.find(prefix, 0));
  assert.equal(cache.invalidate('2001:db8:1::9', '2001:db8::1', 0), true);
  assert.equal(cache.find(prefix, 0), undefined);
});

test('that an address was once asked for in vain is no answer when what came later has ended', () => {
  const cache = new LocationCache(8);
  cache.putAbsent('2001:db8:1:2::1/128', 300_000);
  const binding = {
    ...{ prefixes: ['2001:db8:1:2::/64'], delegated: [], locator: '2001:db8::1' },
    ...{ counter: 3, lifetimeSeconds: 10 },
  };
  cache.put('2001:db8:1:2::/64', binding, 10_000, 0);
  assert.equal(cache.find('2001:db8:1:2::1', 5_000)?.binding?.counter, 3);
  assert.equal(cache.find('2001:db8:1:2::1', 11_000), undefined);
  cache.withdraw('2001:db8:1:2::/64', 3, 20_000, 11_000);
  const absent = cache.find('2001:db8:1:2::1', 12_000);
  assert.deepEqual([absent?.binding, absent?.until], [undefined, 20_000]);
});
