/**
 * Longest matches of up to 64 addresses at once. All keys are hashed first, then all their homes touched back to
 * back, so that the cache misses of the batch run side by side, and only then compared. The same is done again for the
 * few that may stand away from home.
 */
import {
  BucketTable,
  HOST_MARK,
  KEYS,
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
 * Of each address not found yet, for the length at hand, the upper half of its hash and its home, then
 * where it stands and its number in the batch (u32 each). The first octet is
 * the tag.
 */
const PENDING: usize = memory.data(64 * 16, 64);
/** The same of those that are not at home but may be away from it, with the bucket there. */
const STRAYS: usize = memory.data(64 * 16, 64);
const RECORD: usize = 16;
const BUCKET_AT: usize = 4;
const ADDRESS_AT: usize = 8;
const INDEX_AT: usize = 12;
/** What the touched buckets hold; written, so that no engine leaves the loads out. */
const TOUCHED: usize = memory.data(16, 16);

/** Says that address number `index` of the batch stands at `address`; `pending` are those said before it. */
export function matchAdd(pending: u32, index: u32, address: usize): void {
  store<u32>(PENDING + (pending << 4), address as u32, ADDRESS_AT);
  store<u32>(PENDING + (pending << 4), index, INDEX_AT);
}

/** Says that addresses 0 to `count` - 1 of the batch stand one after the other from `address` on. */
export function matchRow(count: u32, address: usize): void {
  let at = PENDING;
  for (let index: u32 = 0; index < count; index++) {
    store<u32>(at, address as u32, ADDRESS_AT);
    store<u32>(at, index, INDEX_AT);
    address += 16;
    at += RECORD;
  }
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
    findRest(table, compare(table, STRAYS, strays, length, found, 1), length, found);
    if (i + 1 < table.distinct) pending = keepPending(pending, found);
  }
}

/**
 * Compares each with one bucket and writes what is found. Those not found are left as strays if some of their class are
 * away, if another place has the same tag (one time in a hundred), or all if `all` is 1; returns their number.
 */
function compare(table: BucketTable, from: usize, count: u32, length: u32, found: usize, all: u32): u32 {
  return ASC_FEATURE_SIMD
    ? compareWide(table, from, count, length, found, all)
    : compareWords(table, from, count, length, found, all);
}

/** Looks for the strays that stand where their tags do not tell, one by one. */
function findRest(table: BucketTable, strays: u32, length: u32, found: usize): void {
  const mask = maskAt(length);
  const end = STRAYS + (strays << 4);
  for (let at = STRAYS; at < end; at += RECORD) {
    const address: usize = load<u32>(at, ADDRESS_AT);
    const high = (load<u64>(address) & load<u64>(mask)) | (load<u64>(mask, 16) ^ load<u64>(mask));
    const low = (load<u64>(address, 8) & load<u64>(mask, 8)) | (load<u64>(mask, 24) ^ load<u64>(mask, 8));
    const entry = bucketFind(table, high, low, markOf(length, 0));
    store<u32>(found + (load<u32>(at, INDEX_AT) << 2), entry as u32);
  }
}

/** Leaves those pending that are not found; returns their number. */
function keepPending(pending: u32, found: usize): u32 {
  let left: u32 = 0;
  for (let i: u32 = 0; i < pending; i++) {
    const at = PENDING + (i << 4);
    const index: u32 = load<u32>(at, INDEX_AT);
    matchAdd(left, index, load<u32>(at, ADDRESS_AT));
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
    const address: usize = load<u32>(at, ADDRESS_AT);
    putHome(
      at,
      buckets,
      reach,
      mixKey(load<u64>(address), load<u64>(address, 8), HOST_MARK, key0, key1, key2, key3),
    );
  }
}

function putHome(at: usize, buckets: usize, reach: u64, hash: u64): void {
  store<u32>(at, (hash >> 32) as u32);
  store<u32>(at, (buckets + (((((hash & 0xffffffff) * reach) >> 32) as usize) << 6)) as u32, BUCKET_AT);
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
    const address: usize = load<u32>(at, ADDRESS_AT);
    const high = (load<u64>(address) & maskHigh) | bitHigh;
    const low = (load<u64>(address, 8) & maskLow) | bitLow;
    putHome(at, buckets, reach, mixKey(high, low, 0, key0, key1, key2, key3));
  }
}

