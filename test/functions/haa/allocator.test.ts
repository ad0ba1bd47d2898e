import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkConfig, PoolConfig } from '../../../host/core/config.ts';
import { Context } from '../../../host/core/context.ts';
import { HomeAddressAllocator } from '../../../host/functions/haa/allocator.ts';
import type { LeaseRecord } from '../../../host/functions/haa/lease.ts';
import { seededRandom } from '../../../host/sim/random.ts';
import { contains } from '../../../host/wire/address.ts';
import { testConfig } from '../../support/maar-config.ts';

const POOL: PoolConfig = { prefix: '2001:db8:11::/48', preferredSeconds: 60, validSeconds: 120 };
/** Room for three MNs: index 0 is left out. */
const TINY = { ...POOL, prefix: '2001:db8:11::/62' };

/** An allocator, its context and, where it has a store, what stands there; the disk answers when `sync` is called. */
class Bench {
  readonly context: Context;
  readonly allocator: HomeAddressAllocator;
  readonly disk: Map<string, LeaseRecord> | undefined;

  constructor(pool: PoolConfig, disk?: Map<string, LeaseRecord>, now = 0) {
    this.context = new Context(testConfig({ pool }), () => 0.5);
    this.context.now = now;
    this.disk = disk;
    this.allocator = new HomeAddressAllocator(this.context, disk && [...disk.values()]);
  }

  /** The MN's prefixes, leased or renewed at `now`. */
  prefixes(mnId: string, now = this.context.now): string[] {
    this.context.now = now;
    return this.allocator.allocate(mnId).leases.map(({ prefix }) => prefix);
  }

  prefix(mnId: string, now = this.context.now): string | undefined {
    return this.prefixes(mnId, now)[0];
  }

  /** Carries out what was wanted of the disk; with `fault` nothing of it. Returns how many writes there were. */
  sync(fault?: string): number {
    const writes = this.context.take().filter((effect) => effect.type === 'leases');
    for (const { write, put, forget } of writes) {
      if (fault === undefined) {
        for (const prefix of forget) this.disk?.delete(prefix);
        for (const record of put) this.disk?.set(record.prefix, record);
      }
      this.allocator.written(write, fault);
    }
    return writes.length;
  }
}

test('an MN gets a /64 of the pool, the same one again, and another than its neighbour', () => {
  const bench = new Bench(POOL);
  const a = bench.prefix('a@x');
  assert.ok(a !== undefined && a.endsWith('/64') && contains(POOL.prefix, a));
  assert.equal(bench.prefix('a@x', 1000), a);
  assert.notEqual(bench.prefix('b@x'), a);
});

test('without a store, a MAAR that lost its state gives an MN the prefix it had, and confirms it', () => {
  const before = new Bench(POOL).prefix('a@x');
  assert.ok(before !== undefined);
  const after = new Bench(POOL);
  assert.equal(after.allocator.confirm('a@x', before), true);
  assert.equal(after.prefix('a@x', 5), before);
});

test("nobody else's prefix is confirmed or renewed", () => {
  const bench = new Bench(POOL);
  const a = bench.prefix('a@x');
  assert.ok(a !== undefined);
  assert.equal(bench.allocator.confirm('b@x', a), false);
  assert.equal(bench.allocator.confirm('b@x', '2001:db8:11:7::/64'), false);
  assert.equal(bench.allocator.renew('b@x', a), false);
  assert.equal(bench.allocator.confirm('a@x', '2001:db8:99::/64'), false, 'not of the pool');
});

test('a pool that has run dry says so, and a prefix returns only after its longest lifetime', () => {
  const bench = new Bench(TINY);
  const given = ['a', 'b', 'c'].map((mnId) => bench.prefix(mnId));
  assert.equal(new Set(given).size, 3);
  assert.ok(!given.includes('2001:db8:11::/64'));
  bench.context.now = 119_999;
  assert.deepEqual(bench.allocator.allocate('d'), { leases: [], dry: ['pool'] });
  assert.equal(bench.prefix('d'), undefined);
  assert.equal(bench.context.counters.get('pool-dry'), 1, 'counted once for each MN');
  assert.deepEqual([...bench.allocator.refusals()], [{ mnId: 'd', network: 'pool', since: 119_999 }]);
  assert.equal(bench.allocator.renew('a', given[0]!), true);
  const again = bench.prefix('d', 120_000);
  assert.ok(again !== undefined && again !== given[0]);
  assert.deepEqual([...bench.allocator.refusals()], []);
  assert.equal(bench.prefix('a'), given[0]);
});

test('with a store, nothing is promised before it is on the disk', () => {
  const bench = new Bench(POOL, new Map());
  const a = bench.prefix('a@x')!;
  assert.equal(bench.allocator.validUntil(a), 0);
  assert.equal(bench.allocator.confirm('a@x', a), false);
  const kept: boolean[] = [];
  bench.allocator.whenKept(a, (is) => kept.push(is));
  assert.deepEqual(kept, []);
  bench.sync('no space');
  assert.deepEqual(kept, [false]);
  assert.equal(bench.context.counters.get('lease-store-failed'), 1);
  assert.equal(bench.prefix('a@x'), a);
  assert.equal(bench.sync(), 1);
  assert.equal(bench.allocator.validUntil(a), 120_000);
  assert.equal(bench.allocator.confirm('a@x', a), true);
});

