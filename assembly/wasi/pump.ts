/** `pump`: the calls of the ABI through standard input and output (bindings/pump/README.md). */
import {
  ABI_VERSION,
  ADJACENCY_SIZE,
  AREA_ADJACENCIES,
  AREA_COMMANDS,
  AREA_COUNTERS,
  AREA_DESTINATIONS,
  AREA_EVENTS,
  AREA_FLOWS,
  AREA_FLOW_ENTRIES,
  AREA_LISTING,
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  AREA_OUTPUTS,
  COMMAND_SIZE,
  COMMAND_STATUS_AT,
  COUNTER_SLOTS,
  DESCRIPTOR_FLAGS_AT,
  DESCRIPTOR_FLAG_MAC,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_MAC_AT,
  DESCRIPTOR_PORT_AT,
  DESCRIPTOR_SIZE,
  EVENT_SIZE,
  FLOW_ENTRY_VALUE_AT,
  FLOW_SIZE,
  LIMIT_COMMANDS,
  LIMIT_LISTING,
  LIMIT_PACKET_MAX,
  NONE,
  SLOT_SIZE,
  SLOT_VALUE_AT,
  STATUS_OK,
  VERDICT_CORE,
  VERDICT_DELIVER,
  VERDICT_DROP,
  VERDICT_HOLD,
} from '../../bindings/generated/abi.as';
import {
  INIT_BATCH_AT,
  INIT_CORE_MTU_AT,
  INIT_DESTINATIONS_AT,
  INIT_FLAGS_AT,
  INIT_FLOWS_AT,
  INIT_FLOW_ENTRIES_AT,
  INIT_HELD_AT,
  INIT_LOCATOR_AT,
  INIT_PEERS_AT,
  INIT_SEED_AT,
  INIT_SIZE,
  INIT_SOURCES_AT,
  INSTANCE_SIZE,
  KIND_APPLY,
  KIND_COUNTERS,
  KIND_ENTRIES,
  KIND_EVENTS,
  KIND_HELLO,
  KIND_INIT,
  KIND_LOOKUP,
  KIND_PROCESS,
  LISTING_REQUEST_FROM_AT,
  LISTING_REQUEST_SIZE,
  LISTING_REQUEST_TABLE_AT,
  LISTING_SIZE,
  PUMP_VERSION,
  VERSIONS_SIZE,
} from '../../bindings/generated/pump.as';
import { areaBase, capacities, descriptorAt } from '../mem/areas';
import { apply, entries, events, extent, init, lookup, plan, run } from '../path/instance';
import { outputAt } from '../path/outputs';
import {
  append,
  append32,
  appendZeros,
  beginAnswer,
  bodyAt,
  bodyLength,
  flush,
  moveBehind,
  nextRequest,
  refuse,
  requestKind,
  requestNumber,
} from './messages';
import { adjacencyOf, packetAt, packetSize, setInput, verdictOf } from './packets';

const ADDRESS: usize = 16;

/** Reserved octets of `init`, which the table of constants leaves out. */
const INIT_RESERVED_AT: usize = 44;

let ready: bool = false;

/** Answers requests until standard input ends; the exit code. */
export function pump(): u32 {
  while (nextRequest()) {
    const kind = requestKind();
    if (kind == KIND_HELLO) hello();
    else if (kind == KIND_INIT) initialise();
    else if (!ready) refuse('a request before "init"');
    else call(kind);
  }
  flush();
  return 0;
}

function call(kind: u32): void {
  switch (kind) {
    case KIND_APPLY:
      return carryOut();
    case KIND_PROCESS:
      return process();
    case KIND_EVENTS:
      return takeEvents();
    case KIND_LOOKUP:
      return lookUp();
    case KIND_COUNTERS:
      return counters();
    case KIND_ENTRIES:
      return list();
  }
  refuse('a request of an unknown kind');
}

function expectLength(size: usize): void {
  if (bodyLength() != size) refuse('a request whose length does not fit its kind');
}

function hello(): void {
  expectLength(0);
  beginAnswer(VERSIONS_SIZE);
  append32(PUMP_VERSION);
  append32(ABI_VERSION);
}

function initialise(): void {
  if (ready) refuse('"init" of a data plane that there is already');
  expectLength(INIT_SIZE);
  const at = bodyAt();
  if (load<u32>(at, INIT_RESERVED_AT) != 0) refuse('an "init" whose reserved octets are not zero');
  const batch = load<u32>(at, INIT_BATCH_AT);
  const destinations = load<u32>(at, INIT_DESTINATIONS_AT);
  const sources = load<u32>(at, INIT_SOURCES_AT);
  const peers = load<u32>(at, INIT_PEERS_AT);
  const flows = load<u32>(at, INIT_FLOWS_AT);
  const held = load<u32>(at, INIT_HELD_AT);
  const flowEntries = load<u32>(at, INIT_FLOW_ENTRIES_AT);
  const status = init(
    batch,
    destinations,
    sources,
    peers,
    flows,
    held,
    flowEntries,
    load<u64>(at, INIT_SEED_AT),
    bswap<u64>(load<u64>(at, INIT_LOCATOR_AT)),
    bswap<u64>(load<u64>(at + 8, INIT_LOCATOR_AT)),
    load<u32>(at, INIT_CORE_MTU_AT),
    load<u32>(at, INIT_FLAGS_AT),
  );
  ready = status == STATUS_OK;
  if (ready) moveBehind(plan(batch, destinations, sources, peers, flows, held, flowEntries));
  beginAnswer(INSTANCE_SIZE);
  append32(status);
  append32(extent(AREA_OUTPUTS));
  append32(extent(AREA_ADJACENCIES));
}