function planSeconds(table: BucketTable, strays: u32): void {
  const end = STRAYS + (strays << 4);
  for (let at = STRAYS; at < end; at += RECORD) {
    const home: usize = load<u32>(at, BUCKET_AT);
    store<u32>(at, secondOf(table, home, load<u32>(at)) as u32, BUCKET_AT);
  }
}

function touchBuckets(from: usize, count: u32): void {
  const end = from + (count << 4);
  let all: u32 = 0;
  for (; from < end; from += RECORD) all ^= load<u32>(load<u32>(from, BUCKET_AT));
  store<u32>(TOUCHED, all);
}

/**
 * Without a tag that matches, the first place is compared: a free one matches nothing, its mark is no host's and its
 * key no prefix's. No branch and no call, so that all the loop needs stays in registers.
 */
function compareWide(table: BucketTable, from: usize, count: u32, length: u32, found: usize, all: u32): u32 {
  const masks = v128.load(maskAt(length));
  const bit = v128.xor(v128.load(maskAt(length), 16), masks);
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  let to = STRAYS;
  for (const end = from + (count << 4); from < end; from += RECORD) {
    const bucket: usize = load<u32>(from, BUCKET_AT);
    const same = i8x16.eq(v128.load32_zero(bucket), v128.load8_splat(from));
    const some = (i8x16.bitmask(same) as u32) & 7;
    const way = ctz<u32>(some | 16) & 3;
    const word = bucket + WORDS + (way << 2);
    const wanted = v128.or(v128.and(v128.load(load<u32>(from, ADDRESS_AT)), masks), bit);
    const equal = i8x16.bitmask(i8x16.eq(wanted, v128.load(bucket + (way << 4), KEYS))) as u32;
    const other = (load<u32>(word) ^ mark) & keyMask;
    const miss = ((other | (equal ^ 0xffff)) != 0) as u32;
    store<u32>(found + (load<u32>(from, INDEX_AT) << 2), (word as u32) & (miss - 1));
    const stray = miss & (classAway(bucket, load<u32>(from)) | (popcnt<u32>(some) >> 1) | all);
    v128.store(to, v128.load(from));
    to += stray << 4;
  }
  return ((to - STRAYS) >> 4) as u32;
}

/** The same with words of 64 bits. */
function compareWords(table: BucketTable, from: usize, count: u32, length: u32, found: usize, all: u32): u32 {
  const maskHigh = load<u64>(maskAt(length));
  const maskLow = load<u64>(maskAt(length), 8);
  const bitHigh = load<u64>(maskAt(length), 16) ^ maskHigh;
  const bitLow = load<u64>(maskAt(length), 24) ^ maskLow;
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  let to = STRAYS;
  for (const end = from + (count << 4); from < end; from += RECORD) {
    const upper = load<u32>(from);
    const bucket: usize = load<u32>(from, BUCKET_AT);
    const some = tagged(bucket, tagOf(upper));
    const way = (ctz<u32>(some) >> 3) & 3;
    const word = bucket + WORDS + (way << 2);
    const key = bucket + KEYS + (way << 4);
    const address: usize = load<u32>(from, ADDRESS_AT);
    const high = ((load<u64>(address) & maskHigh) | bitHigh) ^ load<u64>(key);
    const low = ((load<u64>(address, 8) & maskLow) | bitLow) ^ load<u64>(key, 8);
    const other = (load<u32>(word) ^ mark) & keyMask;
    const miss = ((high | low | (other as u64)) != 0) as u32;
    store<u32>(found + (load<u32>(from, INDEX_AT) << 2), (word as u32) & (miss - 1));
    const stray = miss & (classAway(bucket, upper) | (popcnt<u32>(some) >> 1) | all);
    store<u64>(to, load<u64>(from));
    store<u64>(to, load<u64>(from, 8), 8);
    to += stray << 4;
  }
  return ((to - STRAYS) >> 4) as u32;
}
