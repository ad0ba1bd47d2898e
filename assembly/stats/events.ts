/** Events to the host, and the table that keeps the same one from being raised again at once. */
import {
  AREA_EVENTS,
  COUNTER_EVENTS_LOST,
  EVENT_DIRECTION_AT,
  EVENT_DST_AT,
  EVENT_FLAGS_AT,
  EVENT_FLAG_MAC,
  EVENT_FLOW,
  EVENT_HOLD_DROP,
  EVENT_KIND_AT,
  EVENT_LENGTH_AT,
  EVENT_LINK_AT,
  EVENT_MAC_AT,
  EVENT_PEER_AT,
  EVENT_SIZE,
  EVENT_SRC_AT,
  EVENT_UNKNOWN_SOURCE,
  LIMIT_EVENTS,
  LIMIT_SUPPRESSIONS,
  SUPPRESS_MILLIS,
} from '../../bindings/generated/abi.as';
import { AREA_SUPPRESSIONS, SUPPRESSION_SIZE, areaBase } from '../mem/areas';
import { now } from '../mem/clock';
import { copy16, equal16, store48 } from '../mem/words';
import { hashAddress, hashEnd, hashStart, hashWord } from '../table/hash';
import { count } from './counters';

/** Fields of a suppression slot: three addresses of the key, time of the event, its kind (0 in an empty slot). */
const AT_AT: usize = 48;
const KIND_AT: usize = 56;

/** Room to put the key of an event together. */
const KEY: usize = memory.data(48, 16);

let pending: u32 = 0;
let taken: bool = false;

/** The number of events raised since the last call. Their records stay until the next one is raised. */
export function takeEvents(): u32 {
  const result = taken ? 0 : pending;
  taken = true;
  return result;
}

/** Whether events have been raised since `takeEvents`. */
export function eventsWait(): bool {
  return !taken && pending != 0;
}

/** A cleared record for one more event, or 0 where there is none left. */
function raise(kind: u32): usize {
  if (taken) {
    taken = false;
    pending = 0;
  }
  if (pending == LIMIT_EVENTS) {
    count(COUNTER_EVENTS_LOST);
    return 0;
  }
  const at = areaBase(AREA_EVENTS) + (pending as usize) * EVENT_SIZE;
  pending++;
  memory.fill(at, 0, EVENT_SIZE);
  store<u8>(at, kind as u8, EVENT_KIND_AT);
  return at;
}

/** Whether the event of this kind with the key in `KEY` is due; notes it if so. */
function due(kind: u32): bool {
  let hash = hashWord(hashStart(), kind);
  hash = hashAddress(hash, KEY);
  hash = hashAddress(hash, KEY + 16);
  hash = hashEnd(hashAddress(hash, KEY + 32));
  const slot = areaBase(AREA_SUPPRESSIONS) + ((hash as usize) & (LIMIT_SUPPRESSIONS - 1)) * SUPPRESSION_SIZE;
  if (
    load<u8>(slot, KIND_AT) == kind &&
    now() - load<u64>(slot, AT_AT) < SUPPRESS_MILLIS &&
    equal16(slot, KEY) &&
    equal16(slot + 16, KEY + 16) &&
    equal16(slot + 32, KEY + 32)
  ) {
    return false;
  }
  memory.copy(slot, KEY, 48);
  store<u64>(slot, now(), AT_AT);
  store<u8>(slot, kind as u8, KIND_AT);
  return true;
}

function clearKey(): void {
  memory.fill(KEY, 0, 48);
}

export function raiseFlow(src: usize, dst: usize): void {
  const at = raise(EVENT_FLOW);
  if (at == 0) return;
  copy16(at + EVENT_SRC_AT, src);
  copy16(at + EVENT_DST_AT, dst);
}

/** `mac` as a number; 0 where the port carries none. */
export function raiseUnknownSource(src: usize, link: u32, hasMac: bool, mac: u64): void {
  clearKey();
  store<u8>(KEY, link as u8);
  store48(KEY + 1, mac);
  copy16(KEY + 16, src);
  if (!due(EVENT_UNKNOWN_SOURCE)) return;
  const at = raise(EVENT_UNKNOWN_SOURCE);
  if (at == 0) return;
  store<u8>(at, link as u8, EVENT_LINK_AT);
  store<u8>(at, hasMac ? (EVENT_FLAG_MAC as u8) : 0, EVENT_FLAGS_AT);
  store48(at + EVENT_MAC_AT, mac);
  copy16(at + EVENT_SRC_AT, src);
}

/** `redirect` and `unknown-destination`. */
export function raiseTunnelled(kind: u32, peer: usize, src: usize, dst: usize): void {
  copy16(KEY, peer);
  copy16(KEY + 16, src);
  copy16(KEY + 32, dst);
  if (!due(kind)) return;
  const at = raise(kind);
  if (at == 0) return;
  copy16(at + EVENT_SRC_AT, src);
  copy16(at + EVENT_DST_AT, dst);
  copy16(at + EVENT_PEER_AT, peer);
}

export function raiseHoldDrop(direction: u32, prefix: usize, length: u32): void {
  clearKey();
  store<u8>(KEY, direction as u8);
  store<u8>(KEY, length as u8, 1);
  copy16(KEY + 16, prefix);
  if (!due(EVENT_HOLD_DROP)) return;
  const at = raise(EVENT_HOLD_DROP);
  if (at == 0) return;
  store<u8>(at, direction as u8, EVENT_DIRECTION_AT);
  store<u8>(at, length as u8, EVENT_LENGTH_AT);
  copy16(at + EVENT_SRC_AT, prefix);
}
