/**
 * `bench`: look-ups, encapsulation and decapsulation under the runtime at hand. Every round asks for other entries of
 * the table; what is timed are the calls of the data plane alone. docs/benchmarks.md compares engines more thoroughly.
 */
import {
  AREA_COMMANDS,
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  COMMAND_ADDRESS_AT,
  COMMAND_LENGTH_AT,
  COMMAND_MAC_AT,
  COMMAND_OP_AT,
  COMMAND_PREFIX_AT,
  COMMAND_PUT_DELIVER,
  COMMAND_PUT_PEER,
  COMMAND_PUT_SOURCE,
  COMMAND_PUT_TUNNEL,
  COMMAND_SIZE,
  COMMAND_STATUS_AT,
  LIMIT_DESTINATIONS_MAX,
  NONE,
  PORT_CORE,
  STATUS_OK,
  VERDICT_CORE,
  VERDICT_DELIVER,
} from '../../bindings/generated/abi.as';
import { areaBase } from '../mem/areas';
import { store16be } from '../mem/words';
import { apply, init, lookup, run } from '../path/instance';
import { outputAt } from '../path/outputs';
import { argumentAt, argumentCount, argumentIs, argumentLength, wholeNumber } from './arguments';
import { setInput, verdictOf } from './packets';
import { EXIT_FAULT, failWith, put, putNumber, say } from './print';
import { usage } from './usage';
import { CLOCK_MONOTONIC, clock_time_get } from './wasi_snapshot_preview1';

const BATCH: u32 = 64;
const ROUNDS: u32 = 15;
const CALLS: u32 = 512;
const DEFAULT_ENTRIES: u64 = 1000;
const HEADER: usize = 40;
/** Header and 64 octets. */
const PACKET: usize = 104;
const NOW: u64 = 1000;
const CORE_MTU: u32 = 1500;

/** 2001:db8:ffff::1, and its peer ::2, as numbers. */
const LOCATOR_HIGH: u64 = 0x20010db8_ffff0000;
const OURS_LOW: u64 = 1;
const PEER_LOW: u64 = 2;
/** First half of the addresses of stations, in network order; the second is made of the number of the entry. */
const STATION_HIGH: u64 = 0x20010db8_00010000;
const GOLDEN_RATIO: u64 = 0x9e3779b97f4a7c15;

const TIMES: usize = memory.data(120, 8);
const CLOCK: usize = memory.data(8, 8);
const FRAME: usize = memory.data(144, 8);

let asked: u64 = 0;
let failures: u32 = 0;

/** Runs `bench lookup|encap|decap [--entries N] [--json]`. */
export function bench(): u32 {
  if (argumentCount() < 3) return usage();
  const lookups = argumentIs(2, 'lookup');
  const decap = argumentIs(2, 'decap');
  if (!lookups && !decap && !argumentIs(2, 'encap')) return usage();
  let entries = DEFAULT_ENTRIES;
  let json = false;
  for (let i: u32 = 3; i < argumentCount(); i++) {
    if (argumentIs(i, '--json')) json = true;
    else if (argumentIs(i, '--entries') && ++i < argumentCount()) {
      entries = wholeNumber(argumentAt(i), argumentLength(i), LIMIT_DESTINATIONS_MAX);
    } else return usage();
  }
  if (entries == 0 || entries > LIMIT_DESTINATIONS_MAX) return usage();
  fill(entries as u32, decap);
  for (let round: u32 = 0; round < ROUNDS; round++) {
    let spent: u64 = 0;
    for (let call: u32 = 0; call < CALLS; call++) {
      spent += lookups ? timeLookups(entries) : timePackets(entries, decap);
    }
    store<u64>(TIMES + (round << 3), spent);
  }
  if (failures > 0) failWith(EXIT_FAULT, 'bench: a packet or a look-up went astray');
  report(lookups ? 'lookup' : decap ? 'decap' : 'encap', entries, json);
  return 0;
}