test('most renewals wait for no disk, and one that fails shortens what is promised to what is kept', () => {
  const bench = new Bench(POOL, new Map());
  const a = bench.prefix('a@x')!;
  bench.sync();
  let writes = 0;
  for (let now = 30_000; now <= 600_000; now += 30_000) {
    bench.prefix('a@x', now);
    assert.equal(bench.allocator.validUntil(a), now + 120_000);
    assert.ok(bench.disk!.get(a)!.until >= now + 120_000);
    writes += bench.sync();
  }
  assert.ok(writes > 0 && writes <= 10, `${writes} writes for 20 renewals`);
  const kept = bench.disk!.get(a)!.until;
  bench.context.now = kept - 60_000;
  assert.equal(bench.allocator.renew('a@x', a), false);
  bench.sync('no space');
  assert.equal(bench.allocator.validUntil(a), kept);
});

test("after kill -9 a leased prefix is nobody else's for as long as anything was promised of it", () => {
  const disk = new Map<string, LeaseRecord>();
  const before = new Bench(TINY, disk);
  const given = ['a', 'b', 'c'].map((mnId) => before.prefix(mnId)!);
  before.sync();
  before.prefix('a', 50_000);
  const promised = before.allocator.validUntil(given[0]!)!;
  const after = new Bench(TINY, disk, 60_000);
  assert.equal(after.prefix('d'), undefined);
  assert.equal(after.prefix('b'), given[1]);
  assert.equal(after.allocator.confirm('a', given[0]!), true);
  after.sync();
  assert.notEqual(after.prefix('d', promised - 1), given[0]);
});

test('what is over leaves memory and disk', () => {
  const disk = new Map<string, LeaseRecord>();
  const bench = new Bench(POOL, disk);
  bench.prefix('a@x');
  bench.sync();
  bench.context.now = 130_000;
  bench.allocator.timer();
  bench.sync();
  assert.deepEqual([[...bench.allocator.leases()], [...disk.keys()]], [[], []]);
});

test('an MN has a prefix of each network that is for it, on the terms of that network', () => {
  const network = (name: string, prefix: string, mnId: string, validSeconds: number): NetworkConfig => ({
    ...{ name, prefix, mnId, validSeconds },
    mode: 'stateless',
    preferredSeconds: 60,
  });
  const networks = [
    network('staff', '2001:db8:11:8000::/49', '*@staff.example', 600),
    network('all', '2001:db8:11::/49', '*', 120),
  ];
  const bench = new Bench({ ...POOL, networks });
  const [staff, all] = bench.prefixes('a@staff.example');
  assert.ok(contains(networks[0]!.prefix, staff!) && contains(networks[1]!.prefix, all!));
  assert.deepEqual(
    [staff, all].map((prefix) => bench.allocator.validUntil(prefix!)),
    [600_000, 120_000],
  );
  assert.equal(bench.prefixes('a@guest.example').length, 1);
  assert.equal(bench.allocator.confirm('a@guest.example', staff!), false);
});

test("no prefix is two MNs' at once, whatever is killed, fails or comes late", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed, 'leases');
    const disk = new Map<string, LeaseRecord>();
    const promises = new Map<string, { mnId: string; until: number }>();
    let bench = new Bench(TINY, disk);
    const faults = { killed: 0, failed: 0, dry: 0, moved: 0 };
    for (let step = 0; step < 400; step++) {
      bench.context.now += random() * 40_000;
      const { now } = bench.context;
      const mnId = `mn${Math.floor(random() * 6)}`;
      const { leases, dry } = bench.allocator.allocate(mnId);
      faults.dry += dry.length;
      if (random() < 0.1) {
        bench = new Bench(TINY, disk, now);
        faults.killed++;
      } else if (random() < 0.1) {
        bench.sync('no space');
        faults.failed++;
      } else if (random() < 0.7) bench.sync();
      for (const { prefix } of leases) {
        const until = bench.allocator.validUntil(prefix) ?? 0;
        // What the MN is told, now that its lease is kept.
        if (until <= now || !bench.allocator.confirm(mnId, prefix)) continue;
        const other = promises.get(prefix);
        const clash = other !== undefined && other.mnId !== mnId && other.until > now;
        assert.ok(!clash, `seed ${seed}, step ${step}: ${prefix} of ${other?.mnId} given to ${mnId}`);
        if (other !== undefined && other.mnId !== mnId) faults.moved++;
        promises.set(prefix, { mnId, until: Math.max(until, other?.mnId === mnId ? other.until : 0) });
      }
    }
    for (const [what, count] of Object.entries(faults)) assert.ok(count > 0, `seed ${seed}: nothing ${what}`);
  }
});
