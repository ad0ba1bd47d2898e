/** The Tunnel Encapsulation Limit option (RFC 2473 section 4.1.1), which ends recursive encapsulation. */
import {
  COUNTER_PARAMETER_PROBLEM_SENT,
  EXTENSIONS_MAX,
  REASON_ENCAPSULATION_LIMIT,
  REASON_EXTENSION,
} from '../../bindings/generated/abi.as';
import { store16be } from '../mem/words';
import {
  DESTINATION_OPTIONS,
  FRAGMENT,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  NEXT_HEADER_AT,
  PAYLOAD_LENGTH_AT,
  extensionLength,
  isExtension,
  isLaterFragment,
} from '../wire/ipv6';
import { PARAMETER_PROBLEM, answer } from './errors';
import { drop, lengthOf, offsetOf, setPacket } from './outputs';

/** In place of a limit. */
export const NO_LIMIT: u32 = 255;
/** Result of `limitFor` where the packet was dropped. */
export const REFUSED: u32 = 256;
/** Octets of the options header that carries a limit. */
export const LIMIT_HEADER: u32 = 8;

/** Type and length, as an option is loaded. */
const LIMIT: u32 = 0x0104;
/** Bits of a type that ask for more than to skip the option where it is not known (RFC 8200 section 4.2). */
const ACTION: u32 = 0xc0;
/** The options header but for its limit: next header, length, type and length, limit, PadN of three octets. */
const OPTIONS: u64 = 0x0001_0100_0104_0000 | (IPV6_IN_IPV6 as u64);

/** Where the limit is that `read` found, from the beginning of the packet; 0 for none. */
let found: u32 = 0;

/** One more than the limit that the packet at hand was decapsulated with; 0 for none. */
let received: u32 = 0;

export function receivedLimit(): u32 {
  return received;
}

/** To be called when a packet with a received limit is through. */
export function forgetLimit(): void {
  received = 0;
}

/** Reads the options header from `at` to `end`; false where one of its options forbids to go on. */
function read(packet: usize, at: u32, end: u32): bool {
  let understood = true;
  found = 0;
  for (at += 2; at < end;) {
    const option: u32 = load<u8>(packet + at);
    if (option == 0) {
      at++;
      continue;
    }
    if ((option & ACTION) != 0) understood = false;
    const next = at + 1 < end ? at + 2 + (load<u8>(packet + at, 1) as u32) : ~0;
    if (next > end) return false;
    if (found == 0 && (load<u16>(packet + at) as u32) == LIMIT) found = at + 2;
    at = next;
  }
  return understood;
}

/** Looks for a limit among the extension headers of a packet; `found` says where it is. */
function find(packet: usize, length: u32): void {
  let next: u32 = load<u8>(packet, NEXT_HEADER_AT);
  let at = IPV6_HEADER;
  found = 0;
  for (let walked: u32 = 0; isExtension(next) && found == 0; walked++) {
    const header = packet + at;
    if (walked == EXTENSIONS_MAX || at + 8 > length) return;
    if (next == FRAGMENT && isLaterFragment(header)) return;
    const end = at + extensionLength(next, header);
    if (end > length) return;
    if (next == DESTINATION_OPTIONS) read(packet, at, end);
    next = load<u8>(header);
    at = end;
  }
}

/**
 * The limit that the outer header of a packet is to carry, or `NO_LIMIT`; `REFUSED` where the packet allows no tunnel.
 * `own` is that of the entry, `arrived` one more than that of the tunnel that the packet came through (0 for none).
 */
export function limitFor(descriptor: usize, packet: usize, own: u32, arrived: u32): u32 {
  const length = lengthOf(descriptor);
  find(packet, length);
  let carried = arrived - 2;
  if (found != 0) {
    const limit: u32 = load<u8>(packet + found);
    if (limit == 0) {
      drop(descriptor, REASON_ENCAPSULATION_LIMIT);
      answer(packet, length, PARAMETER_PROBLEM, found, COUNTER_PARAMETER_PROBLEM_SENT);
      return REFUSED;
    }
    carried = min(carried, limit - 1);
  }
  return carried < NO_LIMIT ? carried : own;
}

/** Writes the options header in front of an inner packet. */
export function writeLimit(packet: usize, limit: u32): void {
  store<u64>(packet - LIMIT_HEADER, OPTIONS | ((limit as u64) << 32));
}

/** Whether a packet to us is tunnelled and has an options header before the inner packet. */
export function hasOptions(packet: usize, length: u32): bool {
  return (
    load<u8>(packet, NEXT_HEADER_AT) == DESTINATION_OPTIONS &&
    length >= IPV6_HEADER + 8 &&
    load<u8>(packet + IPV6_HEADER) == IPV6_IN_IPV6
  );
}

/** Takes out the options header of such a packet and keeps its limit. Where the packet begins now; 0 if it was dropped. */
export function takeOptions(descriptor: usize, packet: usize): usize {
  const length = lengthOf(descriptor);
  const size = extensionLength(DESTINATION_OPTIONS, packet + IPV6_HEADER);
  if (IPV6_HEADER + size > length || !read(packet, IPV6_HEADER, IPV6_HEADER + size)) {
    drop(descriptor, REASON_EXTENSION);
    return 0;
  }
  if (found != 0) received = (load<u8>(packet + found) as u32) + 1;
  memory.copy(packet + size, packet, IPV6_HEADER);
  packet += size;
  store<u8>(packet, IPV6_IN_IPV6 as u8, NEXT_HEADER_AT);
  store16be(packet + PAYLOAD_LENGTH_AT, length - size - IPV6_HEADER);
  setPacket(descriptor, offsetOf(descriptor) + size, length - size);
  return packet;
}
