/**
 * Longest matches of up to 64 addresses at once. All keys are hashed first, then all their buckets touched back to
 * back, so that the cache misses of the batch run side by side, and only then compared.
 */
import { BucketTable, TAGS, WORDS, HOST_MARK, bucketFind, tagOf } from './bucket';
import { hashKeyWord, mixKey } from './hash';
import { lengthInUse, markOf, maskAt } from './prefix';

const HOST_LENGTH: u32 = 128;

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
  if (table.distinct == 0) memory.fill(found, 0, MATCH_BATCH << 2);
  for (let i: u32 = 0; i < table.distinct && pending != 0; i++) {
    const length = lengthInUse(table, i);
    if (length == HOST_LENGTH) planHosts(table, pending);
    else planPrefixes(table, pending, length);
    touchBuckets(pending);
    if (ASC_FEATURE_SIMD) compareWide(table, pending, length, found);
    else compareWords(table, pending, length, found);
    if (i + 1 < table.distinct) pending = keepPending(pending, found);
  }
}

/** Leaves those pending that are not found; returns their number. */
function keepPending(pending: u32, found: usize): u32 {
  let left: u32 = 0;
  for (let i: u32 = 0; i < pending; i++) {
    const address: usize = load<u32>(PENDING + (i << 3));
    const index: u32 = load<u32>(PENDING + (i << 3), 4);
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
  const end = PLANS + (pending << 4);
  let from = PENDING;
  for (let to = PLANS; to < end; to += 16) {
    const address: usize = load<u32>(from);
    from += 8;
    putPlan(
      to,
      buckets,
      reach,
      mixKey(load<u64>(address), load<u64>(address, 8), HOST_MARK, key0, key1, key2, key3),
    );
  }
}

function putPlan(to: usize, buckets: usize, reach: u64, hash: u64): void {
  store<u32>(to, (buckets + (((((hash & 0xffffffff) * reach) >> 32) as usize) << 6)) as u32);
  store<u32>(to, (buckets + (((((hash >> 32) * reach) >> 32) as usize) << 6)) as u32, 4);
  store<u32>(to, tagOf(hash) * 0x010101, 8);
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
  const end = PLANS + (pending << 4);
  let from = PENDING;
  for (let to = PLANS; to < end; to += 16) {
    const address: usize = load<u32>(from);
    from += 8;
    const high = (load<u64>(address) & maskHigh) | bitHigh;
    const low = (load<u64>(address, 8) & maskLow) | bitLow;
    putPlan(to, buckets, reach, mixKey(high, low, 0, key0, key1, key2, key3));
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

/**
 * Compares, and writes what is found. A free place matches nothing: its mark is no host's and its key no prefix's. The one branch is for what
 * happens one time in fifty: selections are arithmetic, so that no engine makes branches of them.
 */
function compareWide(table: BucketTable, pending: u32, length: u32, found: usize): void {
  const masks = v128.load(maskAt(length));
  const bit = v128.xor(v128.load(maskAt(length), 16), masks);
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  const stashed = (table.stashed != 0) as u32;
  let planned = PLANS;
  const end = PENDING + (pending << 3);
  for (let from = PENDING; from < end; from += 8) {
    const first: u32 = load<u32>(planned);
    const second: u32 = load<u32>(planned, 4);
    const tags = v128.load_lane<u32>(second, v128.load_zero<u32>(first, TAGS), 1, TAGS);
    const some = (i8x16.bitmask(i8x16.eq(tags, v128.load_splat<u32>(planned, 8))) as u32) & 0x77;
    planned += 16;
    const address: usize = load<u32>(from);
    const index: u32 = load<u32>(from, 4);
    // Without a match the number is 8, which selects the first place of the second bucket as 4 does.
    const place = ctz<u32>(some | 0x100);
    const bucket: usize = first ^ ((first ^ second) & (0 - (place >> 2)));
    const way = place & 3;
    const word = bucket + (way << 2);
    const wanted = v128.or(v128.and(v128.load(address), masks), bit);
    const differs = v128.any_true(v128.xor(wanted, v128.load(bucket + (way << 4)))) as u32;
    const other = (load<u32>(word, WORDS) ^ mark) & keyMask;
    const hit = ((other | differs) == 0) as u32;
    let entry = (word + WORDS) & (0 - hit);
    if ((((some & (some - 1)) | stashed) & (hit - 1)) != 0) entry = findAgain(table, address, length);
    store<u32>(found + (index << 2), entry as u32);
  }
}

/** The same with all tags of two buckets in a word of 64 bits. */
function compareWords(table: BucketTable, pending: u32, length: u32, found: usize): void {
  const maskHigh = load<u64>(maskAt(length));
  const maskLow = load<u64>(maskAt(length), 8);
  const bitHigh = load<u64>(maskAt(length), 16) ^ maskHigh;
  const bitLow = load<u64>(maskAt(length), 24) ^ maskLow;
  const mark = markOf(length, 0);
  const keyMask = table.keyMask;
  const stashed = (table.stashed != 0) as u64;
  let planned = PLANS;
  const end = PENDING + (pending << 3);
  for (let from = PENDING; from < end; from += 8) {
    const first: u32 = load<u32>(planned);
    const second: u32 = load<u32>(planned, 4);
    const tags = (load<u32>(first, TAGS) as u64) | ((load<u32>(second, TAGS) as u64) << 32);
    // The eras, in octets 3 and 7, never match.
    const differ = (tags ^ ((load<u32>(planned, 8) as u64) * 0x100000001)) | 0xff000000ff000000;
    const some = (differ - 0x0101010101010101) & ~differ & 0x8080808080808080;
    planned += 16;
    const address: usize = load<u32>(from);
    const index: u32 = load<u32>(from, 4);
    const place = (ctz<u64>(some) as u32) >> 3;
    const bucket: usize = first ^ ((first ^ second) & (0 - (place >> 2)));
    const way = place & 3;
    const word = bucket + (way << 2);
    const key = bucket + (way << 4);
    const high = ((load<u64>(address) & maskHigh) | bitHigh) ^ load<u64>(key);
    const low = ((load<u64>(address, 8) & maskLow) | bitLow) ^ load<u64>(key, 8);
    const other = (load<u32>(word, WORDS) ^ mark) & keyMask;
    const hit = ((high | low | (other as u64)) == 0) as u32;
    let entry = (word + WORDS) & (0 - hit);
    if ((((some & (some - 1)) | stashed) & ((hit as u64) - 1)) != 0)
      entry = findAgain(table, address, length);
    store<u32>(found + (index << 2), entry as u32);
  }
}

function findAgain(table: BucketTable, address: usize, length: u32): usize {
  const mask = maskAt(length);
  const high = (load<u64>(address) & load<u64>(mask)) | (load<u64>(mask, 16) ^ load<u64>(mask));
  const low = (load<u64>(address, 8) & load<u64>(mask, 8)) | (load<u64>(mask, 24) ^ load<u64>(mask, 8));
  return bucketFind(table, high, low, markOf(length, 0));
}
