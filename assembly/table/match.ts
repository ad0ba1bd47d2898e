/**
 * Longest matches of up to 64 addresses at once. All keys are hashed first, then all their homes touched back to
 * back, so that the cache misses of the batch run side by side, and only then compared. The same is done again for the
 * few that may stand away from home.
 */
import {
  BucketTable,
  HOST_MARK,
  TAGS,
  WORDS,
  bucketFind,
  classAway,
  secondOf,
  tagOf,
  tagged,
} from './bucket';
import { hashKeyWord, mixKey } from './hash';
import { lengthInUse, markOf, maskAt } from './prefix';

const HOST_LENGTH: u32 = 128;

/** Addresses of one batch. */
export const MATCH_BATCH: u32 = 64;

/**
 * Of each address not found yet: where it stands (u32), its number in the batch (u32) and, for the length at hand, its
 * home and the upper half of its hash (u32 each).
 */
const PENDING: usize = memory.data(64 * 16, 64);
/** The same of those that are not at home but may be away from it, with the bucket there. */
const STRAYS: usize = memory.data(64 * 16, 64);
const RECORD: usize = 16;
const BUCKET_AT: usize = 8;
const UPPER_AT: usize = 12;
/** The octet of the upper half that is the tag. */
const TAG_AT: usize = 13;
/** What the touched buckets hold; written, so that no engine leaves the loads out. */
const TOUCHED: usize = memory.data(16, 16);

/** Says that address number `index` of the batch stands at `address`; `pending` are those said before it. */
export function matchAdd(pending: u32, index: u32, address: usize): void {
  store<u32>(PENDING + (pending << 4), address as u32);
  store<u32>(PENDING + (pending << 4), index, 4);
}

/**
 * Writes the entry (or 0) of the longest prefix of scope 0 that holds each of the `pending` addresses to `found`,
 * 32 bits for each number.
 */
export function matchBatch(table: BucketTable, pending: u32, found: usize): void {
  if (table.distinct == 0) memory.fill(found, 0, MATCH_BATCH << 2);
  for (let i: u32 = 0; i < table.distinct && pending != 0; i++) {
    const length = lengthInUse(table, i);
    if (length == HOST_LENGTH) planHosts(table, pending);
    else planPrefixes(table, pending, length);
    touchBuckets(PENDING, pending);
    const strays = compare(table, PENDING, pending, length, found, 0);
    planSeconds(table, strays);
    touchBuckets(STRAYS, strays);
    compare(table, STRAYS, strays, length, found, (table.stashed != 0) as u32);
    if (i + 1 < table.distinct) pending = keepPending(pending, found);
  }
}

/** Compares each with one bucket; the number of those left as strays. */
function compare(table: BucketTable, from: usize, count: u32, length: u32, found: usize, stashed: u32): u32 {
  return ASC_FEATURE_SIMD
    ? compareWide(table, from, count, length, found, stashed)
    : compareWords(table, from, count, length, found, stashed);
}

/** Leaves those pending that are not found; returns their number. */
function keepPending(pending: u32, found: usize): u32 {
  let left: u32 = 0;
  for (let i: u32 = 0; i < pending; i++) {
    const address: usize = load<u32>(PENDING + (i << 4));
    const index: u32 = load<u32>(PENDING + (i << 4), 4);
    matchAdd(left, index, address);
    left += (load<u32>(found + (index << 2)) == 0) as u32;
  }
  return left;
}

/** Hashes whole addresses. */
function planHosts(table: BucketTable, pending: u32): void {
  const buckets = table.buckets;
  const reach = table.reach as u64;
  const key0 = hashKeyWord(0);
  const key1 = hashKeyWord(1);
  const key2 = hashKeyWord(2);
  const key3 = hashKeyWord(3);
  const end = PENDING + (pending << 4);
  for (let at = PENDING; at < end; at += RECORD) {
    const address: usize = load<u32>(at);
    putHome(
      at,
      buckets,
      reach,
      mixKey(load<u64>(address), load<u64>(address, 8), HOST_MARK, key0, key1, key2, key3),
    );
  }
}

function putHome(at: usize, buckets: usize, reach: u64, hash: u64): void {
  store<u32>(at, (buckets + (((((hash & 0xffffffff) * reach) >> 32) as usize) << 6)) as u32, BUCKET_AT);
  store<u32>(at, (hash >> 32) as u32, UPPER_AT);
}

/** Hashes prefixes of a length. */
function planPrefixes(table: BucketTable, pending: u32, length: u32): void {
  const mask = maskAt(length);
  const maskHigh = load<u64>(mask);
  const maskLow = load<u64>(mask, 8);
  const bitHigh = load<u64>(mask, 16) ^ maskHigh;
  const bitLow = load<u64>(mask, 24) ^ maskLow;
  const buckets = table.buckets;
  const reach = table.reach as u64;
  const key0 = hashKeyWord(0);
  const key1 = hashKeyWord(1);
  const key2 = hashKeyWord(2);
  const key3 = hashKeyWord(3);
  const end = PENDING + (pending << 4);
  for (let at = PENDING; at < end; at += RECORD) {
    const address: usize = load<u32>(at);
    const high = (load<u64>(address) & maskHigh) | bitHigh;
    const low = (load<u64>(address, 8) & maskLow) | bitLow;
    putHome(at, buckets, reach, mixKey(high, low, 0, key0, key1, key2, key3));
  }
}

