/** Areas in memory of the test's own heap: `init` would take the memory that the heap of as-pect grows in. */
import { capacities, measure, place } from '../../assembly/mem/areas';
import { setOptions } from '../../assembly/mem/options';
import { setSeed } from '../../assembly/table/hash';
import { resetFlows } from '../../assembly/table/flow';
import { resetTables } from '../../assembly/table/tables';

const ALIGNMENT: usize = 4096;

/** Zeroed memory that is never freed. */
export function zeroed(size: usize): usize {
  const at = heap.alloc(size);
  memory.fill(at, 0, size);
  return at;
}

export function makeInstance(batch: u32, entries: u32, flows: u32, held: u32): void {
  capacities.batch = batch;
  capacities.destinations = entries;
  capacities.sources = entries;
  capacities.peers = entries;
  capacities.flows = flows;
  capacities.held = held;
  capacities.flowEntries = entries;
  const at = zeroed((measure(0, capacities) as usize) + ALIGNMENT);
  place((at + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
  setSeed(0x1122334455667788);
  setOptions(0x20010db800ff0000, 1, 1500, 0);
  resetTables();
  resetFlows();
}

/** An address of documentation space in 16 octets of their own. */
export function address(subnet: u32, host: u32): usize {
  const at = zeroed(16);
  store<u32>(at, 0xb80d0120);
  store<u32>(at, bswap<u32>(subnet), 4);
  store<u32>(at, bswap<u32>(host), 12);
  return at;
}
