/** The calls of the ABI: making the instance (its only growth of memory), and what is refused before that. */
import {
  ABI_VERSION,
  AREA_FLOW_ENTRIES,
  INIT_FLAG_CLAMP_MSS,
  INIT_FLAG_HOP_LIMIT_DONE,
  LIMIT_COMMANDS,
  LIMIT_MTU_MAX,
  LIMIT_MTU_MIN,
  NONE,
  STATUS_INVALID,
  STATUS_MEMORY,
  STATUS_OK,
  STATUS_STATE,
} from '../../bindings/generated/abi.as';
import { Capacities, areaBase, capacities, legal, measure, place, records } from '../mem/areas';
import { LOCATOR, setOptions } from '../mem/options';
import { takeEvents } from '../stats/events';
import { setSeed } from '../table/hash';
import { resetFlows } from '../table/flow';
import { listEntries } from '../table/list';
import { resetTables } from '../table/tables';
import { isTunnelEnd } from '../wire/ipv6';
import { runBatch } from './batch';
import { applyCommands } from './commands';
import { setIdentification } from './encapsulate';
import { heldDeadline } from './hold';
import { lookupAddresses } from './lookup';

const PAGE: u64 = 65536;
const ADDRESS_SPACE: u64 = 1 << 32;

/** Capacities that `plan` was asked about; those of the instance stay as they are. */
const asked: Capacities = changetype<Capacities>(memory.data(offsetof<Capacities>(), 8));

let ready: bool = false;

export function abi_version(): u32 {
  return ABI_VERSION;
}

export function plan(
  batch: u32,
  destinations: u32,
  sources: u32,
  peers: u32,
  flows: u32,
  held: u32,
  flow_entries: u32,
): u32 {
  fill(asked, batch, destinations, sources, peers, flows, held, flow_entries);
  if (!legal(asked)) return 0;
  const end = (measure(__heap_base, asked) + PAGE - 1) & ~(PAGE - 1);
  return end < ADDRESS_SPACE ? (end as u32) : 0;
}

export function init(
  batch: u32,
  destinations: u32,
  sources: u32,
  peers: u32,
  flows: u32,
  held: u32,
  flow_entries: u32,
  seed: u64,
  locator_high: u64,
  locator_low: u64,
  core_mtu: u32,
  flags: u32,
): u32 {
  if (ready) return STATUS_STATE;
  const bytes = plan(batch, destinations, sources, peers, flows, held, flow_entries);
  if (bytes == 0 || core_mtu < LIMIT_MTU_MIN || core_mtu > LIMIT_MTU_MAX) return STATUS_INVALID;
  setOptions(locator_high, locator_low, core_mtu, flags);
  if ((flags & ~(INIT_FLAG_HOP_LIMIT_DONE | INIT_FLAG_CLAMP_MSS)) != 0 || !isTunnelEnd(LOCATOR))
    return STATUS_INVALID;
  const pages = (bytes as u64) / PAGE;
  const present: u64 = memory.size();
  if (pages > present && memory.grow((pages - present) as i32) < 0) return STATUS_MEMORY;
  fill(capacities, batch, destinations, sources, peers, flows, held, flow_entries);
  place(__heap_base);
  setSeed(seed);
  setIdentification(seed as u32);
  resetTables();
  resetFlows();
  ready = true;
  return STATUS_OK;
}

function fill(
  to: Capacities,
  batch: u32,
  destinations: u32,
  sources: u32,
  peers: u32,
  flows: u32,
  held: u32,
  flow_entries: u32,
): void {
  to.batch = batch;
  to.destinations = destinations;
  to.sources = sources;
  to.peers = peers;
  to.flows = flows;
  to.held = held;
  to.flowEntries = flow_entries;
}

export function base(area: u32): u32 {
  return extent(area) != 0 ? (areaBase(area) as u32) : 0;
}

export function extent(area: u32): u32 {
  return ready && area <= AREA_FLOW_ENTRIES ? records(area, capacities) : 0;
}

export function apply(count: u32): u32 {
  if (!ready) return STATUS_STATE;
  if (count > LIMIT_COMMANDS) return STATUS_INVALID;
  applyCommands(count);
  return STATUS_OK;
}

export function run(count: u32, now: u64): u32 {
  if (!ready || count > capacities.batch) return NONE;
  return runBatch(count, now);
}

export function events(): u32 {
  return takeEvents();
}

export function deadline(): u64 {
  return heldDeadline();
}

export function lookup(count: u32, now: u64): u32 {
  if (!ready) return STATUS_STATE;
  if (count > capacities.batch) return STATUS_INVALID;
  lookupAddresses(count, now);
  return STATUS_OK;
}

export function entries(table: u32, from: u32): u32 {
  return ready ? listEntries(table, from) : NONE;
}
