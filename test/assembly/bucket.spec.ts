import { capacities } from '../../assembly/mem/areas';
import { setNow } from '../../assembly/mem/clock';
import { touch, turnEpoch } from '../../assembly/table/ageing';
import {
  AWAY,
  BUCKET,
  BucketTable,
  HOST_MARK,
  WAYS,
  bucketFind,
  bucketInsert,
  bucketPlaces,
  bucketRemove,
  bucketsFor,
  classAway,
  homeOf,
  isEntry,
  keyOf,
  placeAt,
} from '../../assembly/table/bucket';
import { hashKey, setSeed } from '../../assembly/table/hash';
import { matchAdd, matchBatch } from '../../assembly/table/match';
import {
  PREFIX_TABLE_SIZE,
  entryStamp,
  entryValue,
  prefixInsert,
  prefixMasks,
  prefixMatch,
  prefixRemove,
  prefixReset,
  setEntryValue,
} from '../../assembly/table/prefix';
import { address, zeroed } from './instance';

prefixMasks();

function makeTable(capacity: u32): BucketTable {
  const table = changetype<BucketTable>(zeroed(PREFIX_TABLE_SIZE));
  const buckets = bucketsFor(capacity);
  const at = (zeroed(((buckets + 1) as usize) * BUCKET) + BUCKET - 1) & ~(BUCKET - 1);
  prefixReset(table, at, buckets, capacity, HOST_MARK, zeroed(buckets * WAYS * 4), 4);
  return table;
}

function key(index: u32): u64 {
  return ((index as u64) * 0x9e3779b97f4a7c15) ^ 0x0102030405060708;
}

/** Entries that are wrong: not found, with another value, or counted twice. */
function faults(table: BucketTable, values: StaticArray<u32>): u32 {
  let wrong: u32 = 0;
  let present: u32 = 0;
  for (let i = 0; i < values.length; i++) {
    const found = bucketFind(table, key(i), i, HOST_MARK);
    if ((found == 0 ? 0 : entryValue(found)) != values[i]) wrong++;
    if (values[i] != 0) present++;
  }
  let places: u32 = 0;
  for (let i: u32 = 0; i < bucketPlaces(table); i++) places += isEntry(placeAt(table, i)) as u32;
  return wrong + (places != present) + (table.count != present);
}

describe('bucket table', () => {
  it('takes every entry up to its capacity under any seed, and no more', () => {
    let refused: u32 = 0;
    for (let seed: u64 = 1; seed <= 40; seed++) {
      setSeed(seed * 0xd1342543de82ef95);
      for (let capacity: u32 = 1; capacity <= 200; capacity += seed < 3 ? 1 : 13) {
        const table = makeTable(capacity);
        for (let i: u32 = 0; i < capacity; i++) {
          if (bucketInsert(table, key(i), i, HOST_MARK) == 0) refused++;
        }
        if (bucketInsert(table, key(9999), 1, HOST_MARK) != 0) refused++;
        heap.free(table.side);
      }
    }
    expect<u32>(refused).toBe(0);
  });

  it('reaches a load of 0.85 by displacement alone, the stash empty', () => {
    setSeed(77);
    const table = makeTable(20000);
    for (let i: u32 = 0; i < 20000; i++) bucketInsert(table, key(i), i, HOST_MARK);
    expect<u32>(table.count).toBe(20000);
    expect<u32>(table.stashed).toBe(0);
    expect<f64>(20000.0 / ((table.reach * WAYS) as f64)).toBeGreaterThan(0.849);
  });

  it('agrees with a plain list under random puts and deletes at full load', () => {
    setSeed(5);
    const capacity: u32 = 102;
    const table = makeTable(capacity);
    const values = new StaticArray<u32>(130);
    let random: u32 = 12345;
    let wrong: u32 = 0;
    for (let step: u32 = 1; step <= 20000; step++) {
      random = random * 1664525 + 1013904223;
      const i = (random >> 8) % 130;
      const found = bucketFind(table, key(i), i, HOST_MARK);
      if (found != 0) {
        bucketRemove(table, found);
        values[i] = 0;
      } else {
        const fresh = bucketInsert(table, key(i), i, HOST_MARK);
        if ((fresh == 0) != (table.count == capacity && values[i] == 0)) wrong++;
        if (fresh != 0) {
          setEntryValue(fresh, step);
          values[i] = step;
        }
      }
      if (step % 50 == 0) wrong += faults(table, values);
    }
    expect<u32>(wrong).toBe(0);
  });

  it('empties the stash again when deletes make room', () => {
    // Two buckets hold six of twelve keys; six stay in the stash.
    setSeed(9);
    const table = makeTable(12);
    table.reach = 2;
    for (let i: u32 = 0; i < 12; i++) bucketInsert(table, key(i), i, HOST_MARK);
    expect<u32>(table.stashed).toBe(6);
    table.capacity = 13;
    expect<u32>(bucketInsert(table, key(50), 50, HOST_MARK) as u32).toBe(0);
    for (let i: u32 = 0; i < 6; i++) {
      const found = bucketFind(table, key(i), i, HOST_MARK);
      expect<i32>(i32(found != 0)).toBe(1);
      bucketRemove(table, found);
    }
    expect<u32>(table.stashed).toBe(0);
    for (let i: u32 = 6; i < 12; i++) expect<i32>(i32(bucketFind(table, key(i), i, HOST_MARK) != 0)).toBe(1);
  });

  it('knows after churn which classes are away, and lets no more than three in ten be', () => {
    setSeed(33);
    const capacity: u32 = 5000;
    const table = makeTable(capacity);
    for (let i: u32 = 0; i < 10 * capacity; i++) {
      const old = i - capacity;
      if (i >= capacity) bucketRemove(table, bucketFind(table, key(old), old, HOST_MARK));
      bucketInsert(table, key(i), i, HOST_MARK);
    }
    const homes = zeroed(((bucketPlaces(table) / WAYS) as usize) * BUCKET);
    let away: u32 = 0;
    for (let i: u32 = 0; i < bucketPlaces(table); i++) {
      const word = placeAt(table, i);
      if (!isEntry(word)) continue;
      const hash = hashKey(load<u64>(keyOf(word)), load<u64>(keyOf(word), 8), HOST_MARK);
      const home = homeOf(table, hash);
      if ((word & ~(BUCKET - 1)) == home) continue;
      away++;
      expect<u32>(classAway(home, (hash >> 32) as u32)).toBe(1);
      const bits = homes + (home - table.buckets);
      store<u8>(bits, ((load<u8>(bits) as u32) | ((1 as u32) << (((hash >> 32) as u32) & 7))) as u8);
    }
    let wrong: u32 = 0;
    for (let i: u32 = 0; i < table.reach; i++) {
      const at = (i as usize) * BUCKET;
      if (load<u8>(homes + at) != load<u8>(table.buckets + at, AWAY)) wrong++;
    }
    expect<u32>(wrong).toBe(0);
    expect<f64>((away as f64) / (capacity as f64)).toBeLessThan(0.3);
  });

  it('moves the stamp with an entry that is displaced', () => {
    setSeed(21);
    const table = makeTable(1000);
    let wrong: u32 = 0;
    for (let i: u32 = 0; i < 1000; i++) {
      const word = bucketInsert(table, key(i), i, HOST_MARK);
      setNow(((i + 1) as u64) * 1000);
      turnEpoch(table);
      touch(table, word);
    }
    for (let i: u32 = 0; i < 1000; i++) {
      const word = bucketFind(table, key(i), i, HOST_MARK);
      if (load<u32>(entryStamp(table, word)) != i + 1) wrong++;
    }
    expect<u32>(wrong).toBe(0);
  });

  it('stamps what is used again after whole rounds of epochs', () => {
    setSeed(22);
    const table = makeTable(10);
    const word = bucketInsert(table, key(1), 1, HOST_MARK);
    let seconds: u64 = 2000;
    for (let step = 0; step < 6; step++) {
      setNow(seconds * 1000);
      turnEpoch(table);
      touch(table, word);
      expect<u32>(load<u32>(entryStamp(table, word))).toBe(seconds as u32);
      seconds += step < 3 ? 511 : 511 * 255;
    }
    expect<u32>(capacities.batch).toBe(0);
  });
});

