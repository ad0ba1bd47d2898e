/**
 * Packets on hold. All of them form one list in order of arrival; those of one hold entry form a second one.
 * A waiting record belongs to each frame that can hold a packet; a hold is what an entry of the table refers to.
 */
import {
  COUNTER_HELD,
  COUNTER_HOLD_DISCARDED,
  COUNTER_RELEASED,
  DESCRIPTOR_FLAGS_AT,
  DESCRIPTOR_MAC_AT,
  DESCRIPTOR_PORT_AT,
  DIRECTION_FROM,
  DIRECTION_STATION,
  LIMIT_HEADROOM,
  NONE,
  REASON_HOLD_EXPIRED,
  REASON_HOLD_OVERFLOW,
} from '../../bindings/generated/abi.as';
import {
  AREA_HOLDS,
  AREA_WAITING,
  HOLD_SIZE,
  WAITING_SIZE,
  areaBase,
  capacities,
  descriptorAt,
  firstWaiting,
  frameAt,
} from '../mem/areas';
import { now } from '../mem/clock';
import { copy16, load48, store48 } from '../mem/words';
import { count } from '../stats/counters';
import { raiseHoldDrop } from '../stats/events';
import { maskHigh, maskLow } from '../table/prefix';
import { DESTINATION_AT, SOURCE_AT } from '../wire/ipv6';
import { drop, emit, lengthOf, offsetOf, onHold, outputAt, outputCount, setPacket, unemit } from './outputs';

/** What a hold entry says, and the packets that it keeps. */
@unmanaged
class Hold {
  prefixHigh: u64;
  prefixLow: u64;
  packets: u32;
  millis: u32;
  /** Budget in octets, and octets kept. */
  bytes: u32;
  octets: u32;
  kept: u32;
  first: u32;
  last: u32;
  length: u8;
  direction: u8;
}

/** A packet on hold; indices are those of waiting records. `hold` is NONE once the packet is marked for release. */
@unmanaged
class Waiting {
  outerSourceHigh: u64;
  outerSourceLow: u64;
  expires: u64;
  next: u32;
  previous: u32;
  nextOfHold: u32;
  previousOfHold: u32;
  hold: u32;
  /** As `decapsulated` takes it, or `toDestination`. */
  arrival: u32;
  direction: u8;
  decapsulated: bool;
}

const NEVER: u64 = ~0;

/** In place of a prefix, for a station: its link, its MAC, zeros. */
export const STATION_KEY: usize = memory.data(16, 16);

/** Records ever in use, and those given back, chained from here by `next` or `first`. */
let holdsUsed: u32 = 0;
let freeHold: u32 = NONE;
let waitingUsed: u32 = 0;
let freeWaiting: u32 = NONE;

let oldest: u32 = NONE;
let newest: u32 = NONE;
/** Packets in the list, and how many of them are marked for release. */
let pooled: u32 = 0;
let marked: u32 = 0;
/** Packets collected for the running batch, chained by `next`. */
let released: u32 = NONE;
let lastReleased: u32 = NONE;
/** No packet expires before; too early where a packet that expires then has left the hold that kept it. */
let earliest: u64 = NEVER;
let earliestLeft: bool = false;

function holdAt(index: u32): Hold {
  return changetype<Hold>(areaBase(AREA_HOLDS) + (index as usize) * HOLD_SIZE);
}

function waitingAt(index: u32): Waiting {
  return changetype<Waiting>(areaBase(AREA_WAITING) + (index as usize) * WAITING_SIZE);
}

export function setStationKey(link: u32, mac: u64): void {
  store<u8>(STATION_KEY, link as u8);
  store48(STATION_KEY + 1, mac);
}

/** A hold for a new entry; there are as many as the table of entries can have. */
export function holdCreate(prefix: usize, length: u32, direction: u32): u32 {
  let index = freeHold;
  if (index == NONE) index = holdsUsed++;
  else freeHold = holdAt(index).first;
  const hold = holdAt(index);
  hold.prefixHigh = load<u64>(prefix);
  hold.prefixLow = load<u64>(prefix, 8);
  hold.length = length as u8;
  hold.direction = direction as u8;
  hold.kept = 0;
  hold.octets = 0;
  hold.first = NONE;
  hold.last = NONE;
  return index;
}

export function holdSet(index: u32, packets: u32, bytes: u32, millis: u32): void {
  const hold = holdAt(index);
  hold.packets = packets;
  hold.bytes = bytes;
  hold.millis = millis;
}

