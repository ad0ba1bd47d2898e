/** The data plane at the other end of a pump (bindings/pump/README.md), as `DataPlaneModule` calls it. */
import {
  ADJACENCY_SIZE,
  AREA_ADJACENCIES,
  AREA_COMMANDS,
  AREA_COUNTERS,
  AREA_DESCRIPTORS,
  AREA_DESTINATIONS,
  AREA_EVENTS,
  AREA_FLOWS,
  AREA_FLOW_ENTRIES,
  AREA_FRAMES,
  AREA_LISTING,
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  AREA_OUTPUTS,
  COMMAND_SIZE,
  COMMAND_STATUS_AT,
  COUNTER_SLOTS,
  DESCRIPTOR_ADJACENCY_AT,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_OFFSET_AT,
  DESCRIPTOR_SIZE,
  DESCRIPTOR_VERDICT_AT,
  EVENT_SIZE,
  FLOW_ENTRY_VALUE_AT,
  FLOW_SIZE,
  LIMIT_BATCH_MAX,
  LIMIT_COMMANDS,
  LIMIT_DESTINATIONS_MAX,
  LIMIT_EVENTS,
  LIMIT_FLOW_ENTRIES_MAX,
  LIMIT_FRAME_SIZE,
  LIMIT_HEADROOM,
  LIMIT_HELD_MAX,
  LIMIT_LISTING,
  LIMIT_PACKET_MAX,
  LIMIT_SOURCES_MAX,
  NONE,
  SLOT_SIZE,
  SLOT_VALUE_AT,
  STATUS_INVALID,
  STATUS_OK,
  VERDICT_CORE,
  VERDICT_DELIVER,
  VERDICT_DROP,
  VERDICT_HOLD,
} from '../generated/abi.ts';
import {
  ANSWER_FLAG_EVENTS,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  INIT_BATCH_AT,
  INIT_CORE_MTU_AT,
  INIT_FLAGS_AT,
  INIT_LOCATOR_AT,
  INIT_SEED_AT,
  INIT_SIZE,
  INSTANCE_ADJACENCIES_AT,
  INSTANCE_OUTPUTS_AT,
  INSTANCE_SIZE,
  INSTANCE_STATUS_AT,
  KIND_APPLY,
  KIND_COUNTERS,
  KIND_ENTRIES,
  KIND_EVENTS,
  KIND_HELLO,
  KIND_INIT,
  KIND_LOOKUP,
  KIND_NAMES,
  KIND_PROCESS,
  LISTING_COUNT_AT,
  LISTING_NEXT_AT,
  LISTING_REQUEST_FROM_AT,
  LISTING_REQUEST_SIZE,
  LISTING_REQUEST_TABLE_AT,
  LISTING_SIZE,
  PUMP_VERSION,
  VERSIONS_ABI_AT,
  VERSIONS_PROTOCOL_AT,
  VERSIONS_SIZE,
} from '../generated/pump.ts';
import type { ModuleExports } from './exports.ts';

/** Sends a request and waits for its answer, header and body each. Both are valid until the next call. */
export type Exchange = (request: Uint8Array) => Uint8Array;

const ADDRESS = 16;
const CACHE_LINE = 64;
const NEVER = 2n ** 64n - 1n;
/** Requests without packets: commands are the longest. */
const LEAST_REQUEST = HEADER_SIZE + LIMIT_COMMANDS * COMMAND_SIZE;
const LISTING_RECORD = Math.max(SLOT_SIZE, FLOW_SIZE);

/** More than any capacities lead to. */
const OUTPUTS_MAX = 4 * (LIMIT_BATCH_MAX + LIMIT_HELD_MAX);
const ADJACENCIES_MAX = 2 * (LIMIT_DESTINATIONS_MAX + LIMIT_SOURCES_MAX + LIMIT_FLOW_ENTRIES_MAX);

interface Answer {
  readonly octets: Uint8Array;
  readonly view: DataView;
}

/**
 * Stands in for the exports of the module: keeps the areas that a host reads and writes in a memory of its own, and brings
 * what a call needs of them over and back. Outputs have descriptors of their own, behind those of the inputs.
 * Its calls throw an Error where the other end answers what it may not.
 */