/** Records of `size` octets that the body is made of, `most` at most. */
function recordCount(size: usize, most: u32): u32 {
  const count = bodyLength() / size;
  if (count * size != bodyLength() || count > most) refuse('a request whose length does not fit its kind');
  return count as u32;
}

function carryOut(): void {
  const count = recordCount(COMMAND_SIZE, LIMIT_COMMANDS);
  const commands = areaBase(AREA_COMMANDS);
  memory.copy(commands, bodyAt(), bodyLength());
  apply(count);
  beginAnswer(count);
  for (let i: usize = 0; i < count; i++) append(commands + i * COMMAND_SIZE + COMMAND_STATUS_AT, 1);
}

function process(): void {
  const outputs = run(takeIn(), requestNumber());
  let size: usize = 0;
  for (let position: u32 = 0; position < outputs; position++) {
    size += DESCRIPTOR_SIZE + ADJACENCY_SIZE + shownSize(outputAt(position));
  }
  beginAnswer(size);
  for (let position: u32 = 0; position < outputs; position++) {
    const index = outputAt(position);
    const verdict = verdictOf(index);
    append(descriptorAt(index), DESCRIPTOR_SIZE);
    if (verdict == VERDICT_DELIVER || verdict == VERDICT_CORE) append(adjacencyOf(index), ADJACENCY_SIZE);
    else appendZeros(ADJACENCY_SIZE);
    append(packetAt(index), shownSize(index));
  }
}

/** Puts the packets of the request into the frames; how many. */
function takeIn(): u32 {
  let at = bodyAt();
  const end = at + bodyLength();
  let count: u32 = 0;
  while (at < end) {
    const packet = at + DESCRIPTOR_SIZE;
    if (packet > end) refuse('a packet without descriptor');
    const size: usize = load<u16>(at, DESCRIPTOR_LENGTH_AT);
    if (size > LIMIT_PACKET_MAX + 1) refuse('a packet that is too long');
    if (packet + size > end) refuse('a packet shorter than its descriptor says');
    if (count == capacities.batch) refuse('more packets than a batch takes');
    const mac = (load<u8>(at, DESCRIPTOR_FLAGS_AT) & DESCRIPTOR_FLAG_MAC) != 0 ? at + DESCRIPTOR_MAC_AT : 0;
    setInput(count++, packet, size, load<u8>(at, DESCRIPTOR_PORT_AT), mac);
    at = packet + size;
  }
  return count;
}

/** Octets of an output that its answer carries. */
function shownSize(index: u32): usize {
  const verdict = verdictOf(index);
  return verdict == VERDICT_HOLD || verdict == VERDICT_DROP ? 0 : packetSize(index);
}

function takeEvents(): void {
  expectLength(0);
  const size = (events() as usize) * EVENT_SIZE;
  beginAnswer(size);
  append(areaBase(AREA_EVENTS), size);
}

function lookUp(): void {
  const count = recordCount(ADDRESS, capacities.batch);
  memory.copy(areaBase(AREA_LOOKUP_KEYS), bodyAt(), bodyLength());
  lookup(count, requestNumber());
  const results = areaBase(AREA_LOOKUP_RESULTS);
  beginAnswer((count as usize) * (4 + ADJACENCY_SIZE));
  append(results, (count as usize) << 2);
  for (let i: usize = 0; i < count; i++) appendAdjacency(load<u32>(results + (i << 2)));
}

function appendAdjacency(index: u32): void {
  if (index == NONE) appendZeros(ADJACENCY_SIZE);
  else append(areaBase(AREA_ADJACENCIES) + (index as usize) * ADJACENCY_SIZE, ADJACENCY_SIZE);
}

function counters(): void {
  expectLength(0);
  const size = (COUNTER_SLOTS as usize) << 3;
  beginAnswer(size);
  append(areaBase(AREA_COUNTERS), size);
}

function list(): void {
  expectLength(LISTING_REQUEST_SIZE);
  const table = load<u32>(bodyAt(), LISTING_REQUEST_TABLE_AT);
  const next = entries(table, load<u32>(bodyAt(), LISTING_REQUEST_FROM_AT));
  const size = table == AREA_FLOWS || table == AREA_FLOW_ENTRIES ? FLOW_SIZE : SLOT_SIZE;
  const listing = areaBase(AREA_LISTING);
  const count = listed(listing, size);
  const hasActions = table == AREA_DESTINATIONS || table == AREA_FLOW_ENTRIES;
  beginAnswer(LISTING_SIZE + count * (size + (hasActions ? ADJACENCY_SIZE : 0)));
  append32(next);
  append32(count as u32);
  append(listing, count * size);
  if (!hasActions) return;
  const value = table == AREA_FLOW_ENTRIES ? FLOW_ENTRY_VALUE_AT : SLOT_VALUE_AT;
  for (let i: usize = 0; i < count; i++) appendAdjacency(load<u32>(listing + i * size + value));
}

/** Records in the listing area; the first one of zeros alone is none. */
function listed(listing: usize, size: usize): usize {
  let count: usize = 0;
  while (count < LIMIT_LISTING && !isZero(listing + count * size, size)) count++;
  return count;
}

function isZero(at: usize, size: usize): bool {
  for (let i: usize = 0; i < size; i += 8) {
    if (load<u64>(at + i) != 0) return false;
  }
  return true;
}