function planSeconds(table: BucketTable, strays: u32): void {
  const end = STRAYS + (strays << 4);
  for (let at = STRAYS; at < end; at += RECORD) {
    store<u32>(
      at,
      secondOf(table, load<u32>(at, BUCKET_AT), load<u32>(at, UPPER_AT)) as u32,
      BUCKET_AT,
    );
  }
}

function touchBuckets(from: usize, count: u32): void {
  const end = from + (count << 4);
  let all: u32 = 0;
  for (; from < end; from += RECORD) all ^= load<u32>(load<u32>(from, BUCKET_AT), TAGS);
  store<u32>(TOUCHED, all);
}

/**
 * Compares and writes what is found. Without a tag that matches, the first place is compared: a free one matches
 * nothing, its mark is no host's and its key no prefix's. The one branch is for what happens one time in fifty:
 * selections are arithmetic, so that no engine makes branches of them.
 */
function compareWide(
  table: BucketTable,
  from: usize,
  count: u32,
  length: u32,
  found: usize,
  stashed: u32,
): u32 {
  const masks = v128.load(maskAt(length));
  const bit = v128.xor(v128.load(maskAt(length), 16), masks);
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  let to = STRAYS;
  for (const end = from + (count << 4); from < end; from += RECORD) {
    const address: usize = load<u32>(from);
    const bucket: usize = load<u32>(from, BUCKET_AT);
    const tags = i8x16.eq(v128.load32_zero(bucket, TAGS), v128.load8_splat(from, TAG_AT));
    const some = (i8x16.bitmask(tags) as u32) & 7;
    const way = ctz<u32>(some | 16) & 3;
    const word = bucket + (way << 2);
    const wanted = v128.or(v128.and(v128.load(address), masks), bit);
    const differs = v128.any_true(v128.xor(wanted, v128.load(bucket + (way << 4)))) as u32;
    const other = (load<u32>(word, WORDS) ^ mark) & keyMask;
    const miss = ((other | differs) != 0) as u32;
    let entry = (word + WORDS) & (miss - 1);
    if ((((some & (some - 1)) | stashed) & (0 - miss)) != 0) entry = findAgain(table, address, length);
    store<u32>(found + (load<u32>(from, 4) << 2), entry as u32);
    v128.store(to, v128.load(from));
    to += (((entry == 0) as u32) & classAway(bucket, load<u32>(from, UPPER_AT))) << 4;
  }
  return ((to - STRAYS) >> 4) as u32;
}

/** The same with words of 64 bits. */
function compareWords(
  table: BucketTable,
  from: usize,
  count: u32,
  length: u32,
  found: usize,
  stashed: u32,
): u32 {
  const maskHigh = load<u64>(maskAt(length));
  const maskLow = load<u64>(maskAt(length), 8);
  const bitHigh = load<u64>(maskAt(length), 16) ^ maskHigh;
  const bitLow = load<u64>(maskAt(length), 24) ^ maskLow;
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  let to = STRAYS;
  for (const end = from + (count << 4); from < end; from += RECORD) {
    const address: usize = load<u32>(from);
    const bucket: usize = load<u32>(from, BUCKET_AT);
    const upper = load<u32>(from, UPPER_AT);
    const some = tagged(bucket, tagOf(upper));
    const way = (ctz<u32>(some) >> 3) & 3;
    const word = bucket + (way << 2);
    const key = bucket + (way << 4);
    const high = ((load<u64>(address) & maskHigh) | bitHigh) ^ load<u64>(key);
    const low = ((load<u64>(address, 8) & maskLow) | bitLow) ^ load<u64>(key, 8);
    const other = (load<u32>(word, WORDS) ^ mark) & keyMask;
    const miss = ((high | low | (other as u64)) != 0) as u32;
    let entry = (word + WORDS) & (miss - 1);
    if ((((some & (some - 1)) | stashed) & (0 - miss)) != 0) entry = findAgain(table, address, length);
    store<u32>(found + (load<u32>(from, 4) << 2), entry as u32);
    store<u64>(to, load<u64>(from));
    store<u64>(to, load<u64>(from, 8), 8);
    to += (((entry == 0) as u32) & classAway(bucket, upper)) << 4;
  }
  return ((to - STRAYS) >> 4) as u32;
}

function findAgain(table: BucketTable, address: usize, length: u32): usize {
  const mask = maskAt(length);
  const high = (load<u64>(address) & load<u64>(mask)) | (load<u64>(mask, 16) ^ load<u64>(mask));
  const low = (load<u64>(address, 8) & load<u64>(mask, 8)) | (load<u64>(mask, 24) ^ load<u64>(mask, 8));
  return bucketFind(table, high, low, markOf(length, 0));
}