export class PumpExports implements ModuleExports {
  readonly #exchange: Exchange;
  readonly #bases = new Map<number, number>();
  readonly #extents = new Map<number, number>();
  #octets = new Uint8Array();
  #view = new DataView(new ArrayBuffer(0));
  #request = new Uint8Array(LEAST_REQUEST);
  #requestView = new DataView(this.#request.buffer);
  #batch = 0;
  #deadline = NEVER;
  #hasEvents = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get memory(): { readonly buffer: ArrayBuffer } {
    return { buffer: this.#view.buffer };
  }

  abi_version(): number {
    const { view } = this.#call(KIND_HELLO, 0, VERSIONS_SIZE);
    const version = view.getUint32(VERSIONS_PROTOCOL_AT, true);
    if (version !== PUMP_VERSION) {
      throw new Error(`pump: the other end speaks version ${version}, this host ${PUMP_VERSION}`);
    }
    return view.getUint32(VERSIONS_ABI_AT, true);
  }

  init(...parameters: (number | bigint)[]): number {
    const [seed, high, low] = parameters.slice(7, 10) as [bigint, bigint, bigint];
    const [coreMtu, flags] = parameters.slice(10) as [number, number];
    const view = this.#requestView;
    this.#request.fill(0, HEADER_SIZE, HEADER_SIZE + INIT_SIZE);
    parameters.slice(0, 7).forEach((capacity, index) => {
      view.setUint32(HEADER_SIZE + INIT_BATCH_AT + 4 * index, Number(capacity), true);
    });
    view.setUint32(HEADER_SIZE + INIT_CORE_MTU_AT, coreMtu, true);
    view.setBigUint64(HEADER_SIZE + INIT_SEED_AT, seed, true);
    view.setUint32(HEADER_SIZE + INIT_FLAGS_AT, flags, true);
    view.setBigUint64(HEADER_SIZE + INIT_LOCATOR_AT, high);
    view.setBigUint64(HEADER_SIZE + INIT_LOCATOR_AT + 8, low);
    const answer = this.#call(KIND_INIT, INIT_SIZE, INSTANCE_SIZE).view;
    const status = answer.getUint32(INSTANCE_STATUS_AT, true);
    if (status !== STATUS_OK) return status;
    const outputs = answer.getUint32(INSTANCE_OUTPUTS_AT, true);
    const adjacencies = answer.getUint32(INSTANCE_ADJACENCIES_AT, true);
    if (outputs > OUTPUTS_MAX || adjacencies > ADJACENCIES_MAX) {
      throw fault(KIND_INIT, `${outputs} outputs and ${adjacencies} adjacencies`);
    }
    this.#place(Number(parameters[0]), outputs, adjacencies);
    return status;
  }

