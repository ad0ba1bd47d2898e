/** Packets from the core: tunnelled to us, or native. */
import {
  ADJACENCY_KIND_BUFFER,
  ADJACENCY_KIND_DELIVER,
  ADJACENCY_KIND_RESTORE,
  ADJACENCY_KIND_REWRITE,
  COUNTER_DECAPSULATED,
  COUNTER_RETUNNELLED,
  DIRECTION_TO,
  EVENT_REDIRECT,
  EVENT_UNKNOWN_DESTINATION,
  LINK_TUNNEL,
  NONE,
  REASON_ADDRESS,
  REASON_BOUNCE,
  REASON_DESTINATION_UNKNOWN,
  REASON_ECN,
  REASON_LOOP,
  REASON_NONE,
  REASON_PEER_UNKNOWN,
  RETUNNEL_COST,
} from '../../bindings/generated/abi.as';
import { LOCATOR } from '../mem/options';
import { copy16, equal16 } from '../mem/words';
import { count } from '../stats/counters';
import { raiseTunnelled } from '../stats/events';
import { adjacencyAddress, adjacencyHold, adjacencyKind } from '../table/adjacency';
import { flowSeen } from '../table/flow';
import { entryValue, prefixFind, prefixMatch, touchStamp } from '../table/prefix';
import { DESTINATIONS, HOLDS, PEERS, SOURCES } from '../table/tables';
import { ECN_DROP, decapsulateEcn, ecnOf, setEcn } from '../wire/ecn';
import {
  DESTINATION_AT,
  FRAGMENT,
  HOP_LIMIT_AT,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  NEXT_HEADER_AT,
  SOURCE_AT,
  checkHeader,
  isLocalPair,
  packetLength,
} from '../wire/ipv6';
import { toDestination } from './access';
import { decrement, encapsulate } from './encapsulate';
import { relayError } from './errors';
import { putOnHold } from './hold';
import { forgetLimit, hasOptions, receivedLimit, takeOptions } from './limit';
import { destinationOf, pairHashOf } from './lookup';
import { deliver, drop, lengthOf, offsetOf, pass, setPacket } from './outputs';
import { reassemble } from './reassemble';
import { toOtherAddress } from './rewrite';

const HOST_LENGTH: u32 = 128;
/** One more than the received limit that allows no further tunnel. */
const LIMIT_OVER: u32 = 1;

/** The outer source of the packet at hand; its place in the frame is overwritten when the packet is tunnelled on. */
const OUTER_SOURCE: usize = memory.data(16, 16);

/** The peer that the packet before came from; multicast for none, since no packet with such a source comes so far. */
const LAST_PEER: usize = memory.data(16, 16);

/** To be called before every batch: commands may have deleted the peer. */
export function forgetPeer(): void {
  memory.fill(LAST_PEER, 0xff, 16);
}

/** Trains of packets come from the same peer, which costs one comparison. */
function isPeer(address: usize): bool {
  if (equal16(LAST_PEER, address)) return true;
  if (prefixFind(PEERS, address, HOST_LENGTH, 0) == 0) return false;
  copy16(LAST_PEER, address);
  return true;
}

export function fromCore(index: u32, descriptor: usize, packet: usize): void {
  if (!equal16(packet + DESTINATION_AT, LOCATOR)) return native(index, descriptor, packet, NONE);
  if (load<u8>(packet, NEXT_HEADER_AT) != IPV6_IN_IPV6) return behindHeaders(index, descriptor, packet);
  if (!isPeer(packet + SOURCE_AT)) return drop(descriptor, REASON_PEER_UNKNOWN);
  decapsulate(index, descriptor, packet);
}

/** A packet to the router itself: signalling, or an error about what we tunnelled. */
function toUs(descriptor: usize, packet: usize): void {
  pass(descriptor);
  relayError(packet, lengthOf(descriptor));
}

/** A packet to our locator that has something between its IPv6 header and an inner one, or no inner one. */
function behindHeaders(index: u32, descriptor: usize, packet: usize): void {
  if (load<u8>(packet, NEXT_HEADER_AT) == FRAGMENT) {
    if (!isPeer(packet + SOURCE_AT)) return pass(descriptor);
    packet = reassemble(index, descriptor, packet);
    if (packet == 0) return;
  }
  if (hasOptions(packet, lengthOf(descriptor))) {
    if (!isPeer(packet + SOURCE_AT)) return drop(descriptor, REASON_PEER_UNKNOWN);
    packet = takeOptions(descriptor, packet);
    if (packet == 0) return;
  }
  if (load<u8>(packet, NEXT_HEADER_AT) != IPV6_IN_IPV6) return toUs(descriptor, packet);
  decapsulate(index, descriptor, packet);
  forgetLimit();
}

/** A packet that was not tunnelled to us; `arrival` as in `toDestination`. */
export function native(index: u32, descriptor: usize, packet: usize, arrival: u32): void {
  if (isLocalPair(packet)) return pass(descriptor);
  const adjacency = destinationOf(index, packet + DESTINATION_AT);
  if (adjacency == NONE) return pass(descriptor);
  if (adjacencyKind(adjacency) == ADJACENCY_KIND_DELIVER) {
    flowSeen(packet + SOURCE_AT, packet + DESTINATION_AT, pairHashOf(index, packet + DESTINATION_AT));
  }
  toDestination(index, descriptor, packet, adjacency, arrival);
}

