/** The WASM module under V8, through the calls of its ABI alone. */
import { readFileSync } from 'node:fs';
import {
  AREA_COMMANDS,
  AREA_DESCRIPTORS,
  AREA_FRAMES,
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  AREA_OUTPUTS,
  COMMAND_ADDRESS_AT,
  COMMAND_BYTES_AT,
  COMMAND_DELETE_DESTINATION,
  COMMAND_DESTINATION_PORT_AT,
  COMMAND_DISCARD,
  COMMAND_FLAGS_AT,
  COMMAND_FLAG_FLOW,
  COMMAND_LENGTH_AT,
  COMMAND_MAC_AT,
  COMMAND_MILLIS_AT,
  COMMAND_PACKETS_AT,
  COMMAND_PREFIX_AT,
  COMMAND_PROTOCOL_AT,
  COMMAND_PUT_BUFFER,
  COMMAND_PUT_DELIVER,
  COMMAND_PUT_HOLD,
  COMMAND_PUT_PEER,
  COMMAND_PUT_REWRITE,
  COMMAND_PUT_SOURCE,
  COMMAND_PUT_TUNNEL,
  COMMAND_SIZE,
  COMMAND_SOURCE_AT,
  COMMAND_SOURCE_PORT_AT,
  COMMAND_STATUS_AT,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_OFFSET_AT,
  DESCRIPTOR_PORT_AT,
  DESCRIPTOR_SIZE,
  DESCRIPTOR_VERDICT_AT,
  LIMIT_COMMANDS,
  LIMIT_FLOWS_MAX,
  LIMIT_FRAME_SIZE,
  LIMIT_HEADROOM,
  NONE,
  PORT_CORE,
  STATUS_OK,
} from '../../../bindings/generated/abi.ts';
import { adviseHugePages } from '../../io/ffi.ts';
import type { Engine, Round } from './engine.ts';
import { BATCH, CALL } from './engine.ts';
import type { Lead, PathBench, Template } from './packets.ts';
import {
  LOCATOR,
  PATHS,
  PORTS,
  STATIONS,
  STATION_LENGTH,
  coreAddress,
  leadOf,
  neighbour,
  setAddresses,
  stationAddress,
  stationPrefix,
} from './packets.ts';
import type { Keys, Queries } from './workload.ts';
import { ADDRESS, KEY_RECORD, VALUES, otherKey } from './workload.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  init(...parameters: (number | bigint)[]): number;
  base(area: number): number;
  apply(count: number): number;
  process(count: number, now: bigint): number;
  lookup(count: number, now: bigint): number;
  events(): number;
}

/** Milliseconds; the C twin has the same second. */
const NOW = 1_000_000n;
const SEED = 0x1122334455667788n;
const COMMAND_PUTS: Readonly<Record<Lead, number>> = {
  tunnel: COMMAND_PUT_TUNNEL,
  deliver: COMMAND_PUT_DELIVER,
  rewrite: COMMAND_PUT_REWRITE,
  flow: COMMAND_PUT_TUNNEL,
};
const HEADER = 40;
const UDP = 17;
const HOST_LENGTH = 128;
const HOLD_MILLIS = 60_000;

export class ModuleEngine implements Engine {
  readonly name: string;
  readonly paths = PATHS;
  readonly #module: WebAssembly.Module;
  #keys: Keys | undefined;
  #exports!: Exports;
  #octets!: Uint8Array;
  #view!: DataView;
  #lead: Lead = 'tunnel';

  constructor(name: string, path: URL) {
    this.name = name;
    this.#module = new WebAssembly.Module(readFileSync(path));
  }

  takes(): boolean {
    return true;
  }

  async load(keys: Keys): Promise<void> {
    this.#fill(keys, 'tunnel');
  }

