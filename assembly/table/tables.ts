/** The four prefix tables of an instance. */
import { AREA_DESTINATIONS, AREA_PEERS, AREA_SOURCES, LIMIT_HOLDS } from '../../bindings/generated/abi.as';
import { AREA_HOLD_SLOTS, areaBase, capacities, records } from '../mem/areas';
import { PREFIX_TABLE_SIZE, PrefixTable, prefixReset } from './prefix';

export const DESTINATIONS: PrefixTable = changetype<PrefixTable>(memory.data(PREFIX_TABLE_SIZE, 16));
export const SOURCES: PrefixTable = changetype<PrefixTable>(memory.data(PREFIX_TABLE_SIZE, 16));
export const PEERS: PrefixTable = changetype<PrefixTable>(memory.data(PREFIX_TABLE_SIZE, 16));
/** Hold entries by (prefix, direction); the value of a slot is the index of the hold. */
export const HOLDS: PrefixTable = changetype<PrefixTable>(memory.data(PREFIX_TABLE_SIZE, 16));

export function resetTables(): void {
  reset(DESTINATIONS, AREA_DESTINATIONS, capacities.destinations);
  reset(SOURCES, AREA_SOURCES, capacities.sources);
  reset(PEERS, AREA_PEERS, capacities.peers);
  reset(HOLDS, AREA_HOLD_SLOTS, LIMIT_HOLDS);
}

function reset(table: PrefixTable, area: u32, capacity: u32): void {
  prefixReset(table, areaBase(area), records(area, capacities), capacity);
}
