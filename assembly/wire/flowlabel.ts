/** Flow label of outer headers, so that routers spread tunnelled flows (RFC 6438 section 3). */
import { hashWord } from '../table/hash';
import { load32be } from '../mem/words';

const LABEL: u32 = 0xfffff;
/** The highest 20 bits of a hash, the ones that all bits of both factors reach. */
const SHIFT: u64 = 44;

/** The outer label of a packet whose pair of addresses has hash `pair`; never 0, which means no label. */
export function flowLabel(inner: usize, pair: u64): u32 {
  const label = (hashWord(pair, load32be(inner) & LABEL) >> SHIFT) as u32;
  return label | ((label == 0) as u32);
}