/** Makes the instance and puts in what the packets need. */
function fill(entries: u32, decap: bool): void {
  if (init(BATCH, entries, 16, 16, 65536, 16, 0, 0, LOCATOR_HIGH, OURS_LOW, CORE_MTU, 0) != STATUS_OK) {
    failWith(EXIT_FAULT, 'bench: no memory for so many entries');
  }
  const at = areaBase(AREA_COMMANDS);
  for (let number: u32 = 0; number < entries; number++) {
    memory.fill(at, 0, COMMAND_SIZE);
    store<u8>(at, (decap ? COMMAND_PUT_DELIVER : COMMAND_PUT_TUNNEL) as u8, COMMAND_OP_AT);
    store<u8>(at, 128, COMMAND_LENGTH_AT);
    storeStation(at + COMMAND_PREFIX_AT, number);
    storeAddress(at + COMMAND_ADDRESS_AT, LOCATOR_HIGH, PEER_LOW);
    store<u8>(at, 2, COMMAND_MAC_AT);
    carryOut(at);
  }
  memory.fill(at, 0, COMMAND_SIZE);
  store<u8>(at, COMMAND_PUT_PEER as u8, COMMAND_OP_AT);
  storeAddress(at + COMMAND_PREFIX_AT, LOCATOR_HIGH, PEER_LOW);
  carryOut(at);
  memory.fill(at, 0, COMMAND_SIZE);
  store<u8>(at, COMMAND_PUT_SOURCE as u8, COMMAND_OP_AT);
  carryOut(at);
}

function carryOut(at: usize): void {
  apply(1);
  if (load<u8>(at, COMMAND_STATUS_AT) != STATUS_OK) failWith(EXIT_FAULT, 'bench: an entry was refused');
}

function storeAddress(at: usize, high: u64, low: u64): void {
  store<u64>(at, bswap<u64>(high));
  store<u64>(at, bswap<u64>(low), 8);
}

/** A product with an odd number, so that no two entries have the same address. */
function storeStation(at: usize, number: u64): void {
  storeAddress(at, STATION_HIGH, number * GOLDEN_RATIO);
}

/** The entry that is asked for next; a stride that is a prime over the largest table visits all of them. */
function next(entries: u64): u64 {
  asked += 1_048_583;
  return asked % entries;
}

function clock(): u64 {
  clock_time_get(CLOCK_MONOTONIC, 1, CLOCK);
  return load<u64>(CLOCK);
}

function timeLookups(entries: u64): u64 {
  const keys = areaBase(AREA_LOOKUP_KEYS);
  for (let i: usize = 0; i < BATCH; i++) storeStation(keys + (i << 4), next(entries));
  const start = clock();
  lookup(BATCH, NOW);
  const spent = clock() - start;
  const results = areaBase(AREA_LOOKUP_RESULTS);
  for (let i: usize = 0; i < BATCH; i++) failures += (load<u32>(results + (i << 2)) == NONE) as u32;
  return spent;
}

function timePackets(entries: u64, decap: bool): u64 {
  const inner = decap ? FRAME + HEADER : FRAME;
  if (decap) {
    header(FRAME, PACKET, 41);
    storeAddress(FRAME + 8, LOCATOR_HIGH, PEER_LOW);
    storeAddress(FRAME + 24, LOCATOR_HIGH, OURS_LOW);
  }
  header(inner, PACKET - HEADER, 17);
  storeAddress(inner + 8, STATION_HIGH + 1, 1);
  for (let i: u32 = 0; i < BATCH; i++) {
    storeStation(inner + 24, next(entries));
    setInput(i, FRAME, decap ? PACKET + HEADER : PACKET, decap ? PORT_CORE : 0, 0);
  }
  const start = clock();
  run(BATCH, NOW);
  const spent = clock() - start;
  const wanted = decap ? VERDICT_DELIVER : VERDICT_CORE;
  for (let i: u32 = 0; i < BATCH; i++) failures += (verdictOf(outputAt(i)) != wanted) as u32;
  return spent;
}

function header(at: usize, payload: usize, protocol: u32): void {
  store<u32>(at, 0x60);
  store16be(at + 4, payload as u32);
  store<u8>(at, protocol as u8, 6);
  store<u8>(at, 64, 7);
}

/** The median of the rounds, in picoseconds for one packet or look-up. */
function median(): u64 {
  for (let i: u32 = 1; i < ROUNDS; i++) {
    for (let j = i; j > 0 && load<u64>(TIMES + (j << 3)) < load<u64>(TIMES + (j << 3) - 8); j--) {
      const later = load<u64>(TIMES + (j << 3));
      store<u64>(TIMES + (j << 3), load<u64>(TIMES + (j << 3) - 8));
      store<u64>(TIMES + (j << 3) - 8, later);
    }
  }
  return (load<u64>(TIMES + ((ROUNDS / 2) << 3)) * 1000) / (CALLS * BATCH);
}

function report(name: string, entries: u64, json: bool): void {
  const picoseconds = median();
  put(json ? '{"bench":"' : '');
  put(name);
  put(json ? '","entries":' : ', ');
  putNumber(entries);
  put(json ? ',"nanoseconds":' : ' entries: ');
  putNumber(picoseconds / 1000);
  put('.');
  putNumber((picoseconds % 1000) / 100);
  put(json ? '}' : ' ns each, median of 15 rounds');
  say();
}
