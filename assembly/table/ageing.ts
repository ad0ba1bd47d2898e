/**
 * Stamps of the last use of destinations. A stamp of 32 bits beside the buckets is exact; each entry's mark repeats a
 * short form of it (epoch), so that a packet finds within the line that it reads anyway that there is nothing to
 * write. Reading the stamps instead costs a second cache miss on every look-up of a large table.
 */
import { nowSeconds } from '../mem/clock';
import { BUCKET, BucketTable, EPOCH_MASK, SCOPE_SHIFT, WAYS, WORDS, bucketPlaces, sideOf } from './bucket';

/** Epochs are 1 to 511, a second each; 0 is none of them. */
const EPOCHS: u32 = 511;

let epoch: u32 = 1 << SCOPE_SHIFT;
let latest: u32 = 0;
/** Number of the bucket that is the next to forget its epochs. */
let hand: u32 = 0;

/** Follows the clock, once a batch. In each second a part of the buckets forgets its epochs, so that none comes round. */
export function turnEpoch(table: BucketTable): void {
  if (nowSeconds() == latest) return;
  const elapsed = min(nowSeconds() - latest, EPOCHS - 1);
  latest = nowSeconds();
  epoch = ((latest % EPOCHS) + 1) << SCOPE_SHIFT;
  const buckets = bucketPlaces(table) / WAYS;
  const each = (buckets + EPOCHS - 2) / (EPOCHS - 1);
  for (let left = min(elapsed * each, buckets); left != 0; left--) {
    hand = hand < buckets ? hand : 0;
    forget(table.buckets + (hand++ as usize) * BUCKET + WORDS);
  }
}

function forget(words: usize): void {
  for (const end = words + WAYS * 4; words < end; words += 4) {
    store<u32>(words, load<u32>(words) & ~EPOCH_MASK);
  }
}

/** Notes the use of an entry, writing only what changes. */
export function touch(table: BucketTable, word: usize): void {
  if (((load<u32>(word) ^ epoch) & EPOCH_MASK) != 0) stamp(table, word);
}

function stamp(table: BucketTable, word: usize): void {
  store<u32>(word, (load<u32>(word) & ~EPOCH_MASK) | epoch);
  store<u32>(sideOf(table, word), nowSeconds());
}
