/**
 * Buckets of one cache line for three keys each, two-choice (cuckoo) hashing over them.
 *
 * | octets  | of a bucket                                                                    |
 * | ------- | ------------------------------------------------------------------------------ |
 * | 0 to 47 | three keys of 16 octets                                                        |
 * | 48 to 59 | three words of 32 bits: value (22 bits), mark (10 bits)                       |
 * | 60 to 62 | three tags: 8 bits of the key's hash, 0 where the place is free               |
 * | 63      | era of the epochs in the marks (ageing.ts)                                     |
 *
 * A mark is bit 31 (the key is a whole address) and, in bits 22 to 30, the scope or the epoch of the last use. The
 * bits of `keyMask` belong to the key. An entry is named by the address of its word, which tells bucket and place.
 */
import { hashKey } from './hash';

@unmanaged
export class BucketTable {
  buckets: usize;
  /** Buckets that hashing reaches; `STASH` more follow them. */
  reach: u32;
  /** Octets beside the buckets for each entry, at `side`; 0 for none. */
  sideSize: u32;
  side: usize;
  keyMask: u32;
  capacity: u32;
  count: u32;
  /** Entries in the stash. */
  stashed: u32;
  /** How many different prefix lengths are in use (prefix.ts). */
  distinct: u32;
}

export const BUCKET: usize = 64;
export const WAYS: u32 = 3;
export const WORDS: usize = 48;
export const TAGS: usize = 60;
export const ERA: usize = 63;
export const VALUE_MASK: u32 = 0x3fffff;
export const SCOPE_SHIFT: u32 = 22;
/** Bits 22 to 30. */
export const EPOCH_MASK: u32 = 0x7fc00000;
export const HOST_MARK: u32 = 0x80000000;

const TAG_OCTETS: u32 = 0xffffff;
/** Places beyond the reach of hashing for what displacement cannot settle; a table of any size fills to its capacity. */
const STASH: u32 = 2;

/** Buckets for so many entries: no more than 0.85 of the places are taken (20 / 51 = 1 / (3 x 0.85)). */
export function bucketsFor(capacity: u32): u32 {
  return max<u32>(2, (((capacity as u64) * 20 + 50) / 51) as u32) + STASH;
}

export function bucketReach(buckets: u32): u32 {
  return buckets - STASH;
}

export function tagOf(hash: u64): u32 {
  const tag = (hash as u32) & 0xff;
  return tag | ((tag == 0) as u32);
}

export function firstBucket(table: BucketTable, hash: u64): usize {
  return table.buckets + (((((hash & 0xffffffff) * table.reach) >> 32) as usize) << 6);
}

export function secondBucket(table: BucketTable, hash: u64): usize {
  return table.buckets + (((((hash >> 32) * table.reach) >> 32) as usize) << 6);
}

/** Bit 7 of octet i of the result is set where place i of the bucket may have the tag; the lowest one does have it. */
function tagged(bucket: usize, tag: u32): u32 {
  const differ = load<u32>(bucket, TAGS) ^ (tag * 0x010101);
  return (differ - 0x010101) & ~differ & 0x808080;
}

/** Octets, bit 7 of which says that the place is free. */
function places(bucket: usize): u32 {
  return tagged(bucket, 0);
}

function wordAt(bucket: usize, way: u32): usize {
  return bucket + WORDS + (way << 2);
}

function bucketOf(word: usize): usize {
  return word & ~(BUCKET - 1);
}

function wayOf(word: usize): u32 {
  return (((word & (BUCKET - 1)) - WORDS) as u32) >> 2;
}

/** The 16 octets of an entry's key. */
export function keyOf(word: usize): usize {
  return bucketOf(word) + (wayOf(word) << 4);
}

/** What is kept of an entry beside the buckets. */
export function sideOf(table: BucketTable, word: usize): usize {
  const bucket = (bucketOf(word) - table.buckets) >> 6;
  return table.side + (bucket * WAYS + wayOf(word)) * (table.sideSize as usize);
}

export function eraOf(word: usize): usize {
  return bucketOf(word) + ERA;
}

