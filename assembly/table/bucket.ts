/**
 * Buckets of one cache line for three keys each, two-choice (cuckoo) hashing over them.
 *
 * | octets  | of a bucket                                                                    |
 * | ------- | ------------------------------------------------------------------------------ |
 * | 0 to 2  | three tags: 8 bits of the key's hash                                           |
 * | 3       | a bit for each class of keys, of which some stand away from this, their home    |
 * | 4 to 15 | three words of 32 bits: value (22 bits), mark (10 bits)                        |
 * | 16 to 63 | three keys of 16 octets                                                       |
 *
 * A mark is bit 31 (the key is a whole address) and, in bits 22 to 30, the scope or the epoch of the last use. The
 * bits of `keyMask` belong to the key. An entry is named by the address of its word, which tells bucket and place.
 * A free place is all zeros, which no entry is: the key of a prefix has its bit, a whole address its mark.
 *
 * A key stands in its home or, where that is full, a step away from it. There are few different steps, so that the
 * keys away from a home can be looked for: their classes are exact at any time, and who finds nothing at a home of
 * which nobody of the class is away need not touch another line. A home with room calls them back.
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
export const AWAY: usize = 3;
export const WORDS: usize = 4;
export const KEYS: usize = 16;
export const VALUE_MASK: u32 = 0x3fffff;
export const SCOPE_SHIFT: u32 = 22;
/** Bits 22 to 30. */
export const EPOCH_MASK: u32 = 0x7fc00000;
export const HOST_MARK: u32 = 0x80000000;

/** Different steps from a home, named by the lowest bits of the upper half of a hash; the class is the lowest of those. */
const STEPS: u32 = 32;
const CLASSES: u32 = 8;
const STEP_SPREAD: u32 = 0x9e3779b9;

/** Places beyond the reach of hashing for what displacement cannot settle; a table of any size fills to its capacity. */
const STASH: u32 = 2;

/** Buckets for so many entries: no more than 0.85 of the places are taken (20 / 51 = 1 / (3 x 0.85)). */
export function bucketsFor(capacity: u32): u32 {
  return max<u32>(2, (((capacity as u64) * 20 + 50) / 51) as u32) + STASH;
}

export function bucketReach(buckets: u32): u32 {
  return buckets - STASH;
}

export function homeOf(table: BucketTable, hash: u64): usize {
  return table.buckets + (((((hash & 0xffffffff) * table.reach) >> 32) as usize) << 6);
}

/** The bucket away from home. `upper` is the upper half of the hash. */
export function secondOf(table: BucketTable, home: usize, upper: u32): usize {
  const spread = (upper & (STEPS - 1)) * STEP_SPREAD;
  const second = home + (((1 + (((spread as u64) * (table.reach - 1)) >> 32)) as usize) << 6);
  const size = (table.reach as usize) << 6;
  return second - (size & (0 - ((second >= table.buckets + size) as usize)));
}

export function tagOf(upper: u32): u32 {
  return upper & 0xff;
}

function classOf(hash: u64): u32 {
  return ((hash >> 32) as u32) & (CLASSES - 1);
}

/** The classes of which some are away from a home, a bit each. */
function away(home: usize): u32 {
  return load<u8>(home, AWAY);
}

function setAway(home: usize, classes: u32): void {
  store<u8>(home, classes as u8, AWAY);
}

/** 1 where keys of the same class as that of `upper` are away from their home, else 0. */
export function classAway(home: usize, upper: u32): u32 {
  return (away(home) >> (upper & (CLASSES - 1))) & 1;
}

/** Bit 7 of octet i of the result is set where place i of the bucket may have the tag; the lowest one does have it. */
export function tagged(bucket: usize, tag: u32): u32 {
  const differ = load<u32>(bucket) ^ (tag * 0x010101);
  return (differ - 0x010101) & ~differ & 0x808080;
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
  return bucketOf(word) + KEYS + (wayOf(word) << 4);
}

/** What is kept of an entry beside the buckets. */
export function sideOf(table: BucketTable, word: usize): usize {
  const bucket = (bucketOf(word) - table.buckets) >> 6;
  return table.side + (bucket * WAYS + wayOf(word)) * (table.sideSize as usize);
}

function search(table: BucketTable, bucket: usize, tag: u32, high: u64, low: u64, mark: u32): usize {
  for (let some = tagged(bucket, tag); some != 0; some &= some - 1) {
    const way = ctz<u32>(some) >> 3;
    const key = bucket + KEYS + (way << 4);
    const word = wordAt(bucket, way);
    const other = (load<u32>(word) ^ mark) & table.keyMask;
    if (((load<u64>(key) ^ high) | (load<u64>(key, 8) ^ low) | other) == 0) return word;
  }
  return 0;
}

/** The entry of a key, or 0. */
export function bucketFind(table: BucketTable, high: u64, low: u64, mark: u32): usize {
  const hash = hashKey(high, low, mark);
  const home = homeOf(table, hash);
  const upper = (hash >> 32) as u32;
  const found = search(table, home, tagOf(upper), high, low, mark);
  return found != 0 || classAway(home, upper) == 0 ? found : findAway(table, home, upper, high, low, mark);
}

