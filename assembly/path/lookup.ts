/** The destinations (and flows) of a batch, looked up before its packets take their ways; and the call that does nothing else. */
import {
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  DESCRIPTOR_PORT_AT,
  LIMIT_FRAME_SIZE,
  LIMIT_HEADROOM,
  NONE,
  PORT_CORE,
} from '../../bindings/generated/abi.as';
import { areaBase, descriptorAt, frameAt } from '../mem/areas';
import { setNow } from '../mem/clock';
import { LOCATOR } from '../mem/options';
import { equal16 } from '../mem/words';
import { flowHash, flowTouch, flowTouchPair } from '../table/flow';
import { touch, turnEpoch } from '../table/ageing';
import { MATCH_BATCH, matchAdd, matchBatch, matchRow } from '../table/match';
import { entryValue, prefixFind, prefixMatch, touchStamp } from '../table/prefix';
import { DESTINATIONS, FLOW_ENTRIES } from '../table/tables';
import { isPair, tupleKey, tupleWord } from '../table/tuple';
import { DESTINATION_AT, IPV6_HEADER, IPV6_IN_IPV6, NEXT_HEADER_AT, SOURCE_AT } from '../wire/ipv6';
import { lengthOf, offsetOf } from './outputs';

/** From the destination of a header back to its source. */
const SOURCE_BEFORE: usize = DESTINATION_AT - SOURCE_AT;

/** Entries by number in the batch of 64 at hand, and the addresses that they were found for (0 for none). */
const FOUND: usize = memory.data(64 * 4, 64);
const ADDRESSES: usize = memory.data(64 * 4, 64);

/** Where flow entries are in use: the keys of the flows, and what was found for them. One key more, for any other packet. */
const TUPLES: usize = memory.data(65 * 16, 64);
const TUPLES_FOUND: usize = memory.data(64 * 4, 64);
const ONE_TUPLE: usize = TUPLES + 64 * 16;
const HOST_LENGTH: u32 = 128;

/** Hashes of the pairs of addresses. */
const HASHES: usize = memory.data(64 * 8, 64);
const TOUCHED: usize = memory.data(16, 16);

/** Follows the clock. */
export function setTime(now: u64): void {
  setNow(now);
  turnEpoch(DESTINATIONS);
}

/**
 * Looks up `count` addresses of the lookup area among the destinations; adjacencies (or NONE) go to the results.
 * Their last use is noted.
 */
export function lookupAddresses(count: u32, now: u64): void {
  setTime(now);
  let keys = areaBase(AREA_LOOKUP_KEYS);
  let results = areaBase(AREA_LOOKUP_RESULTS);
  while (count != 0) {
    const part = min(MATCH_BATCH, count);
    matchRow(part, keys);
    matchBatch(DESTINATIONS, part, FOUND);
    const end = FOUND + (part << 2);
    for (let at = FOUND; at < end; at += 4) {
      const word: usize = load<u32>(at);
      let value = NONE;
      if (word != 0) {
        value = entryValue(word);
        touch(DESTINATIONS, word);
      }
      store<u32>(results, value);
      results += 4;
    }
    keys += MATCH_BATCH << 4;
    count -= part;
  }
}

/** Looks up the destinations of inputs `first` to `first` + `count` - 1, at most 64, for `destinationOf`. */
export function lookupInputs(first: u32, count: u32): void {
  let pending: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const address = addressOf(first + i);
    store<u32>(ADDRESSES + (i << 2), address as u32);
    matchAdd(pending, i, address);
    pending += (address != 0) as u32;
  }
  matchBatch(DESTINATIONS, pending, FOUND);
  hashPairs(count);
  if (FLOW_ENTRIES.count != 0) lookupFlows(count);
}

/** One after the other these chains of multiplications run side by side; each within its packet took 10 ns of it. */
function hashPairs(count: u32): void {
  let all: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const destination: usize = load<u32>(ADDRESSES + (i << 2));
    if (destination == 0) continue;
    const hash = flowHash(destination - SOURCE_BEFORE, destination);
    store<u64>(HASHES + (i << 3), hash);
    all ^= flowTouch(hash);
  }
  for (let i: u32 = 0; i < count; i++) all ^= flowTouchPair(load<u64>(HASHES + (i << 3)));
  store<u32>(TOUCHED, all);
}