/** Ends a hold and discards what it keeps. */
export function holdDestroy(index: u32): void {
  const hold = holdAt(index);
  while (hold.first != NONE) discard(hold.first);
  hold.first = freeHold;
  freeHold = index;
}

/** Marks what a hold keeps; it goes on its way with the next batch. */
export function holdRelease(index: u32): void {
  const hold = holdAt(index);
  while (hold.first != NONE) {
    unlinkFromHold(hold.first);
    marked++;
  }
}

function discard(index: u32): void {
  unlink(index);
  free(index);
  count(COUNTER_HOLD_DISCARDED);
}

function free(index: u32): void {
  waitingAt(index).next = freeWaiting;
  freeWaiting = index;
}

/** Gives back the frames of packets that the previous batch put out. */
export function reclaim(): void {
  const first = firstWaiting(capacities);
  for (let position: u32 = 0; position < outputCount(); position++) {
    const index = outputAt(position);
    if (index >= first) free(index - first);
  }
}

/** Takes a packet out of both lists. */
function unlink(index: u32): void {
  const waiting = waitingAt(index);
  if (waiting.previous == NONE) oldest = waiting.next;
  else waitingAt(waiting.previous).next = waiting.next;
  if (waiting.next == NONE) newest = waiting.previous;
  else waitingAt(waiting.next).previous = waiting.previous;
  pooled--;
  if (waiting.hold != NONE) unlinkFromHold(index);
}

function unlinkFromHold(index: u32): void {
  const waiting = waitingAt(index);
  const hold = holdAt(waiting.hold);
  const previous = waiting.previousOfHold;
  const next = waiting.nextOfHold;
  if (previous == NONE) hold.first = next;
  else waitingAt(previous).nextOfHold = next;
  if (next == NONE) hold.last = previous;
  else waitingAt(next).previousOfHold = previous;
  if (waiting.expires == earliest) earliestLeft = true;
  hold.kept--;
  hold.octets -= heldLength(index);
  waiting.hold = NONE;
}

function heldLength(index: u32): u32 {
  return lengthOf(descriptorAt(firstWaiting(capacities) + index));
}

function dropWaiting(index: u32, reason: u32): void {
  const hold = holdAt(waitingAt(index).hold);
  unlink(index);
  const descriptorIndex = firstWaiting(capacities) + index;
  emit(descriptorIndex, NONE);
  drop(descriptorAt(descriptorIndex), reason);
  raiseHoldDrop(hold.direction, changetype<usize>(hold), hold.length);
}

/** The waiting record whose frame the descriptor names, or NONE for one of the batch. */
function waitingOf(index: u32): u32 {
  const first = firstWaiting(capacities);
  return index >= first ? index - first : NONE;
}

/** A copy of the packet of descriptor `from` in a frame that can wait. */
function keepCopy(from: u32): u32 {
  let index = freeWaiting;
  if (index == NONE) index = waitingUsed++;
  else freeWaiting = waitingAt(index).next;
  const source = descriptorAt(from);
  const to = firstWaiting(capacities) + index;
  const target = descriptorAt(to);
  setPacket(target, LIMIT_HEADROOM, lengthOf(source));
  store<u8>(target, load<u8>(source, DESCRIPTOR_PORT_AT), DESCRIPTOR_PORT_AT);
  store<u8>(target, load<u8>(source, DESCRIPTOR_FLAGS_AT), DESCRIPTOR_FLAGS_AT);
  store48(target + DESCRIPTOR_MAC_AT, load48(source + DESCRIPTOR_MAC_AT));
  memory.copy(frameAt(to) + LIMIT_HEADROOM, frameAt(from) + offsetOf(source), lengthOf(source));
  return index;
}

/**
 * Puts the packet of a descriptor on hold. `arrival` is kept for when it goes on; `outerSource` for a
 * decapsulated packet, 0 for others.
 */
