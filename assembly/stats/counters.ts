import { AREA_COUNTERS, DROP_COUNTER_BASE } from '../../bindings/generated/abi.as';
import { areaBase } from '../mem/areas';

export function count(counter: u32, by: u32 = 1): void {
  const at = areaBase(AREA_COUNTERS) + (counter << 3);
  store<u64>(at, load<u64>(at) + by);
}

export function countDrop(reason: u32): void {
  count(DROP_COUNTER_BASE + reason);
}
