/** One batch from its expired and released packets to its last input. */
import {
  COUNTER_RX_ACCESS,
  COUNTER_RX_CORE,
  DESCRIPTOR_PORT_AT,
  LIMIT_FRAME_SIZE,
  LIMIT_HEADROOM,
  LIMIT_PACKET_MAX,
  NONE,
  PORT_CORE,
  REASON_DESCRIPTOR,
  REASON_NONE,
  REASON_OVERSIZED,
} from '../../bindings/generated/abi.as';
import { descriptorAt, frameAt } from '../mem/areas';
import { count } from '../stats/counters';
import { MATCH_BATCH } from '../table/match';
import { checkHeader, packetLength } from '../wire/ipv6';
import { forgetSource, fromAccess } from './access';
import { forgetPeer, fromCore, native, resumeDecapsulated } from './core';
import {
  collectReleased,
  expireHeld,
  heldDecapsulated,
  heldArrival,
  heldOuterSource,
  reclaim,
  takeReleased,
} from './hold';
import { lookupInputs, setTime } from './lookup';
import { clearOutputs, drop, emit, lengthOf, offsetOf, outputCount, setPacket } from './outputs';

/** Descriptors 0 to `inputs` - 1 in, number of outputs out. */
export function runBatch(inputs: u32, now: u64): u32 {
  setTime(now);
  reclaim();
  clearOutputs();
  forgetPeer();
  forgetSource();
  expireHeld();
  collectReleased();
  for (let index = takeReleased(); index != NONE; index = takeReleased()) resume(index);
  for (let first: u32 = 0; first < inputs; first += MATCH_BATCH) {
    const end = min(inputs, first + MATCH_BATCH);
    lookupInputs(first, end - first);
    for (let index = first; index < end; index++) {
      emit(index, index);
      take(index);
    }
  }
  return outputCount();
}

function resume(index: u32): void {
  const descriptor = descriptorAt(index);
  const packet = frameAt(index) + offsetOf(descriptor);
  const arrival = heldArrival(index);
  if (load<u8>(descriptor, DESCRIPTOR_PORT_AT) != PORT_CORE) {
    return fromAccess(index, descriptor, packet, arrival);
  }
  if (!heldDecapsulated(index)) return native(index, descriptor, packet, arrival);
  resumeDecapsulated(index, descriptor, packet, heldOuterSource(index), arrival);
}

function take(index: u32): void {
  const descriptor = descriptorAt(index);
  const offset = offsetOf(descriptor);
  const length = lengthOf(descriptor);
  const core = load<u8>(descriptor, DESCRIPTOR_PORT_AT) == PORT_CORE;
  count(core ? COUNTER_RX_CORE : COUNTER_RX_ACCESS);
  if (offset < LIMIT_HEADROOM || offset + length > LIMIT_FRAME_SIZE) {
    return drop(descriptor, REASON_DESCRIPTOR);
  }
  if (length > LIMIT_PACKET_MAX) return drop(descriptor, REASON_OVERSIZED);
  const packet = frameAt(index) + offset;
  const reason = checkHeader(packet, length);
  if (reason != REASON_NONE) return drop(descriptor, reason);
  setPacket(descriptor, offset, packetLength(packet));
  if (core) fromCore(index, descriptor, packet);
  else fromAccess(index, descriptor, packet, NONE);
}
