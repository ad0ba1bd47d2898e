/** The other way through the core: the first bits of the destination are replaced, and put back at the far end. */
import {
  ADJACENCY_KIND_RESTORE,
  ADJACENCY_KIND_REWRITE,
  COUNTER_RESTORED,
  COUNTER_REWRITTEN,
  COUNTER_TOO_BIG_SENT,
  NONE,
  REASON_DESTINATION_UNKNOWN,
  REASON_TOO_BIG,
  TUNNEL_HOP_LIMIT,
} from '../../bindings/generated/abi.as';
import { coreMtu } from '../mem/options';
import { count } from '../stats/counters';
import { adjacencyAddress, adjacencyKind, adjacencyLength } from '../table/adjacency';
import { MATCH_BATCH, matchAdd, matchBatch } from '../table/match';
import { entryValue, maskHigh, maskLow } from '../table/prefix';
import { DESTINATIONS } from '../table/tables';
import { DESTINATION_AT } from '../wire/ipv6';
import { decapsulated, native } from './core';
import { decrement, takeLoopCost } from './encapsulate';
import { TOO_BIG, answer } from './errors';
import { forgetInput } from './lookup';
import { drop, lengthOf, toCore } from './outputs';

/** Look-up by a batch of one: that code stands out of line, another copy of the single look-up takes 350 octets. */
const FOUND: usize = memory.data((MATCH_BATCH as i32) << 2, 4);

/** `arrival` of a packet that was restored and did not come through a tunnel. */
const RESTORED: u32 = 0xffffff00 | TUNNEL_HOP_LIMIT;

function replace(packet: usize, adjacency: u32): void {
  const length = adjacencyLength(adjacency);
  const by = adjacencyAddress(adjacency);
  const at = packet + DESTINATION_AT;
  store<u64>(at, (load<u64>(at) & ~maskHigh(length)) | load<u64>(by));
  store<u64>(at, (load<u64>(at, 8) & ~maskLow(length)) | load<u64>(by, 8), 8);
}

/** Sends the packet to the core by a rewrite entry. */
function rewrite(descriptor: usize, packet: usize, adjacency: u32, arrival: u32): void {
  if (!(arrival == NONE ? decrement(descriptor, packet) : takeLoopCost(descriptor, packet, arrival))) return;
  const length = lengthOf(descriptor);
  if (length > coreMtu()) {
    drop(descriptor, REASON_TOO_BIG);
    return answer(packet, length, TOO_BIG, coreMtu(), COUNTER_TOO_BIG_SENT);
  }
  replace(packet, adjacency);
  toCore(descriptor, adjacency);
  count(COUNTER_REWRITTEN);
}

/**
 * Takes a packet by a rewrite entry to the core, by a restore entry to where its original destination leads.
 * `arrival` is that of `decapsulated`; `RESTORED` or NONE for a packet that did not come through a tunnel.
 */
export function toOtherAddress(
  index: u32,
  descriptor: usize,
  packet: usize,
  adjacency: u32,
  arrival: u32,
): void {
  if (adjacencyKind(adjacency) == ADJACENCY_KIND_REWRITE) {
    return rewrite(descriptor, packet, adjacency, arrival);
  }
  replace(packet, adjacency);
  forgetInput(index);
  count(COUNTER_RESTORED);
  matchAdd(0, 0, packet + DESTINATION_AT);
  matchBatch(DESTINATIONS, 1, FOUND);
  const next: usize = load<u32>(FOUND);
  if (next == 0 || adjacencyKind(entryValue(next)) == ADJACENCY_KIND_RESTORE) {
    return drop(descriptor, REASON_DESTINATION_UNKNOWN);
  }
  if (arrival >= RESTORED) native(index, descriptor, packet, RESTORED);
  else decapsulated(index, descriptor, packet, arrival);
}