  #fill(keys: Keys, lead: Lead): void {
    this.#keys = keys;
    this.#lead = lead;
    this.#exports = new WebAssembly.Instance(this.#module).exports as unknown as Exports;
    const flows = Math.min(LIMIT_FLOWS_MAX, keys.count * 4);
    const [high, low] = [LOCATOR.readBigUInt64BE(0), LOCATOR.readBigUInt64BE(8)];
    const flowEntries = lead === 'flow' ? keys.count : 0;
    const capacities = [CALL, keys.count, STATIONS, VALUES, flows, BATCH, flowEntries];
    const status = this.#exports.init(...capacities, SEED, high, low, 1500, 0);
    if (status !== STATUS_OK) throw new Error(`${this.name}: init answers ${status}`);
    this.#octets = new Uint8Array(this.#exports.memory.buffer);
    adviseHugePages(this.#octets);
    this.#view = new DataView(this.#octets.buffer);
    this.#commands(keys.count, (at, index) => this.#put(at, index, keyAddress(keys, index)));
    this.#commands(VALUES, (at, index) => {
      this.#octets[at] = COMMAND_PUT_PEER;
      this.#octets.set(neighbour(index), at + COMMAND_PREFIX_AT);
    });
    this.#commands(STATIONS, (at, station) => {
      this.#octets[at] = COMMAND_PUT_SOURCE;
      this.#octets[at + COMMAND_LENGTH_AT] = STATION_LENGTH;
      this.#octets.set(stationPrefix(station), at + COMMAND_PREFIX_AT);
    });
    if (lead === 'flow') this.#commands(keys.count, (at, index) => this.#putFlow(at, index));
  }

  /** Has `count` commands carried out, each written by `write`; throws where one is refused. */
  #commands(count: number, write: (at: number, index: number) => void): void {
    const base = this.#exports.base(AREA_COMMANDS) >>> 0;
    for (let from = 0; from < count; from += LIMIT_COMMANDS) {
      const part = Math.min(LIMIT_COMMANDS, count - from);
      this.#octets.fill(0, base, base + part * COMMAND_SIZE);
      for (let index = 0; index < part; index++) write(base + index * COMMAND_SIZE, from + index);
      this.#exports.apply(part);
      for (let index = 0; index < part; index++) {
        const status = this.#octets[base + index * COMMAND_SIZE + COMMAND_STATUS_AT];
        if (status !== STATUS_OK) throw new Error(`${this.name}: command ${from + index} answers ${status}`);
      }
    }
  }

  #put(at: number, index: number, address: Uint8Array): void {
    const length = this.#lengthOf(index);
    this.#octets[at] = COMMAND_PUTS[this.#lead];
    this.#octets[at + COMMAND_LENGTH_AT] = length;
    this.#octets.set(address, at + COMMAND_PREFIX_AT);
    const next = this.#lead === 'rewrite' ? coreAddress(address, length) : neighbour(index % VALUES);
    this.#octets.set(next, at + COMMAND_ADDRESS_AT);
    if (this.#lead === 'deliver') this.#octets[at + COMMAND_MAC_AT] = 2;
  }

  /** The entry of the only flow to key `index`; it leads where the destination does. */
  #putFlow(at: number, index: number): void {
    const destination = keyAddress(this.#keys!, index);
    this.#put(at, index, destination);
    this.#octets[at + COMMAND_FLAGS_AT] = COMMAND_FLAG_FLOW;
    this.#octets[at + COMMAND_PROTOCOL_AT] = UDP;
    this.#octets.set(stationAddress(destination[15]!), at + COMMAND_SOURCE_AT);
    this.#view.setUint16(at + COMMAND_SOURCE_PORT_AT, PORTS, true);
    this.#view.setUint16(at + COMMAND_DESTINATION_PORT_AT, PORTS, true);
  }

  #lengthOf(index: number): number {
    return this.#keys!.octets[index * KEY_RECORD + ADDRESS]!;
  }

  async churn(): Promise<void> {
    const keys = this.#keys!;
    const replace = (old: (index: number) => Uint8Array, fresh: (index: number) => Uint8Array): void =>
      this.#commands(keys.count * 2, (at, step) => {
        const index = step >> 1;
        if (step % 2 === 1) {
          this.#put(at, index, fresh(index));
          return;
        }
        this.#octets[at] = COMMAND_DELETE_DESTINATION;
        this.#octets[at + COMMAND_LENGTH_AT] = this.#lengthOf(index);
        this.#octets.set(old(index), at + COMMAND_PREFIX_AT);
      });
    const [own, other] = [
      (index: number) => keyAddress(keys, index),
      (index: number) => otherKey(keys, index),
    ];
    for (let pass = 0; pass < 5; pass++) {
      replace(own, other);
      replace(other, own);
    }
  }

  async round(queries: Queries): Promise<Round> {
    const keysAt = this.#exports.base(AREA_LOOKUP_KEYS) >>> 0;
    const results = new Uint32Array(this.#octets.buffer, this.#exports.base(AREA_LOOKUP_RESULTS) >>> 0, CALL);
    let [milliseconds, hits, sum, operations] = [0, 0, 0, 0];
    for (let from = 0; from + CALL <= queries.count; from += CALL) {
      this.#octets.set(queries.octets.subarray(from * ADDRESS, (from + CALL) * ADDRESS), keysAt);
      const start = performance.now();
      this.#exports.lookup(CALL, NOW);
      milliseconds += performance.now() - start;
      operations += CALL;
      for (const value of results) {
        if (value === NONE) continue;
        hits++;
        sum += value;
      }
    }
    return { nanoseconds: milliseconds * 1e6, operations, hits, sum };
  }

  async packets(template: Template, queries: Queries): Promise<Round> {
    this.#prepare(template.bench);
    let [milliseconds, sum, operations] = [0, 0, 0];
    for (let from = 0; from + BATCH <= queries.count; from += BATCH) {
      const handedOver = (from / BATCH) % this.#keys!.count;
      for (let index = 0; index < BATCH; index++) {
        const query = (from + index) * ADDRESS;
        const address =
          template.bench === 'buffer'
            ? keyAddress(this.#keys!, handedOver)
            : queries.octets.subarray(query, query + ADDRESS);
        this.#write(index, template, address);
      }
      const start = performance.now();
      const outputs =
        template.bench === 'buffer' ? this.#handOver(handedOver) : this.#exports.process(BATCH, NOW);
      milliseconds += performance.now() - start;
      operations += BATCH;
      for (let position = 0; position < outputs; position++) sum += this.#sumOf(position);
      if (template.bench === 'hold') this.#discard();
      this.#exports.events();
    }
    return { nanoseconds: milliseconds * 1e6, operations, hits: operations, sum };
  }

  /** The entries that packets of a bench need, besides the destinations. */
  #prepare(bench: PathBench): void {
    const lead = leadOf(bench);
    if (this.#lead !== lead) this.#fill(this.#keys!, lead);
    if (bench !== 'hold') return;
    this.#commands(1, (at) => {
      this.#octets[at] = COMMAND_PUT_HOLD;
      this.#view.setUint32(at + COMMAND_PACKETS_AT, BATCH, true);
      this.#view.setUint32(at + COMMAND_MILLIS_AT, HOLD_MILLIS, true);
    });
  }

  /** A buffer entry in place of the destination keeps the batch; then the tunnel is back, and all of it goes out. */
  #handOver(key: number): number {
    const address = keyAddress(this.#keys!, key);
    this.#commands(1, (at) => {
      this.#octets[at] = COMMAND_PUT_BUFFER;
      this.#octets[at + COMMAND_LENGTH_AT] = HOST_LENGTH;
      this.#octets.set(address, at + COMMAND_PREFIX_AT);
      this.#view.setUint32(at + COMMAND_PACKETS_AT, BATCH, true);
      this.#view.setUint32(at + COMMAND_BYTES_AT, BATCH * LIMIT_FRAME_SIZE, true);
      this.#view.setUint32(at + COMMAND_MILLIS_AT, HOLD_MILLIS, true);
    });
    this.#exports.process(BATCH, NOW);
    this.#commands(1, (at) => this.#put(at, key, address));
    const outputs = this.#exports.process(0, NOW);
    if (outputs !== BATCH) throw new Error(`${this.name}: ${outputs} of ${BATCH} buffered packets come out`);
    return outputs;
  }

  #write(index: number, template: Template, address: Uint8Array): void {
    const { packet, core, bench } = template;
    const frame = (this.#exports.base(AREA_FRAMES) >>> 0) + index * LIMIT_FRAME_SIZE + LIMIT_HEADROOM;
    this.#octets.set(packet, frame);
    setAddresses(this.#octets, frame, template, address);
    // A source that no entry has.
    if (bench === 'hold') this.#octets[frame + 10] = 0xff;
    const at = (this.#exports.base(AREA_DESCRIPTORS) >>> 0) + index * DESCRIPTOR_SIZE;
    this.#octets.fill(0, at, at + DESCRIPTOR_SIZE);
    this.#view.setUint16(at + DESCRIPTOR_OFFSET_AT, LIMIT_HEADROOM, true);
    this.#view.setUint16(at + DESCRIPTOR_LENGTH_AT, packet.length, true);
    this.#octets[at + DESCRIPTOR_PORT_AT] = core ? PORT_CORE : 0;
  }

  #sumOf(position: number): number {
    const index = this.#view.getUint32((this.#exports.base(AREA_OUTPUTS) >>> 0) + 4 * position, true);
    const at = (this.#exports.base(AREA_DESCRIPTORS) >>> 0) + index * DESCRIPTOR_SIZE;
    const offset = this.#view.getUint16(at + DESCRIPTOR_OFFSET_AT, true);
    const packet = (this.#exports.base(AREA_FRAMES) >>> 0) + index * LIMIT_FRAME_SIZE + offset;
    let sum =
      this.#octets[at + DESCRIPTOR_VERDICT_AT]! + this.#view.getUint16(at + DESCRIPTOR_LENGTH_AT, true);
    for (let octet = packet; octet < packet + HEADER; octet++) sum += this.#octets[octet]!;
    return sum;
  }

  #discard(): void {
    this.#commands(1, (at) => (this.#octets[at] = COMMAND_DISCARD));
  }

  close(): void {
    this.#keys = undefined;
  }
}

function keyAddress(keys: Keys, index: number): Uint8Array {
  return keys.octets.subarray(index * KEY_RECORD, index * KEY_RECORD + ADDRESS);
}
