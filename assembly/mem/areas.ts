/** Where everything lies in linear memory. All areas are placed once, by `place`. */
import {
  ADJACENCY_SIZE,
  AREA_ADJACENCIES,
  AREA_COMMANDS,
  AREA_COUNTERS,
  AREA_DESCRIPTORS,
  AREA_EVENTS,
  AREA_FRAMES,
  AREA_LISTING,
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  AREA_OUTPUTS,
  COMMAND_SIZE,
  COUNTER_SLOTS,
  DESCRIPTOR_SIZE,
  EVENT_SIZE,
  LIMIT_BATCH_MAX,
  LIMIT_COMMANDS,
  LIMIT_DESTINATIONS_MAX,
  LIMIT_EVENTS,
  LIMIT_FLOWS_MAX,
  LIMIT_FLOW_ENTRIES_MAX,
  LIMIT_FLOW_WAYS,
  LIMIT_FRAME_SIZE,
  LIMIT_HELD_MAX,
  LIMIT_HOLDS,
  LIMIT_LISTING,
  LIMIT_PACKET_MAX,
  LIMIT_PEERS_MAX,
  LIMIT_SOURCES_MAX,
  LIMIT_SUPPRESSIONS,
  REASSEMBLIES,
} from '../../bindings/generated/abi.as';
import { BUCKET, WAYS, bucketsFor } from '../table/bucket';
import { powerOfTwo } from './words';

/** Areas that the host does not see follow those of the ABI. */
export const AREA_ADJACENCY_HEADS: u32 = 15;
export const AREA_HOLDS: u32 = 16;
export const AREA_WAITING: u32 = 17;
export const AREA_SUPPRESSIONS: u32 = 18;
export const AREA_DESTINATION_BUCKETS: u32 = 19;
export const AREA_DESTINATION_STAMPS: u32 = 20;
export const AREA_SOURCE_BUCKETS: u32 = 21;
export const AREA_SOURCE_STAMPS: u32 = 22;
export const AREA_PEER_BUCKETS: u32 = 23;
export const AREA_HOLD_BUCKETS: u32 = 24;
export const AREA_FLOW_HEADS: u32 = 25;
export const AREA_FLOW_PAIRS: u32 = 26;
export const AREA_FLOW_ENTRY_BUCKETS: u32 = 27;
export const AREA_FLOW_ENTRY_STAMPS: u32 = 28;
export const AREA_REASSEMBLIES: u32 = 29;
const AREAS: u32 = 30;

export const HOLD_SIZE: usize = 48;
export const WAITING_SIZE: usize = 56;
export const SUPPRESSION_SIZE: usize = 64;
/** A datagram's state in 56 octets, and as many of its own as a packet may have. */
export const REASSEMBLY_SIZE: usize = 56 + (LIMIT_PACKET_MAX as usize) + 4;

/** Octets beside the buckets for each destination: its stamp; for each source: stamp and station; for each flow entry: stamp and addresses. */
export const STAMP_ONLY: u32 = 4;
export const STAMP_AND_MAC: u32 = 12;
export const STAMP_AND_PAIR: u32 = 36;

/** Room for a record of any kind that can be listed. */
const LISTING_SIZE: usize = 48;

const CACHE_LINE: usize = 64;
/** AF_XDP wants its frames on page boundaries. */
const PAGE: usize = 4096;

@unmanaged
export class Capacities {
  batch: u32;
  destinations: u32;
  sources: u32;
  peers: u32;
  flows: u32;
  held: u32;
  flowEntries: u32;
}

export const capacities: Capacities = changetype<Capacities>(memory.data(offsetof<Capacities>(), 8));
const bases: usize = memory.data((AREAS as i32) * 4, 8);

export function legal(c: Capacities): bool {
  return (
    within(c.batch, LIMIT_BATCH_MAX) &&
    within(c.destinations, LIMIT_DESTINATIONS_MAX) &&
    within(c.sources, LIMIT_SOURCES_MAX) &&
    within(c.peers, LIMIT_PEERS_MAX) &&
    within(c.flows, LIMIT_FLOWS_MAX) &&
    within(c.held, LIMIT_HELD_MAX) &&
    c.flowEntries <= LIMIT_FLOW_ENTRIES_MAX
  );
}

function within(value: u32, max: u32): bool {
  return value - 1 < max;
}

function flowBuckets(c: Capacities): u32 {
  return powerOfTwo((c.flows + LIMIT_FLOW_WAYS - 1) / LIMIT_FLOW_WAYS);
}

/** Entries that can refer to an adjacency. */
function references(c: Capacities): u32 {
  return c.destinations + c.sources + c.flowEntries;
}

