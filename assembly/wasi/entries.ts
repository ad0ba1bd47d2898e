/** Entries and commands of the entries file (docs/replay.md) into command records of the ABI. */
import {
  COMMAND_ADDRESS_AT,
  COMMAND_BYTES_AT,
  COMMAND_DELETE_DESTINATION,
  COMMAND_DELETE_HOLD,
  COMMAND_DELETE_PEER,
  COMMAND_DELETE_SOURCE,
  COMMAND_DESTINATION_PORT_AT,
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
  COMMAND_PROTOCOL_AT,
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
  COMMAND_SOURCE_PORT_AT,
  DIRECTION_FROM,
  DIRECTION_STATION,
  DIRECTION_TO,
  LINK_TUNNEL,
} from '../../bindings/generated/abi.as';
import { address, expectObject, mac, noChoice, prefix, required, says, whole, wholeOr } from './fields';
import { Json, TRUE, fault, member } from './json';

const UINT32_MAX: u32 = 0xffff_ffff;
const PORT_MAX: u32 = 65535;
const PROTOCOL_MAX: u32 = 255;
const ENCAPSULATION_LIMIT_MAX: u32 = 254;
export const LAST_LINK: u32 = LINK_TUNNEL - 1;

/** Writes the record of an element of `entries` at `at`. */
export function writeEntry(node: Json, at: usize): void {
  memory.fill(at, 0, COMMAND_SIZE);
  store<u8>(at, entry(node, at) as u8, COMMAND_OP_AT);
}

/** Writes the record of a command, the member `command` of an element of `commands`, at `at`. */
export function writeCommand(node: Json, at: usize): void {
  memory.fill(at, 0, COMMAND_SIZE);
  store<u8>(at, command(node, at) as u8, COMMAND_OP_AT);
}

function entry(node: Json, at: usize): u32 {
  if (says(node, 'kind', 'deliver')) {
    expectObject(node, 'kind prefix link nextHop mac');
    putPrefix(node, at);
    return deliver(node, at);
  }
  if (says(node, 'kind', 'tunnel')) {
    expectObject(node, 'kind prefix locator limit');
    putPrefix(node, at);
    return tunnel(node, at);
  }
  if (says(node, 'kind', 'flow')) {
    expectObject(node, 'kind src dst protocol sourcePort destinationPort action');
    flow(node, at);
    return action(required(node, 'action'), at);
  }
  if (says(node, 'kind', 'buffer')) {
    expectObject(node, 'kind prefix packets bytes millis');
    putPrefix(node, at);
    budget(node, at);
    store<u32>(at, whole(required(node, 'bytes'), 1, UINT32_MAX), COMMAND_BYTES_AT);
    return COMMAND_PUT_BUFFER;
  }
  if (says(node, 'kind', 'rewrite')) return rewrite(node, at);
  if (says(node, 'kind', 'source')) return source(node, at);
  if (says(node, 'kind', 'peer')) {
    expectObject(node, 'kind address');
    address(node, 'address', at + COMMAND_PREFIX_AT);
    return COMMAND_PUT_PEER;
  }
  if (says(node, 'kind', 'hold')) {
    if (holdKey(node, at)) expectObject(node, 'kind direction link mac packets millis');
    else expectObject(node, 'kind direction prefix packets millis');
    budget(node, at);
    return COMMAND_PUT_HOLD;
  }
  noChoice(node, 'kind', 'deliver, tunnel, flow, buffer, rewrite, source, peer or hold');
  return 0;
}

function command(node: Json, at: usize): u32 {
  if (says(node, 'op', 'put')) {
    expectObject(node, 'op entry');
    return entry(required(node, 'entry'), at);
  }
  if (says(node, 'op', 'delete')) return deletion(node, at);
  const release = says(node, 'op', 'release');
  if (!release && !says(node, 'op', 'discard')) noChoice(node, 'op', 'put, delete, release or discard');
  if (holdKey(node, at)) expectObject(node, 'op direction link mac');
  else expectObject(node, 'op direction prefix');
  return release ? COMMAND_RELEASE : COMMAND_DISCARD;
}

function deletion(node: Json, at: usize): u32 {
  if (says(node, 'kind', 'destination')) {
    expectObject(node, 'op kind prefix');
    putPrefix(node, at);
    return COMMAND_DELETE_DESTINATION;
  }
  if (says(node, 'kind', 'source')) {
    expectObject(node, 'op kind prefix link');
    putPrefix(node, at);
    putLink(node, at, LINK_TUNNEL);
    return COMMAND_DELETE_SOURCE;
  }
  if (says(node, 'kind', 'flow')) {
    expectObject(node, 'op kind src dst protocol sourcePort destinationPort');
    flow(node, at);
    return COMMAND_DELETE_DESTINATION;
  }
  if (says(node, 'kind', 'peer')) {
    expectObject(node, 'op kind address');
    address(node, 'address', at + COMMAND_PREFIX_AT);
    return COMMAND_DELETE_PEER;
  }
  if (says(node, 'kind', 'hold')) {
    if (holdKey(node, at)) expectObject(node, 'op kind direction link mac');
    else expectObject(node, 'op kind direction prefix');
    return COMMAND_DELETE_HOLD;
  }
  noChoice(node, 'kind', 'destination, source, flow, peer or hold');
  return 0;
}

