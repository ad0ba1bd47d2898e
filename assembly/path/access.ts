/** Packets from access links. */
import {
  ADJACENCY_KIND_BUFFER,
  ADJACENCY_KIND_DELIVER,
  ADJACENCY_KIND_REWRITE,
  COUNTER_REVERSE_TUNNELLED,
  COUNTER_TUNNELLED,
  DESCRIPTOR_FLAGS_AT,
  DESCRIPTOR_FLAG_MAC,
  DESCRIPTOR_MAC_AT,
  DESCRIPTOR_PORT_AT,
  DIRECTION_FROM,
  DIRECTION_STATION,
  NONE,
  REASON_ACCESS_MOBILITY,
  REASON_ACCESS_TUNNEL,
  REASON_EXTENSION,
  REASON_SOURCE_MAC,
  REASON_SOURCE_UNKNOWN,
  TUNNEL_HOP_LIMIT,
} from '../../bindings/generated/abi.as';
import { copy16, equal16, load48 } from '../mem/words';
import { count } from '../stats/counters';
import { raiseUnknownSource } from '../stats/events';
import { adjacencyHold, adjacencyKind } from '../table/adjacency';
import { flowSeen } from '../table/flow';
import { entryMac, entryValue, prefixFind, prefixMatch, touchStamp } from '../table/prefix';
import { HOLDS, SOURCES } from '../table/tables';
import {
  DESTINATION_AT,
  HOP_LIMIT_AT,
  IPV6_IN_IPV6,
  MOBILITY,
  SOURCE_AT,
  WALK_FAILED,
  isLocalPair,
  walkHeaders,
} from '../wire/ipv6';
import { decrement, encapsulate, takeLoopCost } from './encapsulate';
import { STATION_KEY, putOnHold, setStationKey } from './hold';
import { destinationOf, pairHashOf } from './lookup';
import { deliver, drop, lengthOf, pass } from './outputs';
import { toOtherAddress } from './rewrite';

const HOST_LENGTH: u32 = 128;

/** The source entry of the packet before, by address and link; multicast for none, which no source is that comes so far. */
const LAST_SOURCE: usize = memory.data(16, 16);
let lastLink: u32 = 0;
let lastEntry: usize = 0;

/** To be called before every batch: commands may have moved or deleted the entry. */
export function forgetSource(): void {
  memory.fill(LAST_SOURCE, 0xff, 16);
}

/** Stations send in trains; a look-up by itself, out of the batch, is a sixth of an encapsulation. */
function sourceOf(address: usize, link: u32): usize {
  if (link == lastLink && equal16(LAST_SOURCE, address)) return lastEntry;
  const entry = prefixMatch(SOURCES, address, link);
  copy16(LAST_SOURCE, address);
  lastLink = link;
  lastEntry = entry;
  return entry;
}

/** `arrival` as in `toDestination`. */
export function fromAccess(index: u32, descriptor: usize, packet: usize, arrival: u32): void {
  if (isLocalPair(packet)) return pass(descriptor);
  const protocol = walkHeaders(packet, lengthOf(descriptor));
  if (protocol == WALK_FAILED) return drop(descriptor, REASON_EXTENSION);
  if (protocol == IPV6_IN_IPV6) return drop(descriptor, REASON_ACCESS_TUNNEL);
  if (protocol == MOBILITY) return drop(descriptor, REASON_ACCESS_MOBILITY);

  const link: u32 = load<u8>(descriptor, DESCRIPTOR_PORT_AT);
  const hasMac = (load<u8>(descriptor, DESCRIPTOR_FLAGS_AT) & DESCRIPTOR_FLAG_MAC) != 0;
  const mac = hasMac ? load48(descriptor + DESCRIPTOR_MAC_AT) : 0;
  const source = sourceOf(packet + SOURCE_AT, link);
  if (source == 0) return unknownSource(index, descriptor, packet, link, hasMac, mac);
  const owner = load48(entryMac(SOURCES, source));
  if (hasMac && owner != 0 && owner != mac) return drop(descriptor, REASON_SOURCE_MAC);
  touchStamp(SOURCES, source);

  flowSeen(packet + SOURCE_AT, packet + DESTINATION_AT, pairHashOf(index, packet + DESTINATION_AT));
  const adjacency = destinationOf(index, packet + DESTINATION_AT);
  if (adjacency != NONE) return toDestination(index, descriptor, packet, adjacency, arrival);
  const reverse = entryValue(source);
  if (reverse == NONE) return pass(descriptor);
  if (!decrement(descriptor, packet)) return;
  if (encapsulate(index, descriptor, packet, reverse, TUNNEL_HOP_LIMIT)) count(COUNTER_REVERSE_TUNNELLED);
}

function unknownSource(
  index: u32,
  descriptor: usize,
  packet: usize,
  link: u32,
  hasMac: bool,
  mac: u64,
): void {
  raiseUnknownSource(packet + SOURCE_AT, link, hasMac, mac);
  setStationKey(link, mac);
  let hold = prefixFind(HOLDS, STATION_KEY, HOST_LENGTH, DIRECTION_STATION);
  if (hold == 0) hold = prefixMatch(HOLDS, packet + SOURCE_AT, DIRECTION_FROM);
  if (hold == 0) return drop(descriptor, REASON_SOURCE_UNKNOWN);
  putOnHold(index, entryValue(hold), 0, NONE);
}

/**
 * Forwards to the adjacency of its destination (or flow) a packet that did not come through a tunnel. `arrival` is NONE,
 * unless it was restored.
 */
export function toDestination(
  index: u32,
  descriptor: usize,
  packet: usize,
  adjacency: u32,
  arrival: u32,
): void {
  const kind = adjacencyKind(adjacency);
  if (kind == ADJACENCY_KIND_BUFFER) return putOnHold(index, adjacencyHold(adjacency), 0, arrival);
  if (kind >= ADJACENCY_KIND_REWRITE) return toOtherAddress(index, descriptor, packet, adjacency, arrival);
  let hops = TUNNEL_HOP_LIMIT;
  if (arrival != NONE && kind != ADJACENCY_KIND_DELIVER) {
    if (!takeLoopCost(descriptor, packet, arrival)) return;
    hops = load<u8>(packet, HOP_LIMIT_AT);
  } else if (!decrement(descriptor, packet)) return;
  if (kind == ADJACENCY_KIND_DELIVER) return deliver(descriptor, adjacency);
  if (encapsulate(index, descriptor, packet, adjacency, hops)) count(COUNTER_TUNNELLED);
}
