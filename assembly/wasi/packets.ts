/** Packets into the frames of the data plane, and what became of them in words. */
import {
  ADJACENCY_ADDRESS_AT,
  ADJACENCY_LINK_AT,
  ADJACENCY_MAC_AT,
  ADJACENCY_SIZE,
  AREA_ADJACENCIES,
  DESCRIPTOR_ADJACENCY_AT,
  DESCRIPTOR_FLAGS_AT,
  DESCRIPTOR_FLAG_MAC,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_MAC_AT,
  DESCRIPTOR_OFFSET_AT,
  DESCRIPTOR_PORT_AT,
  DESCRIPTOR_REASON_AT,
  DESCRIPTOR_VERDICT_AT,
  LIMIT_HEADROOM,
  LIMIT_PACKET_MAX,
  VERDICT_CORE,
  VERDICT_DELIVER,
  VERDICT_DROP,
} from '../../bindings/generated/abi.as';
import { reasonName, verdictName } from '../../bindings/generated/names.as';
import { areaBase, descriptorAt, frameAt } from '../mem/areas';
import { load48, store48 } from '../mem/words';
import { put, putNumber } from './print';
import { putAddress, putMac } from './text';

/** Copies a packet into input frame `index`; `mac` is where the sending station stands, or 0. */
export function setInput(index: u32, packet: usize, size: usize, port: u32, mac: usize): void {
  // A packet too long for the module is cut to the first length that it refuses.
  const length = min<usize>(size, LIMIT_PACKET_MAX + 1);
  memory.copy(frameAt(index) + LIMIT_HEADROOM, packet, length);
  const descriptor = descriptorAt(index);
  store<u16>(descriptor, LIMIT_HEADROOM as u16, DESCRIPTOR_OFFSET_AT);
  store<u16>(descriptor, length as u16, DESCRIPTOR_LENGTH_AT);
  store<u8>(descriptor, port as u8, DESCRIPTOR_PORT_AT);
  store<u8>(descriptor, (mac == 0 ? 0 : DESCRIPTOR_FLAG_MAC) as u8, DESCRIPTOR_FLAGS_AT);
  if (mac != 0) store48(descriptor + DESCRIPTOR_MAC_AT, load48(mac));
}

/** The packet of a descriptor as it leaves. */
export function packetAt(index: u32): usize {
  return frameAt(index) + load<u16>(descriptorAt(index), DESCRIPTOR_OFFSET_AT);
}

export function packetSize(index: u32): usize {
  return load<u16>(descriptorAt(index), DESCRIPTOR_LENGTH_AT);
}

export function verdictOf(index: u32): u32 {
  return load<u8>(descriptorAt(index), DESCRIPTOR_VERDICT_AT);
}

export function reasonOf(index: u32): u32 {
  return load<u8>(descriptorAt(index), DESCRIPTOR_REASON_AT);
}

/** The adjacency record of a packet that is delivered or tunnelled. */
export function adjacencyOf(index: u32): usize {
  const adjacency: usize = load<u32>(descriptorAt(index), DESCRIPTOR_ADJACENCY_AT);
  return areaBase(AREA_ADJACENCIES) + adjacency * ADJACENCY_SIZE;
}

/** Access link of a packet that is delivered. */
export function linkOf(index: u32): u32 {
  return load<u8>(adjacencyOf(index), ADJACENCY_LINK_AT);
}

/** Puts `deliver link 0 via fe80::a 02:00:00:00:00:0a`, `core 2001:db8::2` or `pass` into the line. */
export function putVerdict(index: u32): void {
  const verdict = verdictOf(index);
  putVerdictName(verdict, reasonOf(index));
  if (verdict == VERDICT_DELIVER) {
    put(' link ');
    putNumber(linkOf(index));
    put(' via ');
    putAddress(adjacencyOf(index) + ADJACENCY_ADDRESS_AT);
    put(' ');
    putMac(adjacencyOf(index) + ADJACENCY_MAC_AT);
  } else if (verdict == VERDICT_CORE) {
    put(' ');
    putAddress(adjacencyOf(index) + ADJACENCY_ADDRESS_AT);
  }
}

/** Puts the name of a verdict, and of a drop its reason, into the line. */
export function putVerdictName(verdict: u32, reason: u32): void {
  put(verdictName(verdict));
  if (verdict != VERDICT_DROP) return;
  put(' ');
  put(reasonName(reason));
}