function action(node: Json, at: usize): u32 {
  if (says(node, 'kind', 'deliver')) {
    expectObject(node, 'kind link nextHop mac');
    return deliver(node, at);
  }
  if (!says(node, 'kind', 'tunnel')) noChoice(node, 'kind', 'deliver or tunnel');
  expectObject(node, 'kind locator limit');
  return tunnel(node, at);
}

function deliver(node: Json, at: usize): u32 {
  putLink(node, at, LAST_LINK);
  address(node, 'nextHop', at + COMMAND_ADDRESS_AT);
  mac(node, 'mac', at + COMMAND_MAC_AT);
  return COMMAND_PUT_DELIVER;
}

function tunnel(node: Json, at: usize): u32 {
  address(node, 'locator', at + COMMAND_ADDRESS_AT);
  limit(node, at);
  return COMMAND_PUT_TUNNEL;
}

function rewrite(node: Json, at: usize): u32 {
  expectObject(node, 'kind prefix locator restore');
  putPrefix(node, at);
  const restore = member(node, 'restore');
  if (restore !== null) {
    if (restore.kind != TRUE) fault(restore, 'must be true or absent');
    putFlag(at, COMMAND_FLAG_RESTORE);
  }
  // The record has one length for both; without an operation the data plane answers `invalid`.
  const length = prefix(node, 'locator', at + COMMAND_ADDRESS_AT);
  return length == load<u8>(at, COMMAND_LENGTH_AT) ? COMMAND_PUT_REWRITE : 0;
}

function source(node: Json, at: usize): u32 {
  expectObject(node, 'kind prefix link mac reverse limit');
  putPrefix(node, at);
  putLink(node, at, LINK_TUNNEL);
  if (member(node, 'mac') !== null) mac(node, 'mac', at + COMMAND_MAC_AT);
  limit(node, at);
  if (member(node, 'reverse') !== null) {
    address(node, 'reverse', at + COMMAND_ADDRESS_AT);
    putFlag(at, COMMAND_FLAG_REVERSE);
  } else {
    // Without a tunnel there is nothing to limit.
    store<u8>(at, 0, COMMAND_FLAGS_AT);
    store<u8>(at, 0, COMMAND_ENCAPSULATION_LIMIT_AT);
  }
  return COMMAND_PUT_SOURCE;
}

function limit(node: Json, at: usize): void {
  const child = member(node, 'limit');
  if (child === null) return;
  store<u8>(at, whole(child, 0, ENCAPSULATION_LIMIT_MAX) as u8, COMMAND_ENCAPSULATION_LIMIT_AT);
  putFlag(at, COMMAND_FLAG_LIMIT);
}

function putFlag(at: usize, flag: u32): void {
  store<u8>(at, load<u8>(at, COMMAND_FLAGS_AT) | (flag as u8), COMMAND_FLAGS_AT);
}

function flow(node: Json, at: usize): void {
  putFlag(at, COMMAND_FLAG_FLOW);
  address(node, 'src', at + COMMAND_SOURCE_AT);
  address(node, 'dst', at + COMMAND_PREFIX_AT);
  store<u8>(at, whole(required(node, 'protocol'), 0, PROTOCOL_MAX) as u8, COMMAND_PROTOCOL_AT);
  store<u16>(at, wholeOr(node, 'sourcePort', 0, PORT_MAX, 0) as u16, COMMAND_SOURCE_PORT_AT);
  store<u16>(at, wholeOr(node, 'destinationPort', 0, PORT_MAX, 0) as u16, COMMAND_DESTINATION_PORT_AT);
}

function putPrefix(node: Json, at: usize): void {
  store<u8>(at, prefix(node, 'prefix', at + COMMAND_PREFIX_AT) as u8, COMMAND_LENGTH_AT);
}

function putLink(node: Json, at: usize, most: u32): void {
  store<u8>(at, whole(required(node, 'link'), 0, most) as u8, COMMAND_LINK_AT);
}

function budget(node: Json, at: usize): void {
  store<u32>(at, whole(required(node, 'packets'), 1, UINT32_MAX), COMMAND_PACKETS_AT);
  store<u32>(at, whole(required(node, 'millis'), 1, UINT32_MAX), COMMAND_MILLIS_AT);
}

/** Writes what names a hold entry; true where that is a station. */
function holdKey(node: Json, at: usize): bool {
  const station = says(node, 'direction', 'station');
  const to = says(node, 'direction', 'to');
  if (!station && !to && !says(node, 'direction', 'from')) noChoice(node, 'direction', 'from, to or station');
  const direction = station ? DIRECTION_STATION : to ? DIRECTION_TO : DIRECTION_FROM;
  store<u8>(at, direction as u8, COMMAND_DIRECTION_AT);
  if (station) {
    putLink(node, at, LAST_LINK);
    mac(node, 'mac', at + COMMAND_MAC_AT);
  } else {
    putPrefix(node, at);
  }
  return station;
}