  /** Lays out the areas that a host uses; records that it only reads of `entries` have none. */
  #place(batch: number, outputs: number, adjacencies: number): void {
    const areas: readonly (readonly [area: number, records: number, size: number])[] = [
      [AREA_FRAMES, batch + outputs, LIMIT_FRAME_SIZE],
      [AREA_DESCRIPTORS, batch + outputs, DESCRIPTOR_SIZE],
      [AREA_OUTPUTS, outputs, 4],
      [AREA_COMMANDS, LIMIT_COMMANDS, COMMAND_SIZE],
      [AREA_EVENTS, LIMIT_EVENTS, EVENT_SIZE],
      [AREA_COUNTERS, COUNTER_SLOTS, 8],
      [AREA_ADJACENCIES, adjacencies, ADJACENCY_SIZE],
      [AREA_LISTING, LIMIT_LISTING, LISTING_RECORD],
      [AREA_LOOKUP_KEYS, batch, ADDRESS],
      [AREA_LOOKUP_RESULTS, batch, 4],
    ];
    let end = 0;
    for (const [area, records, size] of areas) {
      this.#bases.set(area, end);
      this.#extents.set(area, records);
      end = Math.ceil((end + records * size) / CACHE_LINE) * CACHE_LINE;
    }
    this.#octets = new Uint8Array(end);
    this.#view = new DataView(this.#octets.buffer);
    this.#batch = batch;
    this.#request = new Uint8Array(
      Math.max(LEAST_REQUEST, HEADER_SIZE + batch * (DESCRIPTOR_SIZE + LIMIT_PACKET_MAX + 1)),
    );
    this.#requestView = new DataView(this.#request.buffer);
    for (let index = 0; index < outputs; index++) {
      this.#view.setUint32(this.base(AREA_OUTPUTS) + 4 * index, batch + index, true);
    }
  }

  base(area: number): number {
    return this.#bases.get(area) ?? 0;
  }

  extent(area: number): number {
    return this.#extents.get(area) ?? 0;
  }

  apply(count: number): number {
    if (count > LIMIT_COMMANDS) return STATUS_INVALID;
    const commands = this.base(AREA_COMMANDS);
    this.#request.set(this.#octets.subarray(commands, commands + count * COMMAND_SIZE), HEADER_SIZE);
    const { octets } = this.#call(KIND_APPLY, count * COMMAND_SIZE, count);
    octets.forEach((status, index) => {
      this.#octets[commands + index * COMMAND_SIZE + COMMAND_STATUS_AT] = status;
    });
    return STATUS_OK;
  }

  process(count: number, now: bigint): number {
    if (count > this.#batch) return NONE;
    let size = 0;
    for (let index = 0; index < count; index++) size += this.#writePacket(HEADER_SIZE + size, index);
    return this.#takeOutputs(this.#call(KIND_PROCESS, size, undefined, now));
  }

  #writePacket(to: number, index: number): number {
    const descriptor = this.base(AREA_DESCRIPTORS) + index * DESCRIPTOR_SIZE;
    const packet = this.base(AREA_FRAMES) + index * LIMIT_FRAME_SIZE + LIMIT_HEADROOM;
    const length = this.#view.getUint16(descriptor + DESCRIPTOR_LENGTH_AT, true);
    this.#request.set(this.#octets.subarray(descriptor, descriptor + DESCRIPTOR_SIZE), to);
    this.#request.set(this.#octets.subarray(packet, packet + length), to + DESCRIPTOR_SIZE);
    return DESCRIPTOR_SIZE + length;
  }

  #takeOutputs({ octets, view }: Answer): number {
    const most = this.extent(AREA_OUTPUTS);
    let position = 0;
    for (let at = 0; at < octets.length; position++) {
      const adjacency = at + DESCRIPTOR_SIZE;
      const packet = adjacency + ADJACENCY_SIZE;
      if (position === most || packet > octets.length) throw fault(KIND_PROCESS, 'no outputs');
      const verdict = octets[at + DESCRIPTOR_VERDICT_AT];
      const shown = verdict !== VERDICT_HOLD && verdict !== VERDICT_DROP;
      const length = shown ? view.getUint16(at + DESCRIPTOR_LENGTH_AT, true) : 0;
      if (length > LIMIT_FRAME_SIZE || packet + length > octets.length) {
        throw fault(KIND_PROCESS, `a packet of ${length} octets`);
      }
      const index = this.#batch + position;
      const descriptor = this.base(AREA_DESCRIPTORS) + index * DESCRIPTOR_SIZE;
      this.#octets.set(octets.subarray(at, adjacency), descriptor);
      this.#view.setUint16(descriptor + DESCRIPTOR_LENGTH_AT, length, true);
      // At the end of its frame: a host may want what lies before it for a link-layer header.
      const offset = LIMIT_FRAME_SIZE - length;
      this.#view.setUint16(descriptor + DESCRIPTOR_OFFSET_AT, offset, true);
      const frame = this.base(AREA_FRAMES) + index * LIMIT_FRAME_SIZE;
      this.#octets.set(octets.subarray(packet, packet + length), frame + offset);
      if (verdict === VERDICT_DELIVER || verdict === VERDICT_CORE) {
        const number = view.getUint32(at + DESCRIPTOR_ADJACENCY_AT, true);
        this.#setAdjacency(KIND_PROCESS, number, octets, adjacency);
      }
      at = packet + length;
    }
    return position;
  }

  #setAdjacency(kind: number, number: number, octets: Uint8Array, at: number): void {
    if (number >= this.extent(AREA_ADJACENCIES)) throw fault(kind, `adjacency ${number}`);
    this.#octets.set(
      octets.subarray(at, at + ADJACENCY_SIZE),
      this.base(AREA_ADJACENCIES) + number * ADJACENCY_SIZE,
    );
  }

  events(): number {
    if (!this.#hasEvents) return 0;
    const { octets } = this.#call(KIND_EVENTS, 0, undefined);
    const count = octets.length / EVENT_SIZE;
    if (!Number.isInteger(count) || count > LIMIT_EVENTS) throw fault(KIND_EVENTS, 'no events');
    this.#octets.set(octets, this.base(AREA_EVENTS));
    return count;
  }

  deadline(): bigint {
    return this.#deadline;
  }

  lookup(count: number, now: bigint): number {
    if (count > this.#batch) return STATUS_INVALID;
    const keys = this.base(AREA_LOOKUP_KEYS);
    this.#request.set(this.#octets.subarray(keys, keys + count * ADDRESS), HEADER_SIZE);
    const size = count * (4 + ADJACENCY_SIZE);
    const { octets, view } = this.#call(KIND_LOOKUP, count * ADDRESS, size, now);
    this.#octets.set(octets.subarray(0, 4 * count), this.base(AREA_LOOKUP_RESULTS));
    for (let index = 0; index < count; index++) {
      const number = view.getUint32(4 * index, true);
      if (number === NONE) continue;
      this.#setAdjacency(KIND_LOOKUP, number, octets, 4 * count + index * ADJACENCY_SIZE);
    }
    return STATUS_OK;
  }

  entries(table: number, from: number): number {
    const view = this.#requestView;
    view.setUint32(HEADER_SIZE + LISTING_REQUEST_TABLE_AT, table, true);
    view.setUint32(HEADER_SIZE + LISTING_REQUEST_FROM_AT, from, true);
    const answer = this.#call(KIND_ENTRIES, LISTING_REQUEST_SIZE, undefined);
    if (answer.octets.length < LISTING_SIZE) throw fault(KIND_ENTRIES, 'no listing');
    const count = answer.view.getUint32(LISTING_COUNT_AT, true);
    const size = table === AREA_FLOWS || table === AREA_FLOW_ENTRIES ? FLOW_SIZE : SLOT_SIZE;
    const value = { [AREA_DESTINATIONS]: SLOT_VALUE_AT, [AREA_FLOW_ENTRIES]: FLOW_ENTRY_VALUE_AT }[table];
    const records = LISTING_SIZE + count * size;
    const expected = records + (value === undefined ? 0 : count * ADJACENCY_SIZE);
    if (count > LIMIT_LISTING || answer.octets.length !== expected) {
      throw fault(KIND_ENTRIES, `a listing of ${count} records`);
    }
    const listing = this.base(AREA_LISTING);
    this.#octets.fill(0, listing, listing + LIMIT_LISTING * size);
    this.#octets.set(answer.octets.subarray(LISTING_SIZE, records), listing);
    for (let index = 0; index < count && value !== undefined; index++) {
      const number = this.#view.getUint32(listing + index * size + value, true);
      this.#setAdjacency(KIND_ENTRIES, number, answer.octets, records + index * ADJACENCY_SIZE);
    }
    return answer.view.getUint32(LISTING_NEXT_AT, true);
  }

  /** Brings the counters into their area, which is read without a call. */
  counters(): void {
    const { octets } = this.#call(KIND_COUNTERS, 0, COUNTER_SLOTS * 8);
    this.#octets.set(octets, this.base(AREA_COUNTERS));
  }

  /** Sends a request whose body of `size` octets stands in place; the body of the answer, of `expected` octets if given. */
  #call(kind: number, size: number, expected: number | undefined, now = 0n): Answer {
    const view = this.#requestView;
    this.#request.fill(0, 0, HEADER_SIZE);
    view.setUint32(HEADER_LENGTH_AT, size, true);
    view.setUint8(HEADER_KIND_AT, kind);
    view.setBigUint64(HEADER_NUMBER_AT, now, true);
    const answer = this.#exchange(this.#request.subarray(0, HEADER_SIZE + size));
    const header = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
    if (answer.length < HEADER_SIZE || header.getUint8(HEADER_KIND_AT) !== kind) {
      throw fault(kind, 'an answer to something else');
    }
    const octets = answer.subarray(HEADER_SIZE);
    if (expected !== undefined && octets.length !== expected) throw fault(kind, `${octets.length} octets`);
    this.#deadline = header.getBigUint64(HEADER_NUMBER_AT, true);
    this.#hasEvents = (header.getUint8(HEADER_FLAGS_AT) & ANSWER_FLAG_EVENTS) !== 0;
    return { octets, view: new DataView(octets.buffer, octets.byteOffset, octets.byteLength) };
  }
}

function fault(kind: number, seen: string): Error {
  return new Error(`pump: "${KIND_NAMES[kind]}" is answered with ${seen}`);
}