function search(table: BucketTable, bucket: usize, tag: u32, high: u64, low: u64, mark: u32): usize {
  for (let some = tagged(bucket, tag); some != 0; some &= some - 1) {
    const way = ctz<u32>(some) >> 3;
    const key = bucket + (way << 4);
    const word = wordAt(bucket, way);
    const other = (load<u32>(word) ^ mark) & table.keyMask;
    if (((load<u64>(key) ^ high) | (load<u64>(key, 8) ^ low) | other) == 0) return word;
  }
  return 0;
}

/** The entry of a key, or 0. Both buckets are compared at once and without a branch, as in match.ts. */
export function bucketFind(table: BucketTable, high: u64, low: u64, mark: u32): usize {
  const hash = hashKey(high, low, mark);
  const tag = tagOf(hash);
  const first = firstBucket(table, hash);
  const second = secondBucket(table, hash);
  const tags = (load<u32>(first, TAGS) as u64) | ((load<u32>(second, TAGS) as u64) << 32);
  const differ = (tags ^ ((tag as u64) * 0x0001010100010101)) | 0xff000000ff000000;
  const some = (differ - 0x0101010101010101) & ~differ & 0x8080808080808080;
  const place = (ctz<u64>(some) as u32) >> 3;
  const bucket = first ^ ((first ^ second) & (0 - (place >> 2)));
  const way = place & 3;
  const key = bucket + (way << 4);
  const word = bucket + (way << 2) + WORDS;
  const other = (load<u32>(word) ^ mark) & table.keyMask;
  if (((load<u64>(key) ^ high) | (load<u64>(key, 8) ^ low) | (other as u64)) == 0 && some != 0) return word;
  return (some & (some - 1)) != 0 || table.stashed != 0 ? findRare(table, hash, high, low, mark) : 0;
}

/** What remains where another place has the same tag (one time in fifty) or something is stashed. */
function findRare(table: BucketTable, hash: u64, high: u64, low: u64, mark: u32): usize {
  const tag = tagOf(hash);
  let found = search(table, firstBucket(table, hash), tag, high, low, mark);
  if (found == 0) found = search(table, secondBucket(table, hash), tag, high, low, mark);
  for (let i: u32 = 0; found == 0 && table.stashed != 0 && i < STASH; i++) {
    found = search(table, stashBucket(table, i), tag, high, low, mark);
  }
  return found;
}

function stashBucket(table: BucketTable, index: u32): usize {
  return table.buckets + ((table.reach + index) as usize) * BUCKET;
}

/** Hash of the key of an entry that stands in the table. */
function hashOf(table: BucketTable, word: usize): u64 {
  const key = keyOf(word);
  return hashKey(load<u64>(key), load<u64>(key, 8), load<u32>(word) & table.keyMask);
}

/** A free place of a bucket, or 0. */
function freeIn(bucket: usize): usize {
  const free = places(bucket);
  return free == 0 ? 0 : wordAt(bucket, ctz<u32>(free) >> 3);
}

function setTag(word: usize, tag: u32): void {
  store<u8>(bucketOf(word) + wayOf(word), tag as u8, TAGS);
}

function move(table: BucketTable, to: usize, from: usize): void {
  memory.copy(keyOf(to), keyOf(from), 16);
  // The era belongs to the bucket: an aged entry is stamped anew at its next use.
  store<u32>(to, load<u32>(from) & (table.keyMask | VALUE_MASK));
  memory.copy(sideOf(table, to), sideOf(table, from), table.sideSize);
  setTag(to, load<u8>(bucketOf(from) + wayOf(from), TAGS));
  clear(table, from);
}

function clear(table: BucketTable, word: usize): void {
  memory.fill(keyOf(word), 0, 16);
  store<u32>(word, 0);
  setTag(word, 0);
  memory.fill(sideOf(table, word), 0, table.sideSize);
}

/** Buckets that a search for a free place looks at before it gives up. */
const SEARCH: u32 = 200;
/** Of each bucket looked at: its address, the place in the search of the one before it, the way that leads here. */
const QUEUE: usize = memory.data(200 * 8, 8);

