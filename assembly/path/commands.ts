/** Commands of the control plane. A command is checked whole before it changes anything. */
import {
  ADJACENCY_KIND_BUFFER,
  ADJACENCY_KIND_DELIVER,
  ADJACENCY_KIND_REWRITE,
  ADJACENCY_KIND_TUNNEL,
  AREA_COMMANDS,
  COMMAND_ADDRESS_AT,
  COMMAND_BYTES_AT,
  COMMAND_DELETE_DESTINATION,
  COMMAND_DELETE_HOLD,
  COMMAND_DELETE_PEER,
  COMMAND_DELETE_SOURCE,
  COMMAND_DIRECTION_AT,
  COMMAND_DISCARD,
  COMMAND_ENCAPSULATION_LIMIT_AT,
  COMMAND_FLAGS_AT,
  COMMAND_FLAG_FLOW,
  COMMAND_FLAG_LIMIT,
  COMMAND_FLAG_RESTORE,
  COMMAND_FLAG_REVERSE,
  COMMAND_LENGTH_AT,
  COMMAND_LINK_AT,
  COMMAND_MAC_AT,
  COMMAND_MILLIS_AT,
  COMMAND_OP_AT,
  COMMAND_PACKETS_AT,
  COMMAND_PREFIX_AT,
  COMMAND_PUT_BUFFER,
  COMMAND_PUT_DELIVER,
  COMMAND_PUT_HOLD,
  COMMAND_PUT_PEER,
  COMMAND_PUT_REWRITE,
  COMMAND_PUT_SOURCE,
  COMMAND_PUT_TUNNEL,
  COMMAND_RELEASE,
  COMMAND_SIZE,
  COMMAND_SOURCE_AT,
  COMMAND_STATUS_AT,
  DIRECTION_STATION,
  DIRECTION_TO,
  LINK_TUNNEL,
  NONE,
  STATUS_ABSENT,
  STATUS_FULL,
  STATUS_INVALID,
  STATUS_OK,
} from '../../bindings/generated/abi.as';
import { areaBase } from '../mem/areas';
import { LOCATOR } from '../mem/options';
import { equal16, load48, store48 } from '../mem/words';
import { adjacencyAcquire, adjacencyHold, adjacencyKind, adjacencyRelease } from '../table/adjacency';
import { BucketTable } from '../table/bucket';
import {
  entryMac,
  entryValue,
  maskHigh,
  maskLow,
  prefixFind,
  prefixInsert,
  prefixRemove,
  setEntryValue,
} from '../table/prefix';
import { DESTINATIONS, FLOW_ENTRIES, HOLDS, PEERS, SOURCES } from '../table/tables';
import { COMMAND_KEY, commandTuple, isPair, setPair } from '../table/tuple';
import { isMulticast, isTunnelEnd, isUnspecified } from '../wire/ipv6';
import { NO_LIMIT } from './limit';
import {
  STATION_KEY,
  holdCreate,
  holdDestroy,
  holdRelease,
  holdSet,
  releaseHeld,
  setStationKey,
} from './hold';

const HOST_LENGTH: u32 = 128;
/** Prefixes at least this long that begin with ff lie within ff00::/8. */
const MULTICAST_LENGTH: u32 = 8;
/** So many bits at least are replaced that no address becomes link-local or multicast. */
const REWRITE_LENGTH: u32 = 16;
const ONES: i32 = 0xffff;
/** Scope of buffers in the table of holds, beside the three directions: no look-up by direction finds them. */
const BUFFER_SCOPE: u32 = DIRECTION_STATION + 1;
const NO_BYTES: u32 = ~0;

/** Carries out `count` commands of the command area and writes their statuses. */
export function applyCommands(count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = areaBase(AREA_COMMANDS) + (i as usize) * COMMAND_SIZE;
    store<u8>(at, applyCommand(at) as u8, COMMAND_STATUS_AT);
  }
}

