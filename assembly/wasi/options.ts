/** The instance that the options of the entries file ask for. */
import {
  INIT_FLAG_CLAMP_MSS,
  INIT_FLAG_HOP_LIMIT_DONE,
  LIMIT_BATCH_MAX,
  LIMIT_DESTINATIONS_MAX,
  LIMIT_FLOWS_MAX,
  LIMIT_FLOW_ENTRIES_MAX,
  LIMIT_HELD_MAX,
  LIMIT_MTU_MAX,
  LIMIT_MTU_MIN,
  LIMIT_PEERS_MAX,
  LIMIT_SOURCES_MAX,
  STATUS_OK,
} from '../../bindings/generated/abi.as';
import { statusName } from '../../bindings/generated/names.as';
import { Capacities } from '../mem/areas';
import { init, plan } from '../path/instance';
import { address, expectObject, flag, hexadecimal, wholeOr } from './fields';
import { Json, beginFault, member } from './json';
import { EXIT_USAGE, fail, put } from './print';

const DEFAULT_MTU: u32 = 1500;

const capacities: Capacities = changetype<Capacities>(memory.data(offsetof<Capacities>(), 8));
const LOCATOR: usize = memory.data(16, 8);

let seed: u64 = 0;
let coreMtu: u32 = 0;
let flags: u32 = 0;

/** Reads the object `options`. */
export function readOptions(node: Json): void {
  expectObject(node, 'locator coreMtu seed hopLimitDone clampMss capacities');
  address(node, 'locator', LOCATOR);
  coreMtu = wholeOr(node, 'coreMtu', LIMIT_MTU_MIN, LIMIT_MTU_MAX, DEFAULT_MTU);
  seed = hexadecimal(node, 'seed');
  flags =
    (flag(node, 'hopLimitDone') ? INIT_FLAG_HOP_LIMIT_DONE : 0) |
    (flag(node, 'clampMss') ? INIT_FLAG_CLAMP_MSS : 0);
  const given = member(node, 'capacities');
  if (given !== null) expectObject(given, 'batch destinations sources peers flows held flowEntries');
  capacities.batch = capacity(given, 'batch', 1, LIMIT_BATCH_MAX, 64);
  capacities.destinations = capacity(given, 'destinations', 1, LIMIT_DESTINATIONS_MAX, 4096);
  capacities.sources = capacity(given, 'sources', 1, LIMIT_SOURCES_MAX, 4096);
  capacities.peers = capacity(given, 'peers', 1, LIMIT_PEERS_MAX, 256);
  capacities.flows = capacity(given, 'flows', 1, LIMIT_FLOWS_MAX, 4096);
  capacities.held = capacity(given, 'held', 1, LIMIT_HELD_MAX, 256);
  capacities.flowEntries = capacity(given, 'flowEntries', 0, LIMIT_FLOW_ENTRIES_MAX, 256);
}

function capacity(given: Json | null, key: string, least: u32, most: u32, absent: u32): u32 {
  return given === null ? absent : wholeOr(given, key, least, most, absent);
}

/** Octets of memory that the instance needs, static data included; 0 where it cannot be. */
export function plannedMemory(): u32 {
  const c = capacities;
  return plan(c.batch, c.destinations, c.sources, c.peers, c.flows, c.held, c.flowEntries);
}

/** Makes the instance; `node` are the options, for a fault. The memory for it has to be zero. */
export function makeInstance(node: Json): void {
  const c = capacities;
  const high = bswap<u64>(load<u64>(LOCATOR));
  const low = bswap<u64>(load<u64>(LOCATOR, 8));
  const status = init(
    c.batch,
    c.destinations,
    c.sources,
    c.peers,
    c.flows,
    c.held,
    c.flowEntries,
    seed,
    high,
    low,
    coreMtu,
    flags,
  );
  if (status == STATUS_OK) return;
  beginFault(node);
  put('the data plane answers "');
  put(statusName(status));
  put('"');
  fail(EXIT_USAGE);
}