function enqueue(tail: u32, bucket: usize, before: u32, way: u32): void {
  const at = QUEUE + (tail << 3);
  store<u32>(at, bucket as u32);
  store<u16>(at, before as u16, 4);
  store<u16>(at, way as u16, 6);
}

function queued(tail: u32, bucket: usize): bool {
  for (let i: u32 = 0; i < tail; i++) {
    if (load<u32>(QUEUE + (i << 3)) == (bucket as u32)) return true;
  }
  return false;
}

/** Makes room in one of two full buckets by moving entries along the shortest chain to a free place; 0 where none is found. */
function displace(table: BucketTable, first: usize, second: usize): usize {
  enqueue(0, first, 0, WAYS);
  enqueue(1, second, 0, WAYS);
  let tail: u32 = 2;
  for (let head: u32 = 0; head < tail; head++) {
    const bucket: usize = load<u32>(QUEUE + (head << 3));
    for (let way: u32 = 0; way < WAYS; way++) {
      const word = wordAt(bucket, way);
      const hash = hashOf(table, word);
      const one = firstBucket(table, hash);
      const other = one == bucket ? secondBucket(table, hash) : one;
      const free = freeIn(other);
      if (free != 0) return unwind(table, head, word, free);
      if (tail < SEARCH && !queued(tail, other)) enqueue(tail++, other, head, way);
    }
  }
  return 0;
}

/** Moves the entry at `word`, and those on the way to it, one step on; the place that comes free in the end. */
function unwind(table: BucketTable, at: u32, word: usize, free: usize): usize {
  move(table, free, word);
  while (load<u16>(QUEUE + (at << 3), 6) != WAYS) {
    const way: u32 = load<u16>(QUEUE + (at << 3), 6);
    free = word;
    at = load<u16>(QUEUE + (at << 3), 4);
    word = wordAt(load<u32>(QUEUE + (at << 3)), way);
    move(table, free, word);
  }
  return word;
}

function place(table: BucketTable, hash: u64): usize {
  const first = firstBucket(table, hash);
  const second = secondBucket(table, hash);
  const free = freeIn(first);
  return free != 0 ? free : freeIn(second);
}

/** A new entry (value and everything beside it 0) for a key that the table lacks, or 0 where the table is full. */
export function bucketInsert(table: BucketTable, high: u64, low: u64, mark: u32): usize {
  if (table.count == table.capacity) return 0;
  const hash = hashKey(high, low, mark);
  let word = place(table, hash);
  if (word == 0) word = displace(table, firstBucket(table, hash), secondBucket(table, hash));
  for (let i: u32 = 0; word == 0 && i < STASH; i++) {
    word = freeIn(stashBucket(table, i));
    if (word != 0) table.stashed++;
  }
  if (word == 0) return 0;
  store<u64>(keyOf(word), high);
  store<u64>(keyOf(word), low, 8);
  store<u32>(word, mark);
  setTag(word, tagOf(hash));
  table.count++;
  return word;
}

/** Takes an entry out and lets the stash shrink into the room; other entries may move. */
export function bucketRemove(table: BucketTable, word: usize): void {
  if (bucketOf(word) >= stashBucket(table, 0)) table.stashed--;
  clear(table, word);
  table.count--;
  for (let i: u32 = 0; table.stashed != 0 && i < STASH * WAYS; i++) {
    const stashed = wordAt(stashBucket(table, i / WAYS), i % WAYS);
    if (!isEntry(stashed)) continue;
    const room = place(table, hashOf(table, stashed));
    if (room == 0) continue;
    move(table, room, stashed);
    table.stashed--;
  }
}

/** Places of a table, taken or free. */
export function bucketPlaces(table: BucketTable): u32 {
  return (table.reach + STASH) * WAYS;
}

/** Place `index` of a table, an entry or not. */
export function placeAt(table: BucketTable, index: u32): usize {
  return wordAt(table.buckets + ((index / WAYS) as usize) * BUCKET, index % WAYS);
}

export function isEntry(word: usize): bool {
  return load<u8>(bucketOf(word) + wayOf(word), TAGS) != 0;
}
