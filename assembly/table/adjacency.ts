/** Next hops and locators, each held once and counted by its users. Chained hashing; the heads hold index + 1. */
import {
  ADJACENCY_ADDRESS_AT,
  ADJACENCY_KIND_AT,
  ADJACENCY_KIND_FREE,
  ADJACENCY_KIND_TUNNEL,
  ADJACENCY_LINK_AT,
  ADJACENCY_MAC_AT,
  ADJACENCY_NEXT_AT,
  ADJACENCY_REFERENCES_AT,
  ADJACENCY_SIZE,
  AREA_ADJACENCIES,
  PATH_MTU_SECONDS,
} from '../../bindings/generated/abi.as';
import { AREA_ADJACENCY_HEADS, areaBase, capacities, records } from '../mem/areas';
import { nowSeconds } from '../mem/clock';
import { coreMtu } from '../mem/options';
import { copy16, equal16, load48, store48 } from '../mem/words';
import { hashAddress, hashStart, hashWord } from './hash';

/** Records that were ever in use; those given back are chained from `free` (index + 1). */
let used: u32 = 0;
let free: u32 = 0;

export function adjacencyAt(index: u32): usize {
  return areaBase(AREA_ADJACENCIES) + (index as usize) * ADJACENCY_SIZE;
}

function headOf(kind: u32, link: u32, mac: u64, address: usize): usize {
  // All tunnels to a locator in one chain, whatever their encapsulation limits.
  if (kind == ADJACENCY_KIND_TUNNEL) link = 0;
  const rest = mac | ((link as u64) << 48) | ((kind as u64) << 56);
  const hash = hashWord(hashAddress(hashStart(), address), rest) as u32;
  const mask = records(AREA_ADJACENCY_HEADS, capacities) - 1;
  return areaBase(AREA_ADJACENCY_HEADS) + ((hash & mask) << 2);
}

/** What tells apart adjacencies of one address: of a tunnel nothing, since its path MTU stands in this place. */
function macOf(at: usize): u64 {
  return load<u8>(at, ADJACENCY_KIND_AT) == ADJACENCY_KIND_TUNNEL ? 0 : load48(at + ADJACENCY_MAC_AT);
}

/** The index of this adjacency, with one more user. There is room for as many as entries can refer to. */
export function adjacencyAcquire(kind: u32, link: u32, mac: u64, address: usize): u32 {
  const head = headOf(kind, link, mac, address);
  for (let next = load<u32>(head); next != 0;) {
    const at = adjacencyAt(next - 1);
    if (
      load<u8>(at, ADJACENCY_KIND_AT) == kind &&
      load<u8>(at, ADJACENCY_LINK_AT) == link &&
      macOf(at) == mac &&
      equal16(at + ADJACENCY_ADDRESS_AT, address)
    ) {
      store<u32>(at, load<u32>(at, ADJACENCY_REFERENCES_AT) + 1, ADJACENCY_REFERENCES_AT);
      return next - 1;
    }
    next = load<u32>(at, ADJACENCY_NEXT_AT);
  }
  let index = free - 1;
  if (free == 0) index = used++;
  else free = load<u32>(adjacencyAt(index), ADJACENCY_NEXT_AT);
  const at = adjacencyAt(index);
  copy16(at + ADJACENCY_ADDRESS_AT, address);
  store48(at + ADJACENCY_MAC_AT, mac);
  store<u8>(at, link as u8, ADJACENCY_LINK_AT);
  store<u8>(at, kind as u8, ADJACENCY_KIND_AT);
  store<u32>(at, 1, ADJACENCY_REFERENCES_AT);
  store<u32>(at, load<u32>(head), ADJACENCY_NEXT_AT);
  store<u32>(head, index + 1);
  return index;
}

/** One user less; the last one frees the record. */
export function adjacencyRelease(index: u32): void {
  const at = adjacencyAt(index);
  const references = load<u32>(at, ADJACENCY_REFERENCES_AT) - 1;
  store<u32>(at, references, ADJACENCY_REFERENCES_AT);
  if (references != 0) return;
  let link = headOf(
    load<u8>(at, ADJACENCY_KIND_AT),
    load<u8>(at, ADJACENCY_LINK_AT),
    macOf(at),
    at + ADJACENCY_ADDRESS_AT,
  );
  while (load<u32>(link) != index + 1) link = adjacencyAt(load<u32>(link) - 1) + ADJACENCY_NEXT_AT;
  store<u32>(link, load<u32>(at, ADJACENCY_NEXT_AT));
  store<u8>(at, ADJACENCY_KIND_FREE as u8, ADJACENCY_KIND_AT);
  store<u32>(at, free, ADJACENCY_NEXT_AT);
  free = index + 1;
}

export function adjacencyKind(index: u32): u32 {
  return load<u8>(adjacencyAt(index), ADJACENCY_KIND_AT);
}

export function adjacencyAddress(index: u32): usize {
  return adjacencyAt(index) + ADJACENCY_ADDRESS_AT;
}

/** Where the packets of a buffer wait: a buffer's adjacency carries the index of its hold in place of a MAC. */
export function adjacencyHold(index: u32): u32 {
  return load48(adjacencyAt(index) + ADJACENCY_MAC_AT) as u32;
}

const PATH_MTU_AT: usize = ADJACENCY_MAC_AT;
const FORGOTTEN_AT: usize = ADJACENCY_MAC_AT + 2;

/** Octets of the longest packet that fits a tunnel: what the core carries, or less where its path was heard to. */
export function tunnelMtu(index: u32): u32 {
  const at = adjacencyAt(index);
  const learned: u32 = load<u16>(at, PATH_MTU_AT);
  return learned != 0 && nowSeconds() < load<u32>(at, FORGOTTEN_AT) ? learned : coreMtu();
}

/** Encapsulation limit of the packets of a tunnel; 255 for none. */
export function tunnelLimit(index: u32): u32 {
  return load<u8>(adjacencyAt(index), ADJACENCY_LINK_AT);
}

/**
 * The smallest MTU of the tunnels to a locator; more than any where there is none. Notes first what a router on their
 * path said; that never raises the MTU (RFC 8201 section 4), so `mtu` ~0 changes nothing.
 */
export function learnMtu(locator: usize, mtu: u32): u32 {
  let least: u32 = ~0;
  let next = load<u32>(headOf(ADJACENCY_KIND_TUNNEL, 0, 0, locator));
  while (next != 0) {
    const index = next - 1;
    const at = adjacencyAt(index);
    next = load<u32>(at, ADJACENCY_NEXT_AT);
    if (load<u8>(at, ADJACENCY_KIND_AT) != ADJACENCY_KIND_TUNNEL) continue;
    if (!equal16(at + ADJACENCY_ADDRESS_AT, locator)) continue;
    const before = tunnelMtu(index);
    if (mtu <= before) {
      store<u16>(at, mtu as u16, PATH_MTU_AT);
      store<u32>(at, nowSeconds() + PATH_MTU_SECONDS, FORGOTTEN_AT);
    }
    least = min(least, min(mtu, before));
  }
  return least;
}

/** Length of the prefix that replaces another, likewise. */
export function adjacencyLength(index: u32): u32 {
  return load<u8>(adjacencyAt(index), ADJACENCY_MAC_AT);
}