function applyCommand(at: usize): u32 {
  let prefix = at + COMMAND_PREFIX_AT;
  let length: u32 = load<u8>(at, COMMAND_LENGTH_AT);
  const link: u32 = load<u8>(at, COMMAND_LINK_AT);
  const direction: u32 = load<u8>(at, COMMAND_DIRECTION_AT);
  const op: u32 = load<u8>(at, COMMAND_OP_AT);
  if (op == COMMAND_PUT_PEER) return putPeer(prefix);
  if (op == COMMAND_DELETE_PEER) return remove(PEERS, prefix, HOST_LENGTH, 0);
  if ((load<u8>(at, COMMAND_FLAGS_AT) & COMMAND_FLAG_FLOW) != 0 && isForFlows(op)) return flowCommand(at, op);
  if (direction == DIRECTION_STATION && isForHolds(op)) {
    const mac = load48(at + COMMAND_MAC_AT);
    if (mac == 0 || isGroup(mac)) return STATUS_INVALID;
    // Link 255 makes this a key that begins with ff, which the next check refuses.
    setStationKey(link, mac);
    prefix = STATION_KEY;
    length = HOST_LENGTH;
  }
  if (!isPrefix(prefix, length)) return STATUS_INVALID;
  switch (op) {
    case COMMAND_PUT_DELIVER:
    case COMMAND_PUT_TUNNEL: {
      const adjacency = acquireAdjacency(at, op);
      if (adjacency == NONE) return STATUS_INVALID;
      return putDestination(DESTINATIONS, prefix, length, adjacency);
    }
    case COMMAND_PUT_BUFFER:
      return putBuffer(at, prefix, length);
    case COMMAND_PUT_REWRITE:
      return putRewrite(at, prefix, length);
    case COMMAND_PUT_SOURCE:
      return putSource(at, prefix, length, link);
    case COMMAND_DELETE_DESTINATION:
      return remove(DESTINATIONS, prefix, length, 0);
    case COMMAND_DELETE_SOURCE:
      return remove(SOURCES, prefix, length, link);
  }
  if (direction > DIRECTION_STATION) return STATUS_INVALID;
  switch (op) {
    case COMMAND_PUT_HOLD:
      return putHold(at, prefix, length, direction);
    case COMMAND_DELETE_HOLD:
      return remove(HOLDS, prefix, length, direction);
    case COMMAND_RELEASE:
    case COMMAND_DISCARD:
      releaseHeld(direction, prefix, length, op == COMMAND_DISCARD);
      return STATUS_OK;
    default:
      return STATUS_INVALID;
  }
}

function isPrefix(prefix: usize, length: u32): bool {
  if (length > HOST_LENGTH) return false;
  if (isMulticast(prefix) && length >= MULTICAST_LENGTH) return false;
  const host = (load<u64>(prefix) & ~maskHigh(length)) | (load<u64>(prefix, 8) & ~maskLow(length));
  return host == 0;
}

/** Whether the address can be the far end of a tunnel. */
function isLocator(address: usize): bool {
  return isTunnelEnd(address) && !equal16(address, LOCATOR);
}

function isGroup(mac: u64): bool {
  return (mac & 1) != 0;
}

/** The adjacency that a deliver or tunnel entry asks for, with one more user; NONE where the command is invalid. */
function acquireAdjacency(at: usize, op: u32): u32 {
  const address = at + COMMAND_ADDRESS_AT;
  if (op == COMMAND_PUT_TUNNEL) return isTunnel(at) ? acquireTunnel(at) : NONE;
  const mac = load48(at + COMMAND_MAC_AT);
  const link: u32 = load<u8>(at, COMMAND_LINK_AT);
  if (link == LINK_TUNNEL || isUnspecified(address) || isMulticast(address)) return NONE;
  if (mac == 0 || isGroup(mac)) return NONE;
  return adjacencyAcquire(ADJACENCY_KIND_DELIVER, link, mac, address);
}

function isForHolds(op: u32): bool {
  return op == COMMAND_PUT_HOLD || (op >= COMMAND_DELETE_HOLD && op <= COMMAND_DISCARD);
}

function isForFlows(op: u32): bool {
  return (
    op == COMMAND_PUT_DELIVER ||
    op == COMMAND_PUT_TUNNEL ||
    op == COMMAND_PUT_BUFFER ||
    op == COMMAND_DELETE_DESTINATION
  );
}