function lookupFlows(count: u32): void {
  let pending: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const destination: usize = load<u32>(ADDRESSES + (i << 2));
    if (destination == 0) continue;
    const key = TUPLES + (i << 4);
    store<u64>(key, load<u64>(HASHES + (i << 3)));
    store<u64>(key, tupleWord(destination - DESTINATION_AT), 8);
    matchAdd(pending++, i, key);
  }
  matchBatch(FLOW_ENTRIES, pending, TUPLES_FOUND);
}

/** The adjacency of the packet's flow entry, or NONE, as `destinationOf`. */
function flowOf(index: u32, destination: usize): u32 {
  const i = (index & (MATCH_BATCH - 1)) << 2;
  const source = destination - SOURCE_BEFORE;
  let word: usize = 0;
  if (load<u32>(ADDRESSES + i) == (destination as u32)) {
    word = load<u32>(TUPLES_FOUND + i);
  } else {
    tupleKey(ONE_TUPLE, source, destination, tupleWord(destination - DESTINATION_AT));
    word = prefixFind(FLOW_ENTRIES, ONE_TUPLE, HOST_LENGTH, 0);
  }
  if (word == 0 || !isPair(word, source, destination)) return NONE;
  touchStamp(FLOW_ENTRIES, word);
  return entryValue(word);
}

/** Where the destination stands that the pipeline will ask for, if it comes so far; 0 for a packet that cannot. */
function addressOf(index: u32): usize {
  const descriptor = descriptorAt(index);
  const offset = offsetOf(descriptor);
  const length = lengthOf(descriptor);
  if (offset < LIMIT_HEADROOM || offset + length > LIMIT_FRAME_SIZE || length < IPV6_HEADER) return 0;
  const packet = frameAt(index) + offset;
  const destination = packet + DESTINATION_AT;
  if (load<u8>(descriptor, DESCRIPTOR_PORT_AT) != PORT_CORE || !equal16(destination, LOCATOR))
    return destination;
  if (load<u8>(packet, NEXT_HEADER_AT) != IPV6_IN_IPV6 || length < IPV6_HEADER * 2) return 0;
  return destination + IPV6_HEADER;
}

/**
 * The adjacency for the packet whose destination is at `address` and which is input `index` of the batch (or a held
 * packet): of its flow entry, else of the destination; else NONE. The use of the entry is noted.
 */
export function destinationOf(index: u32, address: usize): u32 {
  const i = (index & (MATCH_BATCH - 1)) << 2;
  const known = load<u32>(ADDRESSES + i) ^ (address as u32);
  if ((FLOW_ENTRIES.count | known) != 0) return destinationAgain(index, address);
  return adjacencyOf(load<u32>(FOUND + i));
}

/** What `destinationOf` does where flow entries are in use, or the batch did not look the address up. */
function destinationAgain(index: u32, address: usize): u32 {
  if (FLOW_ENTRIES.count != 0) {
    const adjacency = flowOf(index, address);
    if (adjacency != NONE) return adjacency;
  }
  const i = (index & (MATCH_BATCH - 1)) << 2;
  const known = load<u32>(ADDRESSES + i) == (address as u32);
  return adjacencyOf(known ? (load<u32>(FOUND + i) as usize) : prefixMatch(DESTINATIONS, address, 0));
}

/** The adjacency of a destination, whose use is noted. */
function adjacencyOf(word: usize): u32 {
  if (word == 0) return NONE;
  touch(DESTINATIONS, word);
  return entryValue(word);
}

/** The hash of the pair of addresses whose second one is at `destination`, as `destinationOf`. */
export function pairHashOf(index: u32, destination: usize): u64 {
  const i = index & (MATCH_BATCH - 1);
  if (load<u32>(ADDRESSES + (i << 2)) == (destination as u32)) return load<u64>(HASHES + (i << 3));
  return flowHash(destination - SOURCE_BEFORE, destination);
}

/** Forgets what `lookupInputs` found for an input whose destination is another now. */
export function forgetInput(index: u32): void {
  store<u32>(ADDRESSES + ((index & (MATCH_BATCH - 1)) << 2), 0);
}