/** Records of an area. */
export function records(area: u32, c: Capacities): u32 {
  switch (area) {
    case AREA_FRAMES:
    case AREA_DESCRIPTORS:
    case AREA_OUTPUTS:
      return firstWaiting(c) + c.held + c.batch;
    case AREA_COMMANDS:
      return LIMIT_COMMANDS;
    case AREA_EVENTS:
      return LIMIT_EVENTS;
    case AREA_COUNTERS:
      return COUNTER_SLOTS;
    case AREA_ADJACENCIES:
      // One more than the entries that can refer to one: a replacing put takes the new before it gives up the old.
      return references(c) + 1;
    case AREA_DESTINATION_BUCKETS:
      return bucketsFor(c.destinations);
    case AREA_DESTINATION_STAMPS:
      return bucketsFor(c.destinations) * WAYS;
    case AREA_SOURCE_BUCKETS:
      return bucketsFor(c.sources);
    case AREA_SOURCE_STAMPS:
      return bucketsFor(c.sources) * WAYS;
    case AREA_PEER_BUCKETS:
      return bucketsFor(c.peers);
    case AREA_HOLD_BUCKETS:
      return bucketsFor(LIMIT_HOLDS);
    case AREA_FLOW_ENTRY_BUCKETS:
      return bucketsFor(c.flowEntries);
    case AREA_FLOW_ENTRY_STAMPS:
      return bucketsFor(c.flowEntries) * WAYS;
    case AREA_FLOW_HEADS:
      return flowBuckets(c);
    case AREA_FLOW_PAIRS:
      return flowBuckets(c) * LIMIT_FLOW_WAYS;
    case AREA_LISTING:
      return LIMIT_LISTING;
    case AREA_LOOKUP_KEYS:
    case AREA_LOOKUP_RESULTS:
      return c.batch;
    case AREA_ADJACENCY_HEADS:
      // Chains of one or two: they are walked for commands alone.
      return powerOfTwo(references(c)) >> 1;
    case AREA_HOLDS:
      return LIMIT_HOLDS;
    case AREA_WAITING:
      return c.held + c.batch;
    case AREA_SUPPRESSIONS:
      return LIMIT_SUPPRESSIONS;
    case AREA_REASSEMBLIES:
      return REASSEMBLIES;
    default:
      return 0;
  }
}

function recordSize(area: u32): usize {
  switch (area) {
    case AREA_FRAMES:
      return LIMIT_FRAME_SIZE;
    case AREA_DESCRIPTORS:
      return DESCRIPTOR_SIZE;
    case AREA_OUTPUTS:
    case AREA_ADJACENCY_HEADS:
    case AREA_LOOKUP_RESULTS:
      return sizeof<u32>();
    case AREA_COMMANDS:
      return COMMAND_SIZE;
    case AREA_EVENTS:
      return EVENT_SIZE;
    case AREA_COUNTERS:
      return sizeof<u64>();
    case AREA_ADJACENCIES:
      return ADJACENCY_SIZE;
    case AREA_LISTING:
      return LISTING_SIZE;
    case AREA_LOOKUP_KEYS:
      return 16;
    case AREA_DESTINATION_STAMPS:
      return STAMP_ONLY;
    case AREA_SOURCE_STAMPS:
      return STAMP_AND_MAC;
    case AREA_FLOW_ENTRY_STAMPS:
      return STAMP_AND_PAIR;
    case AREA_FLOW_HEADS:
      return 32;
    case AREA_FLOW_PAIRS:
      return 32;
    case AREA_HOLDS:
      return HOLD_SIZE;
    case AREA_WAITING:
      return WAITING_SIZE;
    case AREA_SUPPRESSIONS:
      return SUPPRESSION_SIZE;
    case AREA_REASSEMBLIES:
      return REASSEMBLY_SIZE;
    default:
      return BUCKET;
  }
}

/** Descriptor of the first frame that the module fills itself. */
export function firstMade(c: Capacities): u32 {
  return c.batch;
}

/** Descriptor of the first frame for packets on hold. */
export function firstWaiting(c: Capacities): u32 {
  return c.batch * 2 + c.held;
}

/** End of all areas when the first begins at `from`; 64 bits, so that too much is seen as such. */
export function measure(from: usize, c: Capacities): u64 {
  let end: u64 = from;
  for (let area: u32 = 0; area < AREAS; area++) {
    end = aligned(area, end) + (records(area, c) as u64) * recordSize(area);
  }
  return end;
}

/** Places all areas for `capacities` from `from` on. The memory has to be there, and zero. */
export function place(from: usize): void {
  let end: u64 = from;
  for (let area: u32 = 0; area < AREAS; area++) {
    end = aligned(area, end);
    store<u32>(bases + (area << 2), end as u32);
    end += (records(area, capacities) as u64) * recordSize(area);
  }
}

function aligned(area: u32, at: u64): u64 {
  const step: u64 = area == AREA_FRAMES ? PAGE : CACHE_LINE;
  return (at + step - 1) & ~(step - 1);
}

/** First record of an area; 0 before `place`. */
export function areaBase(area: u32): usize {
  return load<u32>(bases + (area << 2));
}

export function frameAt(index: u32): usize {
  return areaBase(AREA_FRAMES) + (index as usize) * (LIMIT_FRAME_SIZE as usize);
}

export function descriptorAt(index: u32): usize {
  return areaBase(AREA_DESCRIPTORS) + (index as usize) * DESCRIPTOR_SIZE;
}
