/**
 * Longest matches of up to 64 addresses at once. All keys are hashed first, then all their buckets touched back to
 * back, so that the cache misses of the batch run side by side, and only then compared.
 */
import {
  BucketTable,
  TAGS,
  bucketFind,
  firstBucket,
  secondBucket,
  tagOf,
} from './bucket';
import { hashKey } from './hash';
import { lengthInUse, markOf, maskAt } from './prefix';

/** Addresses of one batch. */
export const MATCH_BATCH: u32 = 64;

/** Of each address not found yet: where it stands (u32), its number in the batch (u32). */
const PENDING: usize = memory.data(64 * 8, 64);
/** Of each of these, for the length at hand: its buckets (u32 each), its tag in three octets (u32), unused (u32). */
const PLANS: usize = memory.data(64 * 16, 64);
/** What the touched buckets hold; written, so that no engine leaves the loads out. */
const TOUCHED: usize = memory.data(16, 16);

/** Says that address number `index` of the batch stands at `address`; `pending` are those said before it. */
export function matchAdd(pending: u32, index: u32, address: usize): void {
  store<u32>(PENDING + (pending << 3), address as u32);
  store<u32>(PENDING + (pending << 3), index, 4);
}

/**
 * Writes the entry (or 0) of the longest prefix of scope 0 that holds each of the `pending` addresses to `found`,
 * 32 bits for each number.
 */
export function matchBatch(table: BucketTable, pending: u32, found: usize): void {
  for (let i: u32 = 0; i < pending; i++) store<u32>(found + (load<u32>(PENDING + (i << 3), 4) << 2), 0);
  for (let i: u32 = 0; i < table.distinct && pending != 0; i++) {
    const length = lengthInUse(table, i);
    plan(table, pending, length);
    touchBuckets(pending);
    pending = compare(table, pending, length, found);
  }
}

function plan(table: BucketTable, pending: u32, length: u32): void {
  const mask = maskAt(length);
  const maskHigh = load<u64>(mask);
  const maskLow = load<u64>(mask, 8);
  const bitHigh = load<u64>(mask, 16) ^ maskHigh;
  const bitLow = load<u64>(mask, 24) ^ maskLow;
  const mark = markOf(length, 0);
  const end = PLANS + (pending << 4);
  let from = PENDING;
  for (let to = PLANS; to < end; to += 16) {
    const address: usize = load<u32>(from);
    from += 8;
    const hash = hashKey((load<u64>(address) & maskHigh) | bitHigh, (load<u64>(address, 8) & maskLow) | bitLow, mark);
    store<u32>(to, firstBucket(table, hash) as u32);
    store<u32>(to, secondBucket(table, hash) as u32, 4);
    store<u32>(to, tagOf(hash) * 0x010101, 8);
  }
}

function touchBuckets(pending: u32): void {
  const end = PLANS + (pending << 4);
  let all: u32 = 0;
  for (let at = PLANS; at < end; at += 16) {
    all ^= load<u32>(load<u32>(at), TAGS) ^ load<u32>(load<u32>(at, 4), TAGS);
  }
  store<u32>(TOUCHED, all);
}

/** Places of two buckets whose tags match, as one number: octets in the scalar build, bits in the other. */
function matching(first: usize, second: usize, tags: u32): u64 {
  if (ASC_FEATURE_SIMD) {
    const both = v128.load_lane<u32>(second, v128.load_zero<u32>(first, TAGS), 1, TAGS);
    return (i8x16.bitmask(i8x16.eq(both, i32x4.splat(tags))) & 0x77) as u64;
  }
  const wanted = (tags as u64) | ((tags as u64) << 32);
  const both = (load<u32>(first, TAGS) as u64) | ((load<u32>(second, TAGS) as u64) << 32);
  // The era octets never match.
  const differ = (both ^ wanted) | 0xff000000ff000000;
  return (differ - 0x0101010101010101) & ~differ & 0x8080808080808080;
}

/** Compares, writes what is found, and keeps the others pending; returns their number. */
function compare(table: BucketTable, pending: u32, length: u32, found: usize): u32 {
  const mask = maskAt(length);
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  const stashed = table.stashed != 0;
  let left: u32 = 0;
  for (let i: u32 = 0; i < pending; i++) {
    const planned = PLANS + (i << 4);
    const first: usize = load<u32>(planned);
    const second: usize = load<u32>(planned, 4);
    const address: usize = load<u32>(PENDING + (i << 3));
    const index: u32 = load<u32>(PENDING + (i << 3), 4);
    const some = matching(first, second, load<u32>(planned, 8));
    // Without a match both counts are past 3 and select the first place of the second bucket.
    const place = ASC_FEATURE_SIMD ? ctz<u32>(some as u32) : (ctz<u64>(some) as u32) >> 3;
    const bucket = select<usize>(first, second, place < 4);
    const way = place & 3;
    let word = bucket + 48 + (way << 2);
    const other = (load<u32>(word) ^ mark) & keyMask;
    const differ = keyDiffers(bucket + (way << 4), address, mask);
    const hit = (some != 0) & !differ & (other == 0);
    word = select<usize>(word, 0, hit);
    // One time in fifty another place has the tag as well; stashed entries are rarer still.
    if (!hit && ((some & (some - 1)) != 0 || stashed)) word = findAgain(table, address, length);
    store<u32>(found + (index << 2), word as u32);
    matchAdd(left, index, address);
    left += (word == 0) as u32;
  }
  return left;
}

/** Whether the key at `key` is not that of the address under the mask. */
function keyDiffers(key: usize, address: usize, mask: usize): bool {
  if (ASC_FEATURE_SIMD) {
    const masks = v128.load(mask);
    const bit = v128.xor(v128.load(mask, 16), masks);
    const wanted = v128.or(v128.and(v128.load(address), masks), bit);
    return v128.any_true(v128.xor(wanted, v128.load(key)));
  }
  const high = (load<u64>(address) & load<u64>(mask)) | (load<u64>(mask, 16) ^ load<u64>(mask));
  const low = (load<u64>(address, 8) & load<u64>(mask, 8)) | (load<u64>(mask, 24) ^ load<u64>(mask, 8));
  return ((high ^ load<u64>(key)) | (low ^ load<u64>(key, 8))) != 0;
}

function findAgain(table: BucketTable, address: usize, length: u32): usize {
  const mask = maskAt(length);
  const high = (load<u64>(address) & load<u64>(mask)) | (load<u64>(mask, 16) ^ load<u64>(mask));
  const low = (load<u64>(address, 8) & load<u64>(mask, 8)) | (load<u64>(mask, 24) ^ load<u64>(mask, 8));
  return bucketFind(table, high, low, markOf(length, 0));
}