function decapsulate(index: u32, descriptor: usize, outer: usize): void {
  const inner = outer + IPV6_HEADER;
  const length = lengthOf(descriptor) - IPV6_HEADER;
  // A packet too short to have an ECN field is judged by the header check alone.
  if (length >= IPV6_HEADER) {
    const ecn = decapsulateEcn(ecnOf(inner), ecnOf(outer));
    if (ecn == ECN_DROP) return drop(descriptor, REASON_ECN);
    setEcn(inner, ecn);
  }
  count(COUNTER_DECAPSULATED);
  setPacket(descriptor, offsetOf(descriptor) + IPV6_HEADER, length);
  const reason = checkHeader(inner, length);
  if (reason != REASON_NONE) return drop(descriptor, reason);
  setPacket(descriptor, offsetOf(descriptor), packetLength(inner));
  if (isLocalPair(inner)) return drop(descriptor, REASON_ADDRESS);
  copy16(OUTER_SOURCE, outer + SOURCE_AT);
  decapsulated(index, descriptor, inner, (load<u8>(outer, HOP_LIMIT_AT) as u32) | (receivedLimit() << 8));
}

/** Takes up a packet that was held after its decapsulation. */
export function resumeDecapsulated(
  index: u32,
  descriptor: usize,
  packet: usize,
  outerSource: usize,
  arrival: u32,
): void {
  copy16(OUTER_SOURCE, outerSource);
  decapsulated(index, descriptor, packet, arrival);
}

/**
 * A packet out of its tunnel, to where its destination leads; `OUTER_SOURCE` is that of the tunnel. `arrival` is the hop
 * limit of its outer header, and from bit 8 on one more than the limit that it received there, or 0.
 */
export function decapsulated(index: u32, descriptor: usize, packet: usize, arrival: u32): void {
  const source = packet + SOURCE_AT;
  const destination = packet + DESTINATION_AT;
  const adjacency = destinationOf(index, destination);
  if (adjacency == NONE) return unknownDestination(index, descriptor, packet, arrival);
  const kind = adjacencyKind(adjacency);
  if (kind == ADJACENCY_KIND_BUFFER) {
    return putOnHold(index, adjacencyHold(adjacency), OUTER_SOURCE, arrival);
  }
  if (kind == ADJACENCY_KIND_DELIVER) {
    flowSeen(source, destination, pairHashOf(index, destination));
    if (decrement(descriptor, packet)) deliver(descriptor, adjacency);
    return;
  }
  if (kind == ADJACENCY_KIND_RESTORE) {
    return toOtherAddress(index, descriptor, packet, adjacency, arrival);
  }
  raiseTunnelled(EVENT_REDIRECT, OUTER_SOURCE, source, destination);
  if (kind == ADJACENCY_KIND_REWRITE) return toOtherAddress(index, descriptor, packet, adjacency, arrival);
  if (equal16(adjacencyAddress(adjacency), OUTER_SOURCE)) return drop(descriptor, REASON_BOUNCE);
  if ((arrival & 0xff) <= RETUNNEL_COST || arrival >> 8 == LIMIT_OVER) return drop(descriptor, REASON_LOOP);
  if (encapsulate(index, descriptor, packet, adjacency, arrival - RETUNNEL_COST)) count(COUNTER_RETUNNELLED);
}

function unknownDestination(index: u32, descriptor: usize, packet: usize, arrival: u32): void {
  const source = packet + SOURCE_AT;
  const destination = packet + DESTINATION_AT;
  // Tunnelled here by the router of an MN whose prefix is anchored here: on to native routing.
  const anchored = prefixMatch(SOURCES, source, LINK_TUNNEL);
  if (anchored != 0 && entryValue(anchored) == NONE && !circles(source, destination)) {
    touchStamp(SOURCES, anchored);
    flowSeen(source, destination, pairHashOf(index, destination));
    return pass(descriptor);
  }
  raiseTunnelled(EVENT_UNKNOWN_DESTINATION, OUTER_SOURCE, source, destination);
  const hold = prefixMatch(HOLDS, destination, DIRECTION_TO);
  if (hold == 0) return drop(descriptor, REASON_DESTINATION_UNKNOWN);
  putOnHold(index, entryValue(hold), OUTER_SOURCE, arrival);
}

/**
 * Whether a packet may be here for its destination, which only its anchor believes to be here: native routing leads to that
 * anchor, and its tunnel leads back. A packet of an MN that is away comes neither from there nor while the MN is here.
 */
function circles(source: usize, destination: usize): bool {
  const entry = prefixMatch(SOURCES, destination, LINK_TUNNEL);
  if (entry == 0) return false;
  const anchor = entryValue(entry);
  if (anchor == NONE) return false;
  if (equal16(adjacencyAddress(anchor), OUTER_SOURCE)) return true;
  const present = prefixMatch(DESTINATIONS, source, 0);
  return present != 0 && adjacencyKind(entryValue(present)) == ADJACENCY_KIND_DELIVER;
}