describe('batch of matches', () => {
  it('finds all of a large full table after churn, and nothing else', () => {
    setSeed(32);
    const capacity: u32 = 20000;
    const table = makeTable(capacity);
    const found = zeroed(64 * 4);
    const queries = zeroed(64 * 16);
    const at = zeroed(16);
    for (let i: u32 = 0; i < 2 * capacity; i++) {
      if (i >= capacity) prefixRemove(table, bucketFind(table, key(i - capacity), i - capacity, HOST_MARK));
      store<u64>(at, key(i));
      store<u64>(at, i, 8);
      prefixInsert(table, at, 128, 0);
    }
    let wrong: u32 = 0;
    for (let first: u32 = 0; first <= 2 * capacity - 64; first += 64) {
      for (let i: u32 = 0; i < 64; i++) {
        store<u64>(queries + i * 16, key(first + i));
        store<u64>(queries + i * 16, first + i, 8);
        matchAdd(i, i, queries + i * 16);
      }
      matchBatch(table, 64, found);
      for (let i: u32 = 0; i < 64; i++) {
        const single = bucketFind(table, key(first + i), first + i, HOST_MARK);
        if (load<u32>(found + i * 4) != (single as u32)) wrong++;
        if ((single != 0) != first + i >= capacity) wrong++;
      }
    }
    expect<u32>(wrong).toBe(0);
  });

  it('agrees with single matches over lengths, churn and a full table', () => {
    setSeed(31);
    const table = makeTable(300);
    const found = zeroed(64 * 4);
    const lengths: u32[] = [128, 64, 56, 48, 0, 127];
    const at = zeroed(16);
    const queries = zeroed(64 * 16);
    let random: u32 = 99;
    let wrong: u32 = 0;
    for (let step: u32 = 0; step < 3000; step++) {
      random = random * 1664525 + 1013904223;
      const host = address((random >> 10) % 60, (random >> 20) % 4);
      const present = prefixMatch(table, host, 0);
      if (random % 3 == 0 && present != 0) {
        prefixRemove(table, present);
      } else {
        const length = lengths[(random >> 6) % 6];
        memory.fill(at, 0, 16);
        for (let bit: u32 = 0; bit < length; bit++) {
          const octet: u32 = load<u8>(host + (bit >> 3));
          const mask = (0x80 as u32) >> (bit & 7);
          store<u8>(at + (bit >> 3), ((load<u8>(at + (bit >> 3)) as u32) | (octet & mask)) as u8);
        }
        const fresh = prefixMatch(table, at, 0) == 0 ? prefixInsert(table, at, length, 0) : 0;
        if (fresh != 0) setEntryValue(fresh, step + 1);
      }
      if (step % 10 != 0) continue;
      const size: u32 = 1 + ((random >> 16) % 64);
      for (let i: u32 = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        memory.copy(queries + i * 16, address((random >> 10) % 70, (random >> 20) % 5), 16);
        matchAdd(i, i, queries + i * 16);
      }
      matchBatch(table, size, found);
      for (let i: u32 = 0; i < size; i++) {
        if (load<u32>(found + i * 4) != (prefixMatch(table, queries + i * 16, 0) as u32)) wrong++;
      }
    }
    expect<u32>(wrong).toBe(0);
  });
});
