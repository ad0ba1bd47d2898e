/**
 * Flow entries: the key of a 5-tuple is the seeded hash of its addresses, then its ports and protocol. The addresses
 * stand beside the entry and are compared once it is found, so that no two flows are ever taken for one.
 */
import {
  COMMAND_DESTINATION_PORT_AT,
  COMMAND_PREFIX_AT,
  COMMAND_PROTOCOL_AT,
  COMMAND_SOURCE_AT,
  COMMAND_SOURCE_PORT_AT,
  FLOW_ENTRY_DESTINATION_PORT_AT,
  FLOW_ENTRY_DST_AT,
  FLOW_ENTRY_LAST_USED_AT,
  FLOW_ENTRY_PRESENT_AT,
  FLOW_ENTRY_PROTOCOL_AT,
  FLOW_ENTRY_SOURCE_PORT_AT,
  FLOW_ENTRY_SRC_AT,
  FLOW_ENTRY_VALUE_AT,
  LIMIT_FRAME_SIZE,
} from '../../bindings/generated/abi.as';
import { copy16, equal16, load16be } from '../mem/words';
import { isFirstFragment, packetLength, upperLayerAt, walkHeaders } from '../wire/ipv6';
import { isEntry, keyOf, placeAt, sideOf } from './bucket';
import { flowHash } from './flow';
import { entryStamp, entryValue } from './prefix';
import { FLOW_ENTRIES } from './tables';

/** Behind the stamp of an entry: its source, then its destination. */
const SRC_AT: usize = 4;
const DST_AT: usize = 20;
/** No entry has this as the second half of its key. */
const NO_TUPLE: u64 = ~0;

/** Key of the flow that a command names. */
export const COMMAND_KEY: usize = memory.data(16, 16);

/** TCP, UDP, DCCP, SCTP, UDP-Lite: both ports stand in the first four octets. */
function hasPorts(protocol: u32): bool {
  return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

/** Writes the key of a flow. */
export function tupleKey(key: usize, src: usize, dst: usize, word: u64): void {
  store<u64>(key, flowHash(src, dst));
  store<u64>(key, word, 8);
}

/**
 * The second half of the key of a packet's flow; one that matches nothing where it has none. The packet may not have
 * passed its checks yet: the frame bounds what is read, the pipeline drops it later.
 */
export function tupleWord(packet: usize): u64 {
  const length = min<u32>(packetLength(packet), LIMIT_FRAME_SIZE);
  const protocol = walkHeaders(packet, length);
  if (protocol > 0xff || isFirstFragment()) return NO_TUPLE;
  const word = (protocol as u64) << 32;
  if (!hasPorts(protocol)) return word;
  if (upperLayerAt() + 4 > length) return NO_TUPLE;
  return word | load<u32>(packet + upperLayerAt());
}

/** Puts the key of a command's flow together; false where no packet can have such ports. */
export function commandTuple(at: usize): bool {
  const ports =
    (bswap<u16>(load<u16>(at, COMMAND_SOURCE_PORT_AT)) as u32) |
    ((bswap<u16>(load<u16>(at, COMMAND_DESTINATION_PORT_AT)) as u32) << 16);
  const protocol: u32 = load<u8>(at, COMMAND_PROTOCOL_AT);
  const word = ((protocol as u64) << 32) | ports;
  tupleKey(COMMAND_KEY, at + COMMAND_SOURCE_AT, at + COMMAND_PREFIX_AT, word);
  return ports == 0 || hasPorts(protocol);
}

/** Whether the entry is that of these addresses, and not one whose hash is the same. */
export function isPair(word: usize, src: usize, dst: usize): bool {
  const side = sideOf(FLOW_ENTRIES, word);
  return equal16(side + SRC_AT, src) && equal16(side + DST_AT, dst);
}

export function setPair(word: usize, src: usize, dst: usize): void {
  const side = sideOf(FLOW_ENTRIES, word);
  copy16(side + SRC_AT, src);
  copy16(side + DST_AT, dst);
}

/** Writes place `index` of the table as a `flow-entry` record; false where it is empty. */
export function flowEntryRecord(index: u32, to: usize): bool {
  const word = placeAt(FLOW_ENTRIES, index);
  if (!isEntry(word)) return false;
  const side = sideOf(FLOW_ENTRIES, word);
  const ports = keyOf(word) + 8;
  copy16(to + FLOW_ENTRY_SRC_AT, side + SRC_AT);
  copy16(to + FLOW_ENTRY_DST_AT, side + DST_AT);
  store<u32>(to, entryValue(word), FLOW_ENTRY_VALUE_AT);
  store<u32>(to, load<u32>(entryStamp(FLOW_ENTRIES, word)), FLOW_ENTRY_LAST_USED_AT);
  store<u16>(to, load16be(ports) as u16, FLOW_ENTRY_SOURCE_PORT_AT);
  store<u16>(to, load16be(ports + 2) as u16, FLOW_ENTRY_DESTINATION_PORT_AT);
  store<u8>(to, load<u8>(ports, 4), FLOW_ENTRY_PROTOCOL_AT);
  store<u8>(to, 1, FLOW_ENTRY_PRESENT_AT);
  return true;
}
