import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Command } from '../../bindings/entries.ts';
import { DataPlaneModule } from '../../bindings/node/module.ts';
import { NONE } from '../../bindings/generated/abi.ts';
import { BUILDS, paired } from './engines.ts';
import { Random } from './random.ts';

const LOCATOR = '2001:db8:ff::1';
const OPTIONS = { locator: LOCATOR, seed: 0x5eedn, coreMtu: 1500, hopLimitDone: false } as const;
const LENGTHS = [128, 128, 128, 64, 56, 48];

/** A prefix of one of four lengths; `index` is in the last 16 bits that the length leaves. */
function prefix(index: number): string {
  const length = LENGTHS[index % LENGTHS.length]!;
  const hex = index.toString(16);
  return length === 128
    ? `2001:db8:1::${hex}/128`
    : `2001:db8:${length === 48 ? `${hex}::` : `2:${(index << (64 - length)).toString(16)}::`}/${length}`;
}

function put(index: number): Command {
  return {
    op: 'put',
    entry: { kind: 'tunnel', prefix: prefix(index), locator: `2001:db8:fe::${(index % 7) + 1}` },
  };
}

/** Tables that are full, or all but full, under sequences of commands; every status and every dump is compared. */
function sequence(build: (typeof BUILDS)[number], capacity: number, seed: number): void {
  const random = new Random(seed);
  const capacities = {
    batch: 8,
    destinations: capacity,
    sources: capacity,
    peers: 4,
    flows: 16,
    held: 1,
    flowEntries: 4,
  };
  const plane = paired(build, { ...OPTIONS, capacities, seed: BigInt(seed) });
  const keys = Math.ceil(capacity * 1.2) + 2;
  for (let step = 0; step < 12; step++) {
    const full = Array.from({ length: keys }, (_, index) => put(index));
    plane.apply(step % 4 === 0 ? full : [], 0);
    const mixed = Array.from({ length: capacity * 2 }, (): Command => {
      const index = random.below(keys);
      if (random.oneIn(2)) return { op: 'delete', kind: 'destination', prefix: prefix(index) };
      return put(index);
    });
    plane.apply(mixed, 0);
    plane.dump();
  }
}

for (const build of BUILDS) {
  test(`${build}: full tables of many sizes under churn agree with the reference`, () => {
    for (let capacity = 1; capacity <= 40; capacity++) sequence(build, capacity, capacity);
    sequence(build, 300, 1000);
  });

  test(`${build}: look-ups find what was put last, and nothing of what ten rounds of churn left behind`, () => {
    const capacities = {
      batch: 64,
      destinations: 500,
      sources: 1,
      peers: 1,
      flows: 1,
      held: 1,
      flowEntries: 4,
    };
    const bytes = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
    const module = new DataPlaneModule(bytes, { ...OPTIONS, capacities });
    const host = (index: number): string => `2001:db8:1::${index.toString(16)}/128`;
    const entry = (index: number): Command => ({
      op: 'put',
      entry: { kind: 'tunnel', prefix: host(index), locator: '2001:db8:fe::1' },
    });
    for (let round = 0; round < 10; round++) {
      const own = Array.from({ length: 500 }, (_, index) => round * 500 + index);
      assert.ok(module.apply(own.map(entry)).every((status) => status === 'ok'));
      assert.deepEqual(module.apply([entry(60_000)]), ['full']);
      if (round === 9) break;
      const gone = own.map((index): Command => ({ op: 'delete', kind: 'destination', prefix: host(index) }));
      assert.ok(module.apply(gone).every((status) => status === 'ok'));
      assert.equal(module.dump().destinations.length, 0);
    }
    const keys = module.lookupKeys();
    for (let first = 4_480; first < 5_060; first += 64) {
      for (let index = 0; index < 64; index++) {
        keys.set([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], index * 16);
        keys.set([(first + index) >> 8, (first + index) & 0xff], index * 16 + 14);
      }
      const results = module.lookup(64, 7_000);
      for (let index = 0; index < 64; index++) {
        const within = first + index >= 4_500 && first + index < 5_000;
        assert.equal(results[index] !== NONE, within, `${first + index}`);
      }
    }
    assert.ok(module.dump().destinations.every(({ lastUsed }) => lastUsed === 7_000));
  });

  test(`${build}: a router of 1,000 bindings fits in 1 MiB`, () => {
    const capacities = {
      batch: 64,
      destinations: 1000,
      sources: 1000,
      peers: 64,
      flows: 1024,
      held: 64,
      flowEntries: 256,
    };
    const bytes = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
    const { octets } = new DataPlaneModule(bytes, { ...OPTIONS, capacities });
    assert.ok(octets.length <= 1 << 20, `${octets.length} octets`);
  });
}