/** Puts or deletes a flow entry. */
function flowCommand(at: usize, op: u32): u32 {
  const src = at + COMMAND_SOURCE_AT;
  const dst = at + COMMAND_PREFIX_AT;
  if (!commandTuple(at) || isMulticast(src) || isMulticast(dst) || op == COMMAND_PUT_BUFFER)
    return STATUS_INVALID;
  const present = prefixFind(FLOW_ENTRIES, COMMAND_KEY, HOST_LENGTH, 0);
  const other = present != 0 && !isPair(present, src, dst);
  if (op == COMMAND_DELETE_DESTINATION) {
    return other ? STATUS_ABSENT : remove(FLOW_ENTRIES, COMMAND_KEY, HOST_LENGTH, 0);
  }
  const adjacency = acquireAdjacency(at, op);
  if (adjacency == NONE) return STATUS_INVALID;
  // One chance in 2^64 for two pairs with the same ports; the later has to do without its entry.
  if (other) {
    adjacencyRelease(adjacency);
    return STATUS_FULL;
  }
  const status = putDestination(FLOW_ENTRIES, COMMAND_KEY, HOST_LENGTH, adjacency);
  if (status == STATUS_OK) setPair(prefixFind(FLOW_ENTRIES, COMMAND_KEY, HOST_LENGTH, 0), src, dst);
  return status;
}

/** Limit that a command asks for, `NO_LIMIT` for none. */
function limitOf(at: usize): u32 {
  return (load<u8>(at, COMMAND_FLAGS_AT) & COMMAND_FLAG_LIMIT) != 0
    ? load<u8>(at, COMMAND_ENCAPSULATION_LIMIT_AT)
    : NO_LIMIT;
}

/** Whether a command names a tunnel that can be. */
function isTunnel(at: usize): bool {
  const limited = (load<u8>(at, COMMAND_FLAGS_AT) & COMMAND_FLAG_LIMIT) != 0;
  return isLocator(at + COMMAND_ADDRESS_AT) && !(limited && limitOf(at) == NO_LIMIT);
}

/** The adjacency carries the limit in place of a link. */
function acquireTunnel(at: usize): u32 {
  return adjacencyAcquire(ADJACENCY_KIND_TUNNEL, limitOf(at), 0, at + COMMAND_ADDRESS_AT);
}

/** The kind `restore` follows `rewrite`. The adjacency carries the prefix length in place of a MAC. */
function putRewrite(at: usize, prefix: usize, length: u32): u32 {
  const address = at + COMMAND_ADDRESS_AT;
  const flags: u32 = load<u8>(at, COMMAND_FLAGS_AT);
  if ((flags & ~COMMAND_FLAG_RESTORE) != 0 || length < REWRITE_LENGTH) return STATUS_INVALID;
  if (!isLocator(address) || !isPrefix(address, length)) return STATUS_INVALID;
  if (!isNeutral(prefix, address)) return STATUS_INVALID;
  const kind = ADJACENCY_KIND_REWRITE + (flags != 0 ? 1 : 0);
  return putDestination(DESTINATIONS, prefix, length, adjacencyAcquire(kind, LINK_TUNNEL, length, address));
}

/** Whether one address in place of the other changes no checksum: equal sums in ones' complement (RFC 6296 section 2.6). */
function isNeutral(one: usize, other: usize): bool {
  // Words are taken little-endian, which only swaps the octets of both sums.
  let difference: i32 = 0;
  for (let at: usize = 0; at < 16; at += 2) {
    difference += (load<u16>(one + at) as i32) - (load<u16>(other + at) as i32);
  }
  return difference % ONES == 0;
}

function putDestination(table: BucketTable, prefix: usize, length: u32, adjacency: u32): u32 {
  const present = prefixFind(table, prefix, length, 0);
  if (present != 0) {
    const before = entryValue(present);
    if (adjacencyKind(before) == ADJACENCY_KIND_BUFFER && before != adjacency) {
      holdRelease(adjacencyHold(before));
      removeBuffer(prefix, length);
    }
    adjacencyRelease(before);
    setEntryValue(present, adjacency);
    return STATUS_OK;
  }
  const entry = prefixInsert(table, prefix, length, 0);
  if (entry == 0) {
    adjacencyRelease(adjacency);
    return STATUS_FULL;
  }
  setEntryValue(entry, adjacency);
  return STATUS_OK;
}