export function putOnHold(descriptorIndex: u32, holdIndex: u32, outerSource: usize, arrival: u32): void {
  const hold = holdAt(holdIndex);
  let index = waitingOf(descriptorIndex);
  if (index != NONE) unemit();
  const length = lengthOf(descriptorAt(descriptorIndex));
  while (hold.kept >= hold.packets || (hold.kept > 0 && hold.octets + length > hold.bytes)) {
    dropWaiting(hold.first, REASON_HOLD_OVERFLOW);
  }
  if (pooled == capacities.held) dropWaiting(hold.kept > 0 ? hold.first : oldest, REASON_HOLD_OVERFLOW);
  if (index == NONE) {
    index = keepCopy(descriptorIndex);
    onHold(descriptorAt(descriptorIndex));
  }
  const waiting = waitingAt(index);
  waiting.decapsulated = outerSource != 0;
  if (outerSource != 0) copy16(changetype<usize>(waiting), outerSource);
  waiting.arrival = arrival;
  waiting.direction = hold.direction;
  waiting.hold = holdIndex;
  waiting.expires = now() + hold.millis;
  earliest = min(earliest, waiting.expires);
  waiting.nextOfHold = NONE;
  waiting.previousOfHold = hold.last;
  if (hold.last == NONE) hold.first = index;
  else waitingAt(hold.last).nextOfHold = index;
  hold.last = index;
  hold.kept++;
  hold.octets += length;
  waiting.next = NONE;
  waiting.previous = newest;
  if (newest == NONE) oldest = index;
  else waitingAt(newest).next = index;
  newest = index;
  pooled++;
  count(COUNTER_HELD);
}

/** Whether the address (or station) for which the packet was held lies in a prefix. */
function matches(index: u32, prefix: usize, length: u32): bool {
  const descriptorIndex = firstWaiting(capacities) + index;
  const packet = frameAt(descriptorIndex) + offsetOf(descriptorAt(descriptorIndex));
  const waiting = waitingAt(index);
  let address = packet + (waiting.direction == DIRECTION_FROM ? SOURCE_AT : DESTINATION_AT);
  if (waiting.direction == DIRECTION_STATION) address = changetype<usize>(holdAt(waiting.hold));
  const high = (load<u64>(address) ^ load<u64>(prefix)) & maskHigh(length);
  const low = (load<u64>(address, 8) ^ load<u64>(prefix, 8)) & maskLow(length);
  return (high | low) == 0;
}

/** Marks (or, with `away`, discards) the held packets of a direction whose address lies in the prefix. */
export function releaseHeld(direction: u32, prefix: usize, length: u32, away: bool): void {
  for (let index = oldest; index != NONE;) {
    const waiting = waitingAt(index);
    const next = waiting.next;
    if (waiting.hold != NONE && waiting.direction == direction && matches(index, prefix, length)) {
      if (away) {
        discard(index);
      } else {
        unlinkFromHold(index);
        marked++;
      }
    }
    index = next;
  }
}

/** Drops what has waited too long. */
export function expireHeld(): void {
  if (now() < earliest) return;
  earliest = NEVER;
  for (let index = oldest; index != NONE;) {
    const waiting = waitingAt(index);
    const next = waiting.next;
    if (waiting.hold != NONE) {
      if (waiting.expires <= now()) dropWaiting(index, REASON_HOLD_EXPIRED);
      else earliest = min(earliest, waiting.expires);
    }
    index = next;
  }
  earliestLeft = false;
}

/** Takes all marked packets off hold, in order of arrival, for `takeReleased`. */
export function collectReleased(): void {
  for (let index = oldest; marked > 0;) {
    const next = waitingAt(index).next;
    if (waitingAt(index).hold == NONE) {
      unlink(index);
      waitingAt(index).next = NONE;
      if (released == NONE) released = index;
      else waitingAt(lastReleased).next = index;
      lastReleased = index;
      marked--;
    }
    index = next;
  }
}

/** Puts out the next collected packet and gives its descriptor index; NONE when there is none left. */
export function takeReleased(): u32 {
  if (released == NONE) return NONE;
  const index = released;
  released = waitingAt(index).next;
  count(COUNTER_RELEASED);
  emit(firstWaiting(capacities) + index, NONE);
  return firstWaiting(capacities) + index;
}

/** What `putOnHold` was told of a packet taken off hold. */
export function heldDecapsulated(descriptorIndex: u32): bool {
  return waitingAt(waitingOf(descriptorIndex)).decapsulated;
}

export function heldOuterSource(descriptorIndex: u32): usize {
  return changetype<usize>(waitingAt(waitingOf(descriptorIndex)));
}

export function heldArrival(descriptorIndex: u32): u32 {
  return waitingAt(waitingOf(descriptorIndex)).arrival;
}

/** 0 if released packets wait, else when the next packet expires, else 2^64 - 1. */
export function heldDeadline(): u64 {
  if (marked > 0) return 0;
  if (earliestLeft) {
    earliest = NEVER;
    for (let index = oldest; index != NONE; index = waitingAt(index).next) {
      earliest = min(earliest, waitingAt(index).expires);
    }
    earliestLeft = false;
  }
  return earliest;
}
