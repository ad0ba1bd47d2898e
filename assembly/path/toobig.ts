/** ICMPv6 Packet Too Big (RFC 4443 sections 2.4 and 3.2) for packets that do not fit the core once encapsulated. */
import {
  COUNTER_ICMP_LIMITED,
  COUNTER_TOO_BIG_SENT,
  ICMP_BURST,
  ICMP_MAX,
  ICMP_RATE,
  LIMIT_HEADROOM,
  LIMIT_MTU_MIN,
  TUNNEL_HOP_LIMIT,
} from '../../bindings/generated/abi.as';
import { descriptorAt, frameAt } from '../mem/areas';
import { now } from '../mem/clock';
import { coreMtu } from '../mem/options';
import { store32be } from '../mem/words';
import { count } from '../stats/counters';
import { checksum } from '../wire/checksum';
import { writeHeader } from '../wire/header';
import { ICMPV6, IPV6_HEADER, SOURCE_AT, WALK_FAILED, upperLayerAt, walkHeaders } from '../wire/ipv6';
import { emitMade, passMade, setPacket } from './outputs';

const PACKET_TOO_BIG: u32 = 2;
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

/** Puts out a Packet Too Big to the source of `packet`, if one may be sent. */
export function answerTooBig(packet: usize, length: u32): void {
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
  store<u32>(icmp, PACKET_TOO_BIG);
  store32be(icmp + 4, max(LIMIT_MTU_MIN, coreMtu() - IPV6_HEADER));
  memory.copy(icmp + ICMP_HEADER, packet, quoted);
  store<u16>(icmp, checksum(answer, icmp, ICMP_HEADER + quoted, ICMPV6) as u16, 2);
  const descriptor = descriptorAt(index);
  setPacket(descriptor, LIMIT_HEADROOM, IPV6_HEADER + ICMP_HEADER + quoted);
  passMade(descriptor);
  count(COUNTER_TOO_BIG_SENT);
}
