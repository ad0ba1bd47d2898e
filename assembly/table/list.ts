/** Entries written out as records of the ABI, a part at a time: what tables look like inside is nobody else's concern. */
import {
  AREA_DESTINATIONS,
  AREA_FLOWS,
  AREA_FLOW_ENTRIES,
  AREA_LISTING,
  AREA_PEERS,
  AREA_SOURCES,
  FLOW_SIZE,
  LIMIT_LISTING,
  NONE,
  SLOT_LAST_USED_AT,
  SLOT_LENGTH_AT,
  SLOT_MAC_AT,
  SLOT_PREFIX_AT,
  SLOT_SCOPE_AT,
  SLOT_SIZE,
  SLOT_VALUE_AT,
} from '../../bindings/generated/abi.as';
import { AREA_FLOW_HEADS, areaBase, capacities, records } from '../mem/areas';
import { load48, store48 } from '../mem/words';
import { BucketTable, bucketPlaces, isEntry, placeAt } from './bucket';
import { flowRecord } from './flow';
import { entryMac, entryScope, entryStamp, entryValue, prefixAddress, prefixLength } from './prefix';
import { DESTINATIONS, FLOW_ENTRIES, PEERS, SOURCES } from './tables';
import { flowEntryRecord } from './tuple';

const FLOW_WAYS: u32 = 4;

/**
 * Fills the listing area from place `from` of a table on; octets that no entry takes are zero. Where to go on, or NONE
 * at the end and for an unknown table.
 */
export function listEntries(area: u32, from: u32): u32 {
  const listing = areaBase(AREA_LISTING);
  const flows = area == AREA_FLOWS;
  const size = flows || area == AREA_FLOW_ENTRIES ? FLOW_SIZE : SLOT_SIZE;
  memory.fill(listing, 0, (LIMIT_LISTING as usize) * size);
  const table = tableOf(area);
  if (!flows && changetype<usize>(table) == 0) return NONE;
  const places = flows ? records(AREA_FLOW_HEADS, capacities) * FLOW_WAYS : bucketPlaces(table);
  let to = listing;
  const end = listing + (LIMIT_LISTING as usize) * size;
  for (; from < places && to < end; from++) {
    const written = flows ? flowRecord(from, to) : slotRecord(table, area, from, to);
    if (written) to += size;
  }
  return from < places ? from : NONE;
}

function tableOf(area: u32): BucketTable {
  switch (area) {
    case AREA_DESTINATIONS:
      return DESTINATIONS;
    case AREA_SOURCES:
      return SOURCES;
    case AREA_PEERS:
      return PEERS;
    case AREA_FLOW_ENTRIES:
      return FLOW_ENTRIES;
    default:
      return changetype<BucketTable>(0);
  }
}

function slotRecord(table: BucketTable, area: u32, index: u32, to: usize): bool {
  if (area == AREA_FLOW_ENTRIES) return flowEntryRecord(index, to);
  const word = placeAt(table, index);
  if (!isEntry(word)) return false;
  prefixAddress(word, to + SLOT_PREFIX_AT);
  store<u8>(to, (prefixLength(word) + 1) as u8, SLOT_LENGTH_AT);
  if (area == AREA_PEERS) return true;
  store<u32>(to, entryValue(word), SLOT_VALUE_AT);
  store<u32>(to, load<u32>(entryStamp(table, word)), SLOT_LAST_USED_AT);
  if (area == AREA_DESTINATIONS) return true;
  store<u8>(to, entryScope(word) as u8, SLOT_SCOPE_AT);
  store48(to + SLOT_MAC_AT, load48(entryMac(table, word)));
  return true;
}
