/** IPv6 in IPv6 (RFC 2473) with the ECN field of RFC 6040 and the flow label of RFC 6438. */
import {
  COUNTER_FRAGMENTS,
  COUNTER_TIME_EXCEEDED_SENT,
  COUNTER_TOO_BIG_SENT,
  LIMIT_HEADROOM,
  LIMIT_MTU_MIN,
  REASON_HOP_LIMIT,
  REASON_LOOP,
  REASON_TOO_BIG,
  RETUNNEL_COST,
} from '../../bindings/generated/abi.as';
import { descriptorAt, frameAt } from '../mem/areas';
import { clampsMss, hopLimitDone } from '../mem/options';
import { load32be } from '../mem/words';
import { count } from '../stats/counters';
import { adjacencyAddress, tunnelLimit, tunnelMtu } from '../table/adjacency';
import { flowLabel } from '../wire/flowlabel';
import { writeFragment, writeHeader } from '../wire/header';
import {
  DESTINATION_AT,
  DESTINATION_OPTIONS,
  FRAGMENT,
  HOP_LIMIT_AT,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  mayHaveExtensions,
} from '../wire/ipv6';
import { clampMss } from './clamp';
import { TIME_EXCEEDED, answer, answerTooBig } from './errors';
import { pairHashOf } from './lookup';
import { LIMIT_HEADER, NO_LIMIT, REFUSED, limitFor, writeLimit } from './limit';
import { drop, emitMade, lengthOf, offsetOf, setPacket, toCore } from './outputs';

const FRAGMENT_HEADER: u32 = 8;
const TRAFFIC_CLASS: u32 = 0x0ff00000;

let identification: u32 = 0;

export function setIdentification(first: u32): void {
  identification = first;
}

/** One hop less, unless that is done elsewhere; false where the packet was dropped for it. */
export function decrement(descriptor: usize, packet: usize): bool {
  if (hopLimitDone()) return true;
  const hops: u32 = load<u8>(packet, HOP_LIMIT_AT);
  if (hops <= 1) {
    drop(descriptor, REASON_HOP_LIMIT);
    answer(packet, lengthOf(descriptor), TIME_EXCEEDED, 0, COUNTER_TIME_EXCEEDED_SENT);
    return false;
  }
  store<u8>(packet, (hops - 1) as u8, HOP_LIMIT_AT);
  return true;
}

/**
 * Where no outer header carries the count of tunnels on, the inner one does: the lesser of its hop limit and that of
 * `arrival` loses the cost of a tunnel. False where the packet was dropped for it.
 */
export function takeLoopCost(descriptor: usize, packet: usize, arrival: u32): bool {
  const hops = min<u32>(load<u8>(packet, HOP_LIMIT_AT), arrival & 0xff);
  if (hops <= RETUNNEL_COST) {
    drop(descriptor, REASON_LOOP);
    return false;
  }
  store<u8>(packet, (hops - RETUNNEL_COST) as u8, HOP_LIMIT_AT);
  return true;
}

/**
 * Sends the packet to the locator of a tunnel adjacency; false where it was dropped. `arrival` is the new outer hop limit
 * and, from bit 8 on, one more than the limit that the packet received in another tunnel, or 0.
 */
export function encapsulate(
  index: u32,
  descriptor: usize,
  packet: usize,
  adjacency: u32,
  arrival: u32,
): bool {
  let length = lengthOf(descriptor);
  const pair = pairHashOf(index, packet + DESTINATION_AT);
  // ECN is copied with the traffic class (RFC 6040 section 4.1).
  const flow = (load32be(packet) & TRAFFIC_CLASS) | flowLabel(packet, pair);
  let room = tunnelMtu(adjacency) - IPV6_HEADER;
  let limit = tunnelLimit(adjacency);
  if (((arrival >> 8) | (limit ^ NO_LIMIT) | (mayHaveExtensions(packet) as u32)) != 0) {
    limit = limitFor(descriptor, packet, limit, arrival >> 8);
    if (limit == REFUSED) return false;
    if (limit != NO_LIMIT) room -= LIMIT_HEADER;
  }
  const fits = length <= room;
  if (!fits && length > LIMIT_MTU_MIN) {
    drop(descriptor, REASON_TOO_BIG);
    answerTooBig(packet, length, room, COUNTER_TOO_BIG_SENT);
    return false;
  }
  if (clampsMss()) clampMss(packet, length, room);
  let next = IPV6_IN_IPV6;
  if (limit != NO_LIMIT) {
    writeLimit(packet, limit);
    packet -= LIMIT_HEADER;
    length += LIMIT_HEADER;
    setPacket(descriptor, offsetOf(descriptor) - LIMIT_HEADER, length);
    next = DESTINATION_OPTIONS;
  }
  if (!fits) {
    sendFragments(descriptor, packet, adjacency, arrival, flow, next);
    return true;
  }
  writeHeader(packet - IPV6_HEADER, flow, length, next, arrival, adjacencyAddress(adjacency));
  setPacket(descriptor, offsetOf(descriptor) - IPV6_HEADER, length + IPV6_HEADER);
  toCore(descriptor, adjacency);
  return true;
}

/**
 * RFC 2473 section 7.1 (b): a packet of minimum MTU must get through, so the outer one is fragmented.
 * The core carries 1,280 octets at least, so two fragments are enough; the second one needs a frame of its own.
 */
function sendFragments(
  descriptor: usize,
  packet: usize,
  adjacency: u32,
  hopLimit: u32,
  flow: u32,
  next: u32,
): void {
  const headers = IPV6_HEADER + FRAGMENT_HEADER;
  const length = lengthOf(descriptor);
  const first = (tunnelMtu(adjacency) - headers) & ~7;
  const rest = length - first;
  const index = emitMade();
  const second = frameAt(index) + LIMIT_HEADROOM;
  const locator = adjacencyAddress(adjacency);
  memory.copy(second + headers, packet + first, rest);
  writeHeader(second, flow, FRAGMENT_HEADER + rest, FRAGMENT, hopLimit, locator);
  writeFragment(second + IPV6_HEADER, next, first, false, identification);
  setPacket(descriptorAt(index), LIMIT_HEADROOM, headers + rest);
  toCore(descriptorAt(index), adjacency);
  writeHeader(packet - headers, flow, FRAGMENT_HEADER + first, FRAGMENT, hopLimit, locator);
  writeFragment(packet - FRAGMENT_HEADER, next, 0, true, identification);
  setPacket(descriptor, offsetOf(descriptor) - headers, headers + first);
  toCore(descriptor, adjacency);
  identification++;
  count(COUNTER_FRAGMENTS, 2);
}
