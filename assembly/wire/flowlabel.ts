/** Flow label of outer headers, so that routers spread tunnelled flows (RFC 6438 section 3). */
import { SOURCE_AT } from './ipv6';

const OFFSET_BASIS: u32 = 2166136261;
const PRIME: u32 = 16777619;
const MASK: u32 = 0xfffff;

/** FNV-1a over addresses and flow label of the inner packet, folded to 20 bits; never 0, which means no label. */
export function flowLabel(inner: usize): u32 {
  let hash = OFFSET_BASIS;
  for (let at: usize = 0; at < 32; at++) hash = (hash ^ load<u8>(inner + at, SOURCE_AT)) * PRIME;
  hash = (hash ^ (load<u8>(inner, 1) & 0xf)) * PRIME;
  hash = (hash ^ load<u8>(inner, 2)) * PRIME;
  hash = (hash ^ load<u8>(inner, 3)) * PRIME;
  const label = (hash ^ (hash >> 20)) & MASK;
  return label == 0 ? 1 : label;
}