function findAway(table: BucketTable, home: usize, upper: u32, high: u64, low: u64, mark: u32): usize {
  const tag = tagOf(upper);
  let found = search(table, secondOf(table, home, upper), tag, high, low, mark);
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
  for (let way: u32 = 0; way < WAYS; way++) {
    if (!isEntry(wordAt(bucket, way))) return wordAt(bucket, way);
  }
  return 0;
}

/** Some entry of a class that stands away from its home, or 0. */
function strayOf(table: BucketTable, home: usize, group: u32): usize {
  for (let step = group; step < STEPS + STASH * CLASSES; step += CLASSES) {
    const bucket = step < STEPS ? secondOf(table, home, step) : stashBucket(table, (step - STEPS) / CLASSES);
    for (let way: u32 = 0; way < WAYS; way++) {
      const word = wordAt(bucket, way);
      const hash = hashOf(table, word);
      if (homeOf(table, hash) == home && classOf(hash) == group && isEntry(word)) return word;
    }
  }
  return 0;
}

/** Writes an entry with nothing beside it to a free place. */
function settle(table: BucketTable, word: usize, high: u64, low: u64, value: u32): void {
  store<u64>(keyOf(word), high);
  store<u64>(keyOf(word), low, 8);
  store<u32>(word, value);
  const hash = hashOf(table, word);
  store<u8>(bucketOf(word) + wayOf(word), tagOf((hash >> 32) as u32) as u8);
  table.stashed += (bucketOf(word) >= stashBucket(table, 0)) as u32;
  const home = homeOf(table, hash);
  if (bucketOf(word) != home) setAway(home, away(home) | (1 << classOf(hash)));
}

function clear(table: BucketTable, word: usize): void {
  const hash = hashOf(table, word);
  memory.fill(keyOf(word), 0, 16);
  store<u32>(word, 0);
  store<u8>(bucketOf(word) + wayOf(word), 0);
  memory.fill(sideOf(table, word), 0, table.sideSize);
  table.stashed -= (bucketOf(word) >= stashBucket(table, 0)) as u32;
  const home = homeOf(table, hash);
  const group = classOf(hash);
  if (bucketOf(word) != home && strayOf(table, home, group) == 0) {
    setAway(home, away(home) & ~(1 << group));
  }
}

function move(table: BucketTable, to: usize, from: usize): void {
  const key = keyOf(from);
  // The epoch stays behind: what is moved over the hand of ageing.ts would keep it too long.
  settle(table, to, load<u64>(key), load<u64>(key, 8), load<u32>(from) & (table.keyMask | VALUE_MASK));
  memory.copy(sideOf(table, to), sideOf(table, from), table.sideSize);
  clear(table, from);
}

/** Calls an entry home to a bucket with room, then one to where that stood, and so on. */
function callHome(table: BucketTable, home: usize): void {
  while (away(home) != 0 && home < stashBucket(table, 0)) {
    const stray = strayOf(table, home, ctz<u32>(away(home)));
    move(table, freeIn(home), stray);
    home = bucketOf(stray);
  }
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
function displace(table: BucketTable, home: usize, second: usize): usize {
  enqueue(0, home, 0, WAYS);
  enqueue(1, second, 0, WAYS);
  let tail: u32 = 2;
  for (let head: u32 = 0; head < tail; head++) {
    const bucket: usize = load<u32>(QUEUE + (head << 3));
    for (let way: u32 = 0; way < WAYS; way++) {
      const word = wordAt(bucket, way);
      const hash = hashOf(table, word);
      const home = homeOf(table, hash);
      const other = home == bucket ? secondOf(table, home, (hash >> 32) as u32) : home;
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
  const home = homeOf(table, hash);
  const free = freeIn(home);
  return free != 0 ? free : freeIn(secondOf(table, home, (hash >> 32) as u32));
}

/** A new entry (value and everything beside it 0) for a key that the table lacks, or 0 where the table is full. */
export function bucketInsert(table: BucketTable, high: u64, low: u64, mark: u32): usize {
  if (table.count == table.capacity) return 0;
  const hash = hashKey(high, low, mark);
  let word = place(table, hash);
  if (word == 0) {
    const home = homeOf(table, hash);
    word = displace(table, home, secondOf(table, home, (hash >> 32) as u32));
  }
  for (let i: u32 = 0; word == 0 && i < STASH; i++) word = freeIn(stashBucket(table, i));
  if (word == 0) return 0;
  settle(table, word, high, low, mark);
  table.count++;
  return word;
}

/** Takes an entry out and lets others into the room. */
export function bucketRemove(table: BucketTable, word: usize): void {
  clear(table, word);
  table.count--;
  callHome(table, bucketOf(word));
  for (let i: u32 = 0; table.stashed != 0 && i < STASH * WAYS; i++) {
    const stashed = wordAt(stashBucket(table, i / WAYS), i % WAYS);
    if (!isEntry(stashed)) continue;
    const room = place(table, hashOf(table, stashed));
    if (room != 0) move(table, room, stashed);
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
  const key = keyOf(word);
  return (load<u64>(key) | load<u64>(key, 8) | (load<u32>(word) & HOST_MARK)) != 0;
}
