import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HomeAddressAllocator } from '../../../host/functions/haa/allocator.ts';
import { contains } from '../../../host/wire/address.ts';

const POOL = { prefix: '2001:db8:11::/48', preferredSeconds: 60, validSeconds: 120 };
/** Room for three MNs: index 0 is left out. */
const TINY = { ...POOL, prefix: '2001:db8:11::/62' };

test('an MN gets a /64 of the pool, the same one again, and another than its neighbour', () => {
  const allocator = new HomeAddressAllocator(POOL);
  const a = allocator.allocate('a@x', 0);
  assert.ok(a !== undefined && a.endsWith('/64') && contains(POOL.prefix, a));
  assert.equal(allocator.allocate('a@x', 1000), a);
  assert.notEqual(allocator.allocate('b@x', 0), a);
});

test('a MAAR that lost its state gives an MN the prefix it had, and confirms it', () => {
  const before = new HomeAddressAllocator(POOL).allocate('a@x', 0);
  assert.ok(before !== undefined);
  const after = new HomeAddressAllocator(POOL);
  assert.equal(after.confirm('a@x', before, 5), true);
  assert.equal(after.allocate('a@x', 5), before);
});

test("nobody else's prefix is confirmed", () => {
  const allocator = new HomeAddressAllocator(POOL);
  const a = allocator.allocate('a@x', 0);
  assert.ok(a !== undefined);
  assert.equal(allocator.confirm('b@x', a, 0), false);
  assert.equal(allocator.confirm('b@x', '2001:db8:11:7::/64', 0), false);
});

test('a pool that has run dry says so, and a prefix returns only after its longest lifetime', () => {
  const allocator = new HomeAddressAllocator(TINY);
  const given = ['a', 'b', 'c'].map((mnId) => allocator.allocate(mnId, 0));
  assert.equal(new Set(given).size, 3);
  assert.ok(!given.includes('2001:db8:11::/64'));
  assert.equal(allocator.allocate('d', 119_999), undefined);
  allocator.allocate('a', 60_000);
  const again = allocator.allocate('d', 120_000);
  assert.ok(again !== undefined && again !== given[0]);
  assert.equal(allocator.allocate('a', 120_000), given[0]);
});
