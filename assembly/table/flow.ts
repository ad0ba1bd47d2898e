/**
 * Address pairs seen of late: buckets of four, the oldest pair gives way. The head of a bucket (32 octets: four stamps,
 * four tags) tells which pair to compare and whether there is anything to write, so that a known pair costs two lines.
 */
import { FLOW_DST_AT, FLOW_SEEN_AT, FLOW_SRC_AT, LIMIT_FLOW_WAYS } from '../../bindings/generated/abi.as';
import { AREA_FLOW_HEADS, AREA_FLOW_PAIRS, areaBase, capacities, records } from '../mem/areas';
import { nowSeconds } from '../mem/clock';
import { copy16, equal16 } from '../mem/words';
import { raiseFlow } from '../stats/events';
import { hashAddress, hashEnd, hashStart } from './hash';

/** Stamps in whole seconds two apart are more than 1,000 ms apart. */
const SILENCE: u32 = 2;

export const FLOW_HEAD: usize = 32;
export const FLOW_PAIR: usize = 32;
const TAGS: usize = 16;

let heads: usize = 0;
let pairs: usize = 0;
let mask: usize = 0;

export function resetFlows(): void {
  heads = areaBase(AREA_FLOW_HEADS);
  pairs = areaBase(AREA_FLOW_PAIRS);
  mask = records(AREA_FLOW_HEADS, capacities) - 1;
}

function pairAt(bucket: usize, way: u32): usize {
  return pairs + (bucket * (LIMIT_FLOW_WAYS as usize) + way) * FLOW_PAIR;
}

/** A bit for each place of a bucket that has the tag; stepping from place to place mispredicts every other time. */
function tagged(head: usize, tag: u32): u32 {
  if (ASC_FEATURE_SIMD) return i32x4.bitmask(i32x4.eq(v128.load(head, TAGS), i32x4.splat(tag)));
  return (
    ((load<u32>(head, TAGS) == tag) as u32) |
    (((load<u32>(head, TAGS + 4) == tag) as u32) << 1) |
    (((load<u32>(head, TAGS + 8) == tag) as u32) << 2) |
    (((load<u32>(head, TAGS + 12) == tag) as u32) << 3)
  );
}

/** Hash of a pair, for `flowSeen`. */
export function flowHash(src: usize, dst: usize): u64 {
  return hashEnd(hashAddress(hashAddress(hashStart(), src), dst));
}

/** What the head of a pair's bucket holds, for the sake of loading it early. */
export function flowTouch(hash: u64): u32 {
  return load<u32>(heads + ((hash as usize) & mask) * FLOW_HEAD);
}

/** What the pair holds that has the tag of this one, likewise; the head of its bucket is there by now. */
export function flowTouchPair(hash: u64): u32 {
  const bucket = (hash as usize) & mask;
  const some = tagged(heads + bucket * FLOW_HEAD, (hash >> 32) as u32);
  return load<u32>(pairAt(bucket, ctz<u32>(some | 8)));
}

/** Notes a packet of the pair; raises `flow` where the pair is new or has been silent. */
export function flowSeen(src: usize, dst: usize, hash: u64): void {
  const seconds = nowSeconds() + 1;
  const bucket = (hash as usize) & mask;
  const head = heads + bucket * FLOW_HEAD;
  const tag = (hash >> 32) as u32;
  for (let some = tagged(head, tag); some != 0; some &= some - 1) {
    const way = ctz<u32>(some);
    const stamp = head + (way << 2);
    const seen = load<u32>(stamp);
    const pair = pairAt(bucket, way);
    if (seen == 0 || !equal16(pair, src) || !equal16(pair + 16, dst)) continue;
    if (seen == seconds) return;
    store<u32>(stamp, seconds);
    if (seconds - seen >= SILENCE) raiseFlow(src, dst);
    return;
  }
  insert(bucket, tag, seconds, src, dst);
}

/** Puts a new pair in the place of the oldest one of its bucket. */
function insert(bucket: usize, tag: u32, seconds: u32, src: usize, dst: usize): void {
  const head = heads + bucket * FLOW_HEAD;
  // An empty place has stamp 0, so it also is the oldest; places fill from the front and are never emptied.
  let oldest: u32 = 0;
  for (let way: u32 = 1; way < LIMIT_FLOW_WAYS; way++) {
    if (load<u32>(head + (way << 2)) < load<u32>(head + (oldest << 2))) oldest = way;
  }
  copy16(pairAt(bucket, oldest), src);
  copy16(pairAt(bucket, oldest) + 16, dst);
  store<u32>(head + (oldest << 2), seconds);
  store<u32>(head + (oldest << 2), tag, TAGS);
  raiseFlow(src, dst);
}

/** Writes place `index` of the table as a `flow` record; false where it is empty. */
export function flowRecord(index: u32, to: usize): bool {
  const way = index % LIMIT_FLOW_WAYS;
  const bucket: usize = index / LIMIT_FLOW_WAYS;
  const seen = load<u32>(heads + bucket * FLOW_HEAD + (way << 2));
  if (seen == 0) return false;
  copy16(to + FLOW_SRC_AT, pairAt(bucket, way));
  copy16(to + FLOW_DST_AT, pairAt(bucket, way) + 16);
  store<u32>(to, seen, FLOW_SEEN_AT);
  return true;
}
