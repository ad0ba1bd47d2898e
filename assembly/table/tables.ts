/** The tables of entries of an instance. */
import { LIMIT_HOLDS } from '../../bindings/generated/abi.as';
import {
  AREA_DESTINATION_BUCKETS,
  AREA_DESTINATION_STAMPS,
  AREA_FLOW_ENTRY_BUCKETS,
  AREA_FLOW_ENTRY_STAMPS,
  AREA_HOLD_BUCKETS,
  AREA_PEER_BUCKETS,
  AREA_SOURCE_BUCKETS,
  AREA_SOURCE_STAMPS,
  STAMP_AND_MAC,
  STAMP_AND_PAIR,
  STAMP_ONLY,
  areaBase,
  capacities,
  records,
} from '../mem/areas';
import { BucketTable, EPOCH_MASK, HOST_MARK } from './bucket';
import { PREFIX_TABLE_SIZE, prefixMasks, prefixReset } from './prefix';

/** By prefix; bits 22 to 30 of the mark are the epoch of the last use. */
export const DESTINATIONS: BucketTable = changetype<BucketTable>(memory.data(PREFIX_TABLE_SIZE, 16));
/** By prefix and link, which is the scope. */
export const SOURCES: BucketTable = changetype<BucketTable>(memory.data(PREFIX_TABLE_SIZE, 16));
export const PEERS: BucketTable = changetype<BucketTable>(memory.data(PREFIX_TABLE_SIZE, 16));
/** Hold entries by prefix and direction, which is the scope; the value of an entry is the index of the hold. */
export const HOLDS: BucketTable = changetype<BucketTable>(memory.data(PREFIX_TABLE_SIZE, 16));
/** By the keys of tuple.ts, all of which are whole. */
export const FLOW_ENTRIES: BucketTable = changetype<BucketTable>(memory.data(PREFIX_TABLE_SIZE, 16));

const SCOPED: u32 = HOST_MARK | EPOCH_MASK;

export function resetTables(): void {
  prefixMasks();
  const stamps = areaBase(AREA_DESTINATION_STAMPS);
  const owners = areaBase(AREA_SOURCE_STAMPS);
  reset(DESTINATIONS, AREA_DESTINATION_BUCKETS, capacities.destinations, HOST_MARK, stamps, STAMP_ONLY);
  reset(SOURCES, AREA_SOURCE_BUCKETS, capacities.sources, SCOPED, owners, STAMP_AND_MAC);
  reset(PEERS, AREA_PEER_BUCKETS, capacities.peers, SCOPED, 0, 0);
  const tuples = areaBase(AREA_FLOW_ENTRY_STAMPS);
  reset(FLOW_ENTRIES, AREA_FLOW_ENTRY_BUCKETS, capacities.flowEntries, SCOPED, tuples, STAMP_AND_PAIR);
  reset(HOLDS, AREA_HOLD_BUCKETS, LIMIT_HOLDS, SCOPED, 0, 0);
}

function reset(table: BucketTable, area: u32, capacity: u32, keyMask: u32, side: usize, sideSize: u32): void {
  prefixReset(table, areaBase(area), records(area, capacities), capacity, keyMask, side, sideSize);
}
