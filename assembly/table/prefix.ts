/**
 * Prefix tables: open addressing with linear probing over `slot` records, one hash table for all prefix lengths.
 * The longest match tries the lengths in use from the longest down. Deleting moves later slots back, so that
 * no marks of deleted entries build up under churn.
 */
import {
  SLOT_LAST_USED_AT,
  SLOT_LENGTH_AT,
  SLOT_MAC_AT,
  SLOT_PREFIX_AT,
  SLOT_SIZE,
  SLOT_VALUE_AT,
} from '../../bindings/generated/abi.as';
import { nowSeconds } from '../mem/clock';
import { hashStart, hashWord } from './hash';

@unmanaged
export class PrefixTable {
  slots: usize;
  mask: u32;
  capacity: u32;
  count: u32;
  /** How many different prefix lengths are in use. */
  distinct: u32;
}

/** Behind the fields: how many entries have each length (u32 each), then the lengths in use, longest first (u8 each). */
const COUNTS: usize = 32;
const LENGTHS: usize = COUNTS + 129 * 4;
/** Octets of a table's own record, which is kept outside its slots. */
export const PREFIX_TABLE_SIZE: i32 = 680;

/** Empties the table and gives it zeroed `slots`, a power of two in number and more than `capacity`. */
export function prefixReset(table: PrefixTable, slots: usize, slotCount: u32, capacity: u32): void {
  memory.fill(changetype<usize>(table), 0, PREFIX_TABLE_SIZE);
  table.slots = slots;
  table.mask = slotCount - 1;
  table.capacity = capacity;
}

/** The first `length` bits of half an address, as a mask for a word loaded little-endian. */
function maskWord(length: i32): u64 {
  if (length <= 0) return 0;
  if (length >= 64) return ~0;
  return bswap<u64>(~(0 as u64) << (64 - length));
}

export function maskHigh(length: u32): u64 {
  return maskWord(length as i32);
}

export function maskLow(length: u32): u64 {
  return maskWord((length as i32) - 64);
}

/** Length and scope as a slot holds them: the length plus 1 keeps an occupied slot from reading as empty. */
function tagOf(length: u32, scope: u32): u32 {
  return (length + 1) | (scope << 8);
}

function home(table: PrefixTable, high: u64, low: u64, tag: u32): u32 {
  return (hashWord(hashWord(hashWord(hashStart(), high), low), tag) as u32) & table.mask;
}

function slotAt(table: PrefixTable, index: u32): usize {
  return table.slots + (index as usize) * SLOT_SIZE;
}

function probe(table: PrefixTable, high: u64, low: u64, tag: u32): usize {
  let index = home(table, high, low, tag);
  let slot = slotAt(table, index);
  let found: u32 = load<u16>(slot, SLOT_LENGTH_AT);
  while (found != 0) {
    if (found == tag && load<u64>(slot) == high && load<u64>(slot, 8) == low) return slot;
    index = (index + 1) & table.mask;
    slot = slotAt(table, index);
    found = load<u16>(slot, SLOT_LENGTH_AT);
  }
  return 0;
}

/** The slot of exactly this prefix, or 0. */
export function prefixFind(table: PrefixTable, address: usize, length: u32, scope: u32): usize {
  return probe(table, load<u64>(address), load<u64>(address, 8), tagOf(length, scope));
}

/** The slot of the longest prefix in `scope` that holds the address, or 0. */
export function prefixMatch(table: PrefixTable, address: usize, scope: u32): usize {
  const high = load<u64>(address);
  const low = load<u64>(address, 8);
  const lengths = changetype<usize>(table) + LENGTHS;
  for (let i: u32 = 0; i < table.distinct; i++) {
    const length: u32 = load<u8>(lengths + i);
    const slot = probe(table, high & maskHigh(length), low & maskLow(length), tagOf(length, scope));
    if (slot != 0) return slot;
  }
  return 0;
}

/** A new slot for a prefix that the table does not hold (value, last use and MAC zero), or 0 if the table is full. */
export function prefixInsert(table: PrefixTable, address: usize, length: u32, scope: u32): usize {
  if (table.count == table.capacity) return 0;
  const high = load<u64>(address);
  const low = load<u64>(address, 8);
  const tag = tagOf(length, scope);
  let index = home(table, high, low, tag);
  while (load<u16>(slotAt(table, index), SLOT_LENGTH_AT) != 0) index = (index + 1) & table.mask;
  const slot = slotAt(table, index);
  store<u64>(slot, high, SLOT_PREFIX_AT);
  store<u64>(slot, low, SLOT_PREFIX_AT + 8);
  store<u16>(slot, tag as u16, SLOT_LENGTH_AT);
  table.count++;
  countLength(table, length, 1);
  return slot;
}

/** Takes an entry out; slots after it may move. */
export function prefixRemove(table: PrefixTable, slot: usize): void {
  countLength(table, (load<u8>(slot, SLOT_LENGTH_AT) as u32) - 1, -1);
  table.count--;
  let hole = ((slot - table.slots) / SLOT_SIZE) as u32;
  let index = hole;
  for (;;) {
    index = (index + 1) & table.mask;
    const next = slotAt(table, index);
    const tag: u32 = load<u16>(next, SLOT_LENGTH_AT);
    if (tag == 0) break;
    const wanted = home(table, load<u64>(next), load<u64>(next, 8), tag);
    // It may fill the hole unless its home lies cyclically after the hole, where a probe would not pass the hole.
    if (((index - wanted) & table.mask) >= ((index - hole) & table.mask)) {
      memory.copy(slotAt(table, hole), next, SLOT_SIZE);
      hole = index;
    }
  }
  memory.fill(slotAt(table, hole), 0, SLOT_SIZE);
}

function countLength(table: PrefixTable, length: u32, by: i32): void {
  const at = changetype<usize>(table) + COUNTS + (length << 2);
  const before: u32 = load<u32>(at);
  store<u32>(at, before + by);
  if (before == 0 || before + by == 0) listLengths(table);
}

function listLengths(table: PrefixTable): void {
  const self = changetype<usize>(table);
  let distinct: u32 = 0;
  for (let length: i32 = 128; length >= 0; length--) {
    if (load<u32>(self + COUNTS + (length << 2)) != 0) store<u8>(self + LENGTHS + distinct++, length as u8);
  }
  table.distinct = distinct;
}

export function slotValue(slot: usize): u32 {
  return load<u32>(slot, SLOT_VALUE_AT);
}

export function setSlotValue(slot: usize, value: u32): void {
  store<u32>(slot, value, SLOT_VALUE_AT);
}

export function slotMac(slot: usize): usize {
  return slot + SLOT_MAC_AT;
}

/** Notes the use of an entry. A store on every packet would cost a cache line's write-back: write only what changes. */
export function touch(slot: usize): void {
  const seconds = nowSeconds();
  if (load<u32>(slot, SLOT_LAST_USED_AT) != seconds) store<u32>(slot, seconds, SLOT_LAST_USED_AT);
}
