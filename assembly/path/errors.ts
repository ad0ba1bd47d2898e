/** ICMPv6 errors to the sources of packets (RFC 4443 sections 2.4 and 3). */
import {
  COUNTER_ERRORS_RELAYED,
  COUNTER_ICMP_LIMITED,
  ICMP_BURST,
  ICMP_MAX,
  ICMP_RATE,
  LIMIT_HEADROOM,
  LIMIT_MTU_MIN,
  REASON_NONE,
  TUNNEL_HOP_LIMIT,
} from '../../bindings/generated/abi.as';
import { descriptorAt, frameAt } from '../mem/areas';
import { now } from '../mem/clock';
import { LOCATOR } from '../mem/options';
import { equal16, load32be, store32be } from '../mem/words';
import { count } from '../stats/counters';
import { learnMtu } from '../table/adjacency';
import { checksum } from '../wire/checksum';
import { writeHeader } from '../wire/header';
import {
  DESTINATION_AT,
  ICMPV6,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  SOURCE_AT,
  WALK_FAILED,
  checkHeader,
  isLocalPair,
  packetLength,
  upperLayerAt,
  walkHeaders,
} from '../wire/ipv6';
import { emitMade, passMade, setPacket } from './outputs';

/** Type and code as they are loaded together. */
const UNREACHABLE: u32 = 1;
export const TOO_BIG: u32 = 2;
export const TIME_EXCEEDED: u32 = 3;
export const PARAMETER_PROBLEM: u32 = 4;
const ADDRESS_UNREACHABLE: u32 = 0x0301;

const FIRST_INFORMATIONAL: u32 = 128;
const REDIRECT: u32 = 137;
const ICMP_HEADER: u32 = 8;
const PARAMETER_AT: usize = 4;
/** A limit of 0 and what is before it in its option, as loaded; and where it is, from the end of its header. */
const LIMIT_REACHED: u32 = 0x000104;
const LIMIT_BEFORE: u32 = 4;

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

/** One walk for all that is seldom needed; that of packets in transit is part of their way. */
function walk(packet: usize, length: u32): u32 {
  return walkHeaders(packet, length);
}

/** Section 2.4 (e): no error in answer to an error or a redirect, or to what cannot be told from one. */
function mayAnswer(packet: usize, length: u32): bool {
  const protocol = walk(packet, length);
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
  store32be(icmp + PARAMETER_AT, parameter);
  memory.copy(icmp + ICMP_HEADER, packet, quoted);
  store<u16>(icmp, checksum(answer, icmp, ICMP_HEADER + quoted, ICMPV6) as u16, 2);
  const descriptor = descriptorAt(index);
  setPacket(descriptor, LIMIT_HEADROOM, IPV6_HEADER + ICMP_HEADER + quoted);
  passMade(descriptor);
  count(counter);
}

/** Packet Too Big for a packet that does not fit a tunnel with room for `room` octets. */
export function answerTooBig(packet: usize, length: u32, room: i32, counter: u32): void {
  answer(packet, length, TOO_BIG, max(LIMIT_MTU_MIN as i32, room), counter);
}

/** Tells the source of a packet that we tunnelled what an ICMPv6 error to us says about it (RFC 2473 section 8). */
export function relayError(packet: usize, length: u32): void {
  if (walk(packet, length) != ICMPV6) return;
  const icmp = packet + upperLayerAt();
  const messageLength = length - upperLayerAt();
  if (messageLength < ICMP_HEADER + IPV6_HEADER * 2) return;
  const typeAndCode: u32 = load<u16>(icmp);
  const type = typeAndCode & 0xff;
  if (
    type != UNREACHABLE &&
    type != TOO_BIG &&
    typeAndCode != TIME_EXCEEDED &&
    typeAndCode != PARAMETER_PROBLEM
  )
    return;
  if (checksum(packet, icmp, messageLength, ICMPV6) != 0) return;

  const outer = icmp + ICMP_HEADER;
  const quoted = messageLength - ICMP_HEADER;
  if (load<u8>(outer) >> 4 != 6 || !equal16(outer + SOURCE_AT, LOCATOR)) return;
  if (walk(outer, quoted) != IPV6_IN_IPV6) return;
  const parameter = load32be(icmp + PARAMETER_AT);
  if (type == PARAMETER_PROBLEM) {
    if (parameter != upperLayerAt() - LIMIT_BEFORE) return;
    if ((load<u32>(outer + parameter - 2) & 0xffffff) != LIMIT_REACHED) return;
  }
  const inner = outer + upperLayerAt();
  const left = quoted - upperLayerAt();
  // Its end need not be quoted.
  if (left < IPV6_HEADER || checkHeader(inner, ~0) != REASON_NONE || isLocalPair(inner)) return;

  const mtu = learnMtu(outer + DESTINATION_AT, type == TOO_BIG ? max(LIMIT_MTU_MIN, parameter) : ~0);
  if (mtu == ~0) return;
  const innerLength = packetLength(inner);
  if (type != TOO_BIG) {
    return answer(inner, min(left, innerLength), ADDRESS_UNREACHABLE, 0, COUNTER_ERRORS_RELAYED);
  }
  // One that fits may be sent again as it is; a shorter one goes in fragments from now on.
  if (innerLength > LIMIT_MTU_MIN && innerLength + upperLayerAt() > mtu) {
    answerTooBig(inner, min(left, innerLength), mtu - upperLayerAt(), COUNTER_ERRORS_RELAYED);
  }
}
