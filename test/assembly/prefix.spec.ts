import {
  PREFIX_TABLE_SIZE,
  PrefixTable,
  prefixFind,
  prefixInsert,
  prefixMatch,
  prefixRemove,
  prefixReset,
  setSlotValue,
  slotValue,
} from '../../assembly/table/prefix';
import { address, zeroed } from './instance';

function makeTable(slots: u32, capacity: u32): PrefixTable {
  const table = changetype<PrefixTable>(zeroed(PREFIX_TABLE_SIZE));
  prefixReset(table, zeroed(slots * 32), slots, capacity);
  return table;
}

function insert(table: PrefixTable, at: usize, length: u32, scope: u32, value: u32): void {
  setSlotValue(prefixInsert(table, at, length, scope), value);
}

/** Value of the longest match, or 0. */
function match(table: PrefixTable, at: usize, scope: u32): u32 {
  const slot = prefixMatch(table, at, scope);
  return slot == 0 ? 0 : slotValue(slot);
}

describe('prefix table', () => {
  it('finds the longest prefix of every length that holds the address', () => {
    const table = makeTable(512, 129);
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
    const table = makeTable(16, 8);
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
    const table = makeTable(64, 32);
    for (let host: u32 = 0; host < 32; host++) insert(table, address(9, host), 128, 0, host + 1);
    expect<u32>(prefixInsert(table, address(9, 99), 128, 0) as u32).toBe(0);
    for (let host: u32 = 0; host < 32; host++) expect<u32>(match(table, address(9, host), 0)).toBe(host + 1);
    prefixRemove(table, prefixFind(table, address(9, 3), 128, 0));
    expect<u32>(prefixFind(table, address(9, 3), 128, 0) as u32).toBe(0);
    expect<i32>(i32(prefixInsert(table, address(9, 99), 128, 0) != 0)).toBe(1);
    expect<u32>(table.count).toBe(32);
  });

  it('agrees with a plain list under 20,000 random puts and deletes at full load', () => {
    // As full as open addressing allows: one slot is empty, so that probes end and most deletes have to move slots.
    const keys: u32 = 31;
    const table = makeTable(32, 31);
    const present = new StaticArray<u32>(64);
    let random: u32 = 12345;
    let wrong = 0;
    const at = address(4, 0);
    for (let step: u32 = 1; step <= 20000; step++) {
      random = random * 1664525 + 1013904223;
      const host = (random >> 16) % (keys + 8);
      store<u32>(at, bswap<u32>(host), 12);
      const slot = prefixFind(table, at, 128, 0);
      if (slot == 0) {
        const fresh = prefixInsert(table, at, 128, 0);
        if (fresh != 0) {
          setSlotValue(fresh, step);
          present[host] = step;
        }
      } else {
        prefixRemove(table, slot);
        present[host] = 0;
      }
      for (let other: u32 = 0; other < keys + 8; other++) {
        store<u32>(at, bswap<u32>(other), 12);
        if (match(table, at, 0) != present[other]) wrong++;
      }
    }
    expect<i32>(wrong).toBe(0);
  });
});
