/** The IPv6 header (RFC 8200 section 3) and what must not be forwarded (RFC 4291 section 2). */
import {
  EXTENSIONS_MAX,
  REASON_ADDRESS,
  REASON_JUMBOGRAM,
  REASON_NONE,
  REASON_TRUNCATED,
  REASON_VERSION,
} from '../../bindings/generated/abi.as';
import { load16be } from '../mem/words';

export const IPV6_HEADER: u32 = 40;
export const PAYLOAD_LENGTH_AT: usize = 4;
export const NEXT_HEADER_AT: usize = 6;
export const HOP_LIMIT_AT: usize = 7;
export const SOURCE_AT: usize = 8;
export const DESTINATION_AT: usize = 24;

export const HOP_BY_HOP: u32 = 0;
export const TCP: u32 = 6;
export const IPV6_IN_IPV6: u32 = 41;
export const ROUTING: u32 = 43;
export const FRAGMENT: u32 = 44;
export const ICMPV6: u32 = 58;
export const DESTINATION_OPTIONS: u32 = 60;
export const MOBILITY: u32 = 135;

/** First half of ::1 and :: is zero; this is the second half of ::1 as loaded. */
const LOOPBACK_LOW: u64 = bswap<u64>(1);

export function isMulticast(address: usize): bool {
  return load<u8>(address) == 0xff;
}

export function isLinkLocal(address: usize): bool {
  return (load<u16>(address) & 0xc0ff) == 0x80fe;
}

export function isUnspecified(address: usize): bool {
  return (load<u64>(address) | load<u64>(address, 8)) == 0;
}

export function isLoopback(address: usize): bool {
  return load<u64>(address) == 0 && load<u64>(address, 8) == LOOPBACK_LOW;
}

/** Whether the address can be the end of a tunnel. */
export function isTunnelEnd(address: usize): bool {
  return !(isUnspecified(address) || isLoopback(address) || isMulticast(address) || isLinkLocal(address));
}

/** Octets that the header says the packet has. */
export function packetLength(packet: usize): u32 {
  return IPV6_HEADER + load16be(packet + PAYLOAD_LENGTH_AT);
}

/** The reason for which a packet of `length` octets is not one to forward, or none. */
export function checkHeader(packet: usize, length: u32): u32 {
  if (length < IPV6_HEADER) return REASON_TRUNCATED;
  if (load<u8>(packet) >> 4 != 6) return REASON_VERSION;
  if (load<u16>(packet, PAYLOAD_LENGTH_AT) == 0 && load<u8>(packet, NEXT_HEADER_AT) == HOP_BY_HOP) {
    return REASON_JUMBOGRAM;
  }
  if (packetLength(packet) > length) return REASON_TRUNCATED;
  const source = packet + SOURCE_AT;
  const destination = packet + DESTINATION_AT;
  if (isMulticast(source) || isLoopback(source)) return REASON_ADDRESS;
  if (isUnspecified(destination) || isLoopback(destination)) return REASON_ADDRESS;
  return REASON_NONE;
}

/** Whether the packet stays on its link: an address pair that no router forwards (RFC 4291 sections 2.5.2, 2.5.6, 2.7). */
export function isLocalPair(packet: usize): bool {
  const source = packet + SOURCE_AT;
  const destination = packet + DESTINATION_AT;
  return isUnspecified(source) || isLinkLocal(source) || isLinkLocal(destination) || isMulticast(destination);
}

/** Result of `walkHeaders` for headers truncated or too many. */
export const WALK_FAILED: u32 = 0x100;
/** Result of `walkHeaders` where the rest is not the beginning of a payload. */
export const WALK_FRAGMENT: u32 = 0x101;

let walkEnd: u32 = 0;
let walkPart: u32 = 0;

/** Where the last `walkHeaders` that found a protocol ended, from the first octet of the packet. */
export function upperLayerAt(): u32 {
  return walkEnd;
}

/** Whether the last `walkHeaders` that found a protocol found it in a fragment that others follow. */
export function isFirstFragment(): bool {
  return walkPart != 0;
}

export function isExtension(next: u32): bool {
  return next == HOP_BY_HOP || next == ROUTING || next == DESTINATION_OPTIONS || next == FRAGMENT;
}

/** A bit for each extension header. */
const EXTENSIONS: u64 =
  ((1 as u64) << (HOP_BY_HOP as u64)) |
  ((1 as u64) << (ROUTING as u64)) |
  ((1 as u64) << (FRAGMENT as u64)) |
  ((1 as u64) << (DESTINATION_OPTIONS as u64));

/** Whether the packet may have extension headers; also for protocols 64 above theirs, so that one shift tells. */
export function mayHaveExtensions(packet: usize): bool {
  return ((EXTENSIONS >> (load<u8>(packet, NEXT_HEADER_AT) as u64)) & 1) != 0;
}

/** Octets of an extension header. */
export function extensionLength(kind: u32, header: usize): u32 {
  return kind == FRAGMENT ? 8 : ((load<u8>(header, 1) as u32) + 1) << 3;
}

/** Whether a fragment header is that of a fragment other than the first. */
export function isLaterFragment(header: usize): bool {
  return load16be(header + 2) >> 3 != 0;
}

/** The protocol after the extension headers, or one of the `WALK_` results. The packet has passed `checkHeader`. */
export function walkHeaders(packet: usize, length: u32): u32 {
  let next: u32 = load<u8>(packet, NEXT_HEADER_AT);
  let at = IPV6_HEADER;
  walkPart = 0;
  for (let walked: u32 = 0; isExtension(next); walked++) {
    if (walked == EXTENSIONS_MAX || at + 8 > length) return WALK_FAILED;
    const header = packet + at;
    const fragment = next == FRAGMENT;
    if (fragment) {
      const position = load16be(header + 2);
      if (position >> 3 != 0) return WALK_FRAGMENT;
      walkPart |= position & 1;
    }
    next = load<u8>(header);
    at += fragment ? 8 : ((load<u8>(header, 1) as u32) + 1) << 3;
    if (at > length) return WALK_FAILED;
  }
  walkEnd = at;
  return next;
}
