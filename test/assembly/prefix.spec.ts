import { BUCKET, BucketTable, EPOCH_MASK, HOST_MARK, bucketsFor } from '../../assembly/table/bucket';
import {
  PREFIX_TABLE_SIZE,
  entryValue,
  prefixAddress,
  prefixFind,
  prefixInsert,
  prefixLength,
  prefixMasks,
  prefixMatch,
  prefixRemove,
  prefixReset,
  setEntryValue,
} from '../../assembly/table/prefix';
import { setSeed } from '../../assembly/table/hash';
import { address, zeroed } from './instance';

setSeed(0x1122334455667788);
prefixMasks();

function makeTable(capacity: u32): BucketTable {
  const table = changetype<BucketTable>(zeroed(PREFIX_TABLE_SIZE));
  const buckets = bucketsFor(capacity);
  const at = (zeroed(((buckets + 1) as usize) * BUCKET) + BUCKET - 1) & ~(BUCKET - 1);
  prefixReset(table, at, buckets, capacity, HOST_MARK | EPOCH_MASK, 0, 0);
  return table;
}

function insert(table: BucketTable, at: usize, length: u32, scope: u32, value: u32): void {
  setEntryValue(prefixInsert(table, at, length, scope), value);
}

/** Value of the longest match, or 0. */
function match(table: BucketTable, at: usize, scope: u32): u32 {
  const slot = prefixMatch(table, at, scope);
  return slot == 0 ? 0 : entryValue(slot);
}

describe('prefix table', () => {
  it('finds the longest prefix of every length that holds the address', () => {
    const table = makeTable(129);
    const read = zeroed(16);
    const target = address(0xffffffff, 0xffffffff);
    store<u64>(target, ~(0 as u64), 8);
    for (let length: u32 = 0; length <= 128; length++) {
      const prefix = zeroed(16);
      for (let bit: u32 = 0; bit < length; bit++) {
        const mask = (0x80 as u32) >> (bit & 7);
        const octet: u32 = load<u8>(target + (bit >> 3)) & mask;
        store<u8>(prefix + (bit >> 3), ((load<u8>(prefix + (bit >> 3)) as u32) | octet) as u8);
      }
      insert(table, prefix, length, 0, length + 1);
      const entry = prefixFind(table, prefix, length, 0);
      prefixAddress(entry, read);
      expect<u32>(prefixLength(entry)).toBe(length);
      expect<i32>(memory.compare(read, prefix, 16)).toBe(0);
      expect<u32>(match(table, target, 0)).toBe(length + 1);
    }
    for (let length: u32 = 128; length > 0; length--) {
      prefixRemove(table, prefixMatch(table, target, 0));
      expect<u32>(match(table, target, 0)).toBe(length);
    }
    prefixRemove(table, prefixMatch(table, target, 0));
    expect<u32>(match(table, target, 0)).toBe(0);
    expect<u32>(table.distinct).toBe(0);
  });

  it('keeps scopes and lengths of one address apart', () => {
    const table = makeTable(8);
    const at = address(1, 0);
    insert(table, at, 64, 0, 1);
    insert(table, at, 64, 255, 2);
    insert(table, at, 128, 0, 3);
    expect<u32>(match(table, address(1, 5), 0)).toBe(1);
    expect<u32>(match(table, address(1, 5), 255)).toBe(2);
    expect<u32>(match(table, address(1, 0), 0)).toBe(3);
    expect<u32>(match(table, address(1, 0), 7)).toBe(0);
    expect<u32>(prefixFind(table, at, 63, 0) as u32).toBe(0);
  });

  it('takes as many entries as its capacity, then refuses, then takes again', () => {
    const table = makeTable(32);
    for (let host: u32 = 0; host < 32; host++) insert(table, address(9, host), 128, 0, host + 1);
    expect<u32>(prefixInsert(table, address(9, 99), 128, 0) as u32).toBe(0);
    for (let host: u32 = 0; host < 32; host++) expect<u32>(match(table, address(9, host), 0)).toBe(host + 1);
    prefixRemove(table, prefixFind(table, address(9, 3), 128, 0));
    expect<u32>(prefixFind(table, address(9, 3), 128, 0) as u32).toBe(0);
    expect<i32>(i32(prefixInsert(table, address(9, 99), 128, 0) != 0)).toBe(1);
    expect<u32>(table.count).toBe(32);
  });
});
