/**
 * Stamps of the last use of destinations. A stamp of 32 bits beside the buckets is exact; each entry's mark repeats a
 * short form of it (epoch, with the era of its bucket), so that a packet finds within the line that it reads anyway
 * that there is nothing to write. Reading the stamps instead costs a second cache miss on every look-up of a large table.
 */
import { nowSeconds } from '../mem/clock';
import {
  BUCKET,
  BucketTable,
  EPOCH_MASK,
  ERA,
  SCOPE_SHIFT,
  bucketPlaces,
  eraOf,
  placeAt,
  sideOf,
} from './bucket';

/** Seconds of an era: epochs are 1 to 511; 0 is no use in this era. */
const EPOCHS: u32 = 511;
/** Eras are 1 to 255; 0 is none of them. After all of them (36 hours) every bucket is told to forget its era. */
const ERAS: u32 = 255;

let epoch: u32 = 1 << SCOPE_SHIFT;
let era: u32 = 1;
let round: u32 = 0;

/** Follows the clock, once a batch. */
export function turnEpoch(table: BucketTable): void {
  const seconds = nowSeconds();
  epoch = ((seconds % EPOCHS) + 1) << SCOPE_SHIFT;
  era = ((seconds / EPOCHS) % ERAS) + 1;
  const latest = seconds / (EPOCHS * ERAS);
  if (latest == round) return;
  round = latest;
  const end = table.buckets + ((bucketPlaces(table) / 3) as usize) * BUCKET;
  for (let bucket = table.buckets; bucket < end; bucket += BUCKET) store<u8>(bucket, 0, ERA);
}

/** Notes the use of an entry, writing only what changes. */
export function touch(table: BucketTable, word: usize): void {
  const mark = load<u32>(word) ^ epoch;
  if (((mark & EPOCH_MASK) | ((load<u8>(eraOf(word)) as u32) ^ era)) != 0) stamp(table, word);
}

function stamp(table: BucketTable, word: usize): void {
  if (load<u8>(eraOf(word)) != era) {
    const bucket = word & ~(BUCKET - 1);
    for (let at: usize = 48; at < 60; at += 4) {
      store<u32>(bucket + at, load<u32>(bucket + at) & ~EPOCH_MASK);
    }
    store<u8>(eraOf(word), era as u8);
  }
  store<u32>(word, (load<u32>(word) & ~EPOCH_MASK) | epoch);
  store<u32>(sideOf(table, word), nowSeconds());
}
