/** Address pairs seen of late: buckets of four, the oldest pair gives way. */
import {
  AREA_FLOWS,
  FLOW_DST_AT,
  FLOW_SEEN_AT,
  FLOW_SIZE,
  FLOW_SRC_AT,
  LIMIT_FLOW_WAYS,
} from '../../bindings/generated/abi.as';
import { areaBase, capacities, records } from '../mem/areas';
import { nowSeconds } from '../mem/clock';
import { copy16, equal16 } from '../mem/words';
import { raiseFlow } from '../stats/events';
import { hashAddress, hashStart } from './hash';

/** Stamps in whole seconds two apart are more than 1,000 ms apart. */
const SILENCE: u32 = 2;

/** Notes a packet of the pair; raises `flow` where the pair is new or has been silent. */
export function flowSeen(src: usize, dst: usize): void {
  const seconds = nowSeconds() + 1;
  const mask = records(AREA_FLOWS, capacities) / LIMIT_FLOW_WAYS - 1;
  const bucket = (hashAddress(hashAddress(hashStart(), src), dst) as usize) & mask;
  const first = areaBase(AREA_FLOWS) + bucket * (LIMIT_FLOW_WAYS as usize) * FLOW_SIZE;
  // An empty slot has stamp 0, so it also is the oldest; slots fill from the front and are never emptied.
  let oldest = first;
  for (let way: usize = 0; way < LIMIT_FLOW_WAYS; way++) {
    const slot = first + way * FLOW_SIZE;
    const seen = load<u32>(slot, FLOW_SEEN_AT);
    if (seen != 0 && equal16(slot + FLOW_SRC_AT, src) && equal16(slot + FLOW_DST_AT, dst)) {
      if (seen == seconds) return;
      store<u32>(slot, seconds, FLOW_SEEN_AT);
      if (seconds - seen >= SILENCE) raiseFlow(src, dst);
      return;
    }
    if (seen < load<u32>(oldest, FLOW_SEEN_AT)) oldest = slot;
  }
  copy16(oldest + FLOW_SRC_AT, src);
  copy16(oldest + FLOW_DST_AT, dst);
  store<u32>(oldest, seconds, FLOW_SEEN_AT);
  raiseFlow(src, dst);
}
