/** ICMPv6 errors to the sources of packets (RFC 4443 sections 2.4 and 3). */
import {
  COUNTER_ICMP_LIMITED,
  ICMP_BURST,
  ICMP_MAX,
  ICMP_RATE,
  LIMIT_HEADROOM,
  TUNNEL_HOP_LIMIT,
} from '../../bindings/generated/abi.as';
import { descriptorAt, frameAt } from '../mem/areas';
import { now } from '../mem/clock';
import { store32be } from '../mem/words';
import { count } from '../stats/counters';
import { checksum } from '../wire/checksum';
import { writeHeader } from '../wire/header';
import { ICMPV6, IPV6_HEADER, SOURCE_AT, WALK_FAILED, upperLayerAt, walkHeaders } from '../wire/ipv6';
import { emitMade, passMade, setPacket } from './outputs';

/** Type and code as they are loaded together. */
export const TOO_BIG: u32 = 2;
export const TIME_EXCEEDED: u32 = 3;

const FIRST_INFORMATIONAL: u32 = 128;
const REDIRECT: u32 = 137;
const ICMP_HEADER: u32 = 8;

/** The token bucket of section 2.4 (f), in thousandths of a message, and when it was last filled. */
const MESSAGE: u64 = 1000;
const BUCKET: u64 = (ICMP_BURST as u64) * MESSAGE;
let tokens: u64 = BUCKET;
let filled: u64 = 0;

function allowed(): bool {
  // One message a second is one thousandth of a message a millisecond.
  tokens = min(BUCKET, tokens + (now() - filled) * ICMP_RATE);
  filled = now();
  if (tokens < MESSAGE) return false;
  tokens -= MESSAGE;
  return true;
}

/** Section 2.4 (e): no error in answer to an error or a redirect, or to what cannot be told from one. */
function mayAnswer(packet: usize, length: u32): bool {
  const protocol = walkHeaders(packet, length);
  if (protocol == WALK_FAILED) return false;
  if (protocol != ICMPV6) return true;
  if (upperLayerAt() >= length) return false;
  const type: u32 = load<u8>(packet + upperLayerAt());
  return type >= FIRST_INFORMATIONAL && type != REDIRECT;
}

/** Puts out an error to the source of `packet`, if one may be sent; `parameter` is what follows the checksum. */
export function answer(packet: usize, length: u32, typeAndCode: u32, parameter: u32, counter: u32): void {
  if (!mayAnswer(packet, length)) return;
  if (!allowed()) {
    count(COUNTER_ICMP_LIMITED);
    return;
  }
  const quoted = min(length, ICMP_MAX - IPV6_HEADER - ICMP_HEADER);
  const index = emitMade();
  const answer = frameAt(index) + LIMIT_HEADROOM;
  const icmp = answer + IPV6_HEADER;
  writeHeader(answer, 0, ICMP_HEADER + quoted, ICMPV6, TUNNEL_HOP_LIMIT, packet + SOURCE_AT);
  store<u32>(icmp, typeAndCode);
  store32be(icmp + 4, parameter);
  memory.copy(icmp + ICMP_HEADER, packet, quoted);
  store<u16>(icmp, checksum(answer, icmp, ICMP_HEADER + quoted, ICMPV6) as u16, 2);
  const descriptor = descriptorAt(index);
  setPacket(descriptor, LIMIT_HEADROOM, IPV6_HEADER + ICMP_HEADER + quoted);
  passMade(descriptor);
  count(counter);
}