/**
 * A buffer is an entry among the holds, in a scope of its own, and a destination that refers to its hold. Its adjacency
 * belongs to it alone, since no other has its hold.
 */
function putBuffer(at: usize, prefix: usize, length: u32): u32 {
  const packets = load<u32>(at, COMMAND_PACKETS_AT);
  const bytes = load<u32>(at, COMMAND_BYTES_AT);
  const millis = load<u32>(at, COMMAND_MILLIS_AT);
  if (packets == 0 || bytes == 0 || millis == 0) return STATUS_INVALID;
  let entry = prefixFind(HOLDS, prefix, length, BUFFER_SCOPE);
  if (entry == 0) {
    entry = prefixInsert(HOLDS, prefix, length, BUFFER_SCOPE);
    if (entry == 0) return STATUS_FULL;
    setEntryValue(entry, holdCreate(prefix, length, DIRECTION_TO));
  }
  const hold = entryValue(entry);
  const status = putDestination(
    DESTINATIONS,
    prefix,
    length,
    adjacencyAcquire(ADJACENCY_KIND_BUFFER, LINK_TUNNEL, hold, prefix),
  );
  if (status == STATUS_OK) holdSet(hold, packets, bytes, millis);
  else removeBuffer(prefix, length);
  return status;
}

function removeBuffer(prefix: usize, length: u32): void {
  const entry = prefixFind(HOLDS, prefix, length, BUFFER_SCOPE);
  const hold = entryValue(entry);
  prefixRemove(HOLDS, entry);
  holdDestroy(hold);
}

function putSource(at: usize, prefix: usize, length: u32, link: u32): u32 {
  const flags: u32 = load<u8>(at, COMMAND_FLAGS_AT);
  const mac = load48(at + COMMAND_MAC_AT);
  const reverse = (flags & COMMAND_FLAG_REVERSE) != 0;
  if ((flags & ~(COMMAND_FLAG_REVERSE | COMMAND_FLAG_LIMIT)) != 0 || isGroup(mac)) return STATUS_INVALID;
  if (reverse && !isTunnel(at)) return STATUS_INVALID;
  let entry = prefixFind(SOURCES, prefix, length, link);
  const before = entry == 0 ? NONE : entryValue(entry);
  if (entry == 0) entry = prefixInsert(SOURCES, prefix, length, link);
  if (entry == 0) return STATUS_FULL;
  setEntryValue(entry, reverse ? acquireTunnel(at) : NONE);
  store48(entryMac(SOURCES, entry), mac);
  if (before != NONE) adjacencyRelease(before);
  return STATUS_OK;
}

function putPeer(address: usize): u32 {
  if (!isLocator(address)) return STATUS_INVALID;
  if (prefixFind(PEERS, address, HOST_LENGTH, 0) != 0) return STATUS_OK;
  return prefixInsert(PEERS, address, HOST_LENGTH, 0) == 0 ? STATUS_FULL : STATUS_OK;
}

function putHold(at: usize, prefix: usize, length: u32, direction: u32): u32 {
  const packets = load<u32>(at, COMMAND_PACKETS_AT);
  const millis = load<u32>(at, COMMAND_MILLIS_AT);
  if (packets == 0 || millis == 0) return STATUS_INVALID;
  let entry = prefixFind(HOLDS, prefix, length, direction);
  if (entry == 0) {
    entry = prefixInsert(HOLDS, prefix, length, direction);
    if (entry == 0) return STATUS_FULL;
    setEntryValue(entry, holdCreate(prefix, length, direction));
  }
  holdSet(entryValue(entry), packets, NO_BYTES, millis);
  return STATUS_OK;
}

/** Deletes an entry and gives up what it referred to. */
function remove(table: BucketTable, prefix: usize, length: u32, scope: u32): u32 {
  const entry = prefixFind(table, prefix, length, scope);
  if (entry == 0) return STATUS_ABSENT;
  const value = entryValue(entry);
  prefixRemove(table, entry);
  if (table == DESTINATIONS && adjacencyKind(value) == ADJACENCY_KIND_BUFFER) removeBuffer(prefix, length);
  if (table == HOLDS) holdDestroy(value);
  else if (table != PEERS && value != NONE) adjacencyRelease(value);
  return STATUS_OK;
}
