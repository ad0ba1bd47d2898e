/**
 * Prefixes in bucket tables. The key of a prefix is its address with one more bit set right after the prefix, so that
 * prefixes of different lengths never share a key; a whole address (length 128) has no room for that bit, and bit 31
 * of the mark instead. The longest match tries the lengths in use from the longest down.
 */
import { NONE } from '../../bindings/generated/abi.as';
import { nowSeconds } from '../mem/clock';
import {
  BucketTable,
  HOST_MARK,
  SCOPE_SHIFT,
  VALUE_MASK,
  bucketFind,
  bucketInsert,
  bucketReach,
  bucketRemove,
  keyOf,
  sideOf,
} from './bucket';

/** Behind the fields: how many entries have each length (u32 each), then the lengths in use, longest first (u8 each). */
const COUNTS: usize = 40;
const LENGTHS: usize = COUNTS + 129 * 4;
/** Octets of a table's own record, which is kept outside its buckets. */
export const PREFIX_TABLE_SIZE: i32 = 688;

const HOST_LENGTH: u32 = 128;

/** Beside an entry of a source: its stamp, then its MAC. */
const MAC_AT: usize = 4;

/** Masks of all lengths, 16 octets each; one more than there are lengths, for the bit after a prefix. */
const MASKS: usize = memory.data(130 * 16, 16);

/** Computes the masks; once, before any table is used. */
export function prefixMasks(): void {
  for (let length: i32 = 0; length < 130; length++) {
    store<u64>(MASKS + (length << 4), maskWord(length));
    store<u64>(MASKS + (length << 4), maskWord(length - 64), 8);
  }
}

/** The first `length` bits of half an address, as a mask for a word loaded little-endian. */
function maskWord(length: i32): u64 {
  if (length <= 0) return 0;
  if (length >= 64) return ~0;
  return bswap<u64>(~(0 as u64) << (64 - length));
}

/** Where the mask of a length stands. */
export function maskAt(length: u32): usize {
  return MASKS + (length << 4);
}

export function maskHigh(length: u32): u64 {
  return load<u64>(maskAt(length));
}

export function maskLow(length: u32): u64 {
  return load<u64>(maskAt(length), 8);
}

function bitHigh(length: u32): u64 {
  return load<u64>(maskAt(length), 16) ^ maskHigh(length);
}

function bitLow(length: u32): u64 {
  return load<u64>(maskAt(length), 24) ^ maskLow(length);
}

/** Empties the table and gives it zeroed buckets, and `sideSize` octets beside each entry. */
export function prefixReset(
  table: BucketTable,
  buckets: usize,
  bucketCount: u32,
  capacity: u32,
  keyMask: u32,
  side: usize,
  sideSize: u32,
): void {
  memory.fill(changetype<usize>(table), 0, PREFIX_TABLE_SIZE);
  table.buckets = buckets;
  table.reach = bucketReach(bucketCount);
  table.capacity = capacity;
  table.keyMask = keyMask;
  table.side = side;
  table.sideSize = sideSize;
}

/** Bits of the key that stand in the mark. */
export function markOf(length: u32, scope: u32): u32 {
  return (length == HOST_LENGTH ? HOST_MARK : 0) | (scope << SCOPE_SHIFT);
}

/** The entry of exactly this prefix, or 0. */
export function prefixFind(table: BucketTable, address: usize, length: u32, scope: u32): usize {
  const high = load<u64>(address) | bitHigh(length);
  const low = load<u64>(address, 8) | bitLow(length);
  return bucketFind(table, high, low, markOf(length, scope));
}

/** The entry of the longest prefix in `scope` that holds the address, or 0. */
export function prefixMatch(table: BucketTable, address: usize, scope: u32): usize {
  const high = load<u64>(address);
  const low = load<u64>(address, 8);
  for (let i: u32 = 0; i < table.distinct; i++) {
    const length = lengthInUse(table, i);
    const word = bucketFind(
      table,
      (high & maskHigh(length)) | bitHigh(length),
      (low & maskLow(length)) | bitLow(length),
      markOf(length, scope),
    );
    if (word != 0) return word;
  }
  return 0;
}

/** The lengths in use, longest first. */
export function lengthInUse(table: BucketTable, index: u32): u32 {
  return load<u8>(changetype<usize>(table) + LENGTHS + index);
}

/** A new entry (value, last use and MAC zero) for a prefix that the table does not hold, or 0 if the table is full. */
export function prefixInsert(table: BucketTable, address: usize, length: u32, scope: u32): usize {
  const high = load<u64>(address) | bitHigh(length);
  const low = load<u64>(address, 8) | bitLow(length);
  const word = bucketInsert(table, high, low, markOf(length, scope));
  if (word != 0) countLength(table, length, 1);
  return word;
}

/** Takes an entry out; others may move. */
export function prefixRemove(table: BucketTable, word: usize): void {
  countLength(table, prefixLength(word), -1);
  bucketRemove(table, word);
}

/** Prefix length of an entry. */
export function prefixLength(word: usize): u32 {
  if ((load<u32>(word) & HOST_MARK) != 0) return HOST_LENGTH;
  const low = bswap<u64>(load<u64>(keyOf(word), 8));
  if (low != 0) return 127 - (ctz<u64>(low) as u32);
  return 63 - (ctz<u64>(bswap<u64>(load<u64>(keyOf(word)))) as u32);
}

/** Writes the address of an entry's prefix. */
export function prefixAddress(word: usize, to: usize): void {
  const length = prefixLength(word);
  store<u64>(to, load<u64>(keyOf(word)) & maskHigh(length));
  store<u64>(to, load<u64>(keyOf(word), 8) & maskLow(length), 8);
}

function countLength(table: BucketTable, length: u32, by: i32): void {
  const at = changetype<usize>(table) + COUNTS + (length << 2);
  const before: u32 = load<u32>(at);
  store<u32>(at, before + by);
  if (before == 0 || before + by == 0) listLengths(table);
}

function listLengths(table: BucketTable): void {
  const self = changetype<usize>(table);
  let distinct: u32 = 0;
  for (let length: i32 = 128; length >= 0; length--) {
    if (load<u32>(self + COUNTS + (length << 2)) != 0) store<u8>(self + LENGTHS + distinct++, length as u8);
  }
  table.distinct = distinct;
}

/** 22 bits, or NONE. */
export function entryValue(word: usize): u32 {
  const value = load<u32>(word) & VALUE_MASK;
  return value == VALUE_MASK ? NONE : value;
}

export function setEntryValue(word: usize, value: u32): void {
  store<u32>(word, (load<u32>(word) & ~VALUE_MASK) | (value & VALUE_MASK));
}

export function entryScope(word: usize): u32 {
  return (load<u32>(word) & ~HOST_MARK) >> SCOPE_SHIFT;
}

/** Where the stamp of an entry stands: whole seconds of its last use. */
export function entryStamp(table: BucketTable, word: usize): usize {
  return sideOf(table, word);
}

export function entryMac(table: BucketTable, word: usize): usize {
  return sideOf(table, word) + MAC_AT;
}

/** Notes the use of an entry whose stamp shares a line with its MAC, which has just been read. */
export function touchStamp(table: BucketTable, word: usize): void {
  const stamp = entryStamp(table, word);
  if (load<u32>(stamp) != nowSeconds()) store<u32>(stamp, nowSeconds());
}
