/** The Internet checksum (RFC 1071) as ICMPv6 uses it (RFC 8200 section 8.1). */
import { DESTINATION_AT, SOURCE_AT } from './ipv6';

/** Ones' complement sum of `length` octets, unfolded; words are taken little-endian, which only swaps the result. */
function sum(at: usize, length: u32): u64 {
  let total: u64 = 0;
  let offset: u32 = 0;
  for (; offset + 4 <= length; offset += 4) total += load<u32>(at + offset);
  if (offset + 2 <= length) {
    total += load<u16>(at + offset);
    offset += 2;
  }
  if (offset < length) total += load<u8>(at + offset);
  return total;
}

/**
 * Checksum over the pseudo-header and the last `length` octets, from `payload` on.
 * Store it little-endian as it is; 0 when computed over a packet whose checksum is right.
 */
export function checksum(packet: usize, payload: usize, length: u32, protocol: u32): u32 {
  let total = sum(packet + SOURCE_AT, (DESTINATION_AT - SOURCE_AT + 16) as u32) + sum(payload, length);
  total += bswap<u32>(length);
  total += bswap<u32>(protocol);
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return (total as u32) ^ 0xffff;
}
