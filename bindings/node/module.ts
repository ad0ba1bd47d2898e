/**
 * The WASM data plane without copies: a host reads packets into frames of the linear memory, has a batch processed,
 * and writes what comes out from the same frames. The contract is bindings/abi/v1/README.md.
 */
import type { DataPlaneOptions, EntryDump } from '../dataplane.ts';
import type { Address, Command, CommandStatus, DataPlaneEvent, Mac } from '../entries.ts';
import {
  ABI_VERSION,
  ADJACENCY_ADDRESS_AT,
  ADJACENCY_LINK_AT,
  ADJACENCY_MAC_AT,
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
  AREA_PEERS,
  AREA_SOURCES,
  COMMAND_SIZE,
  COMMAND_STATUS_AT,
  COUNTER_NAMES,
  DESCRIPTOR_ADJACENCY_AT,
  DESCRIPTOR_FLAGS_AT,
  DESCRIPTOR_FLAG_MAC,
  DESCRIPTOR_INPUT_AT,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_MAC_AT,
  DESCRIPTOR_OFFSET_AT,
  DESCRIPTOR_PORT_AT,
  DESCRIPTOR_REASON_AT,
  DESCRIPTOR_SIZE,
  DESCRIPTOR_VERDICT_AT,
  EVENT_SIZE,
  FLOW_DST_AT,
  FLOW_ENTRY_DESTINATION_PORT_AT,
  FLOW_ENTRY_DST_AT,
  FLOW_ENTRY_LAST_USED_AT,
  FLOW_ENTRY_PROTOCOL_AT,
  FLOW_ENTRY_SIZE,
  FLOW_ENTRY_SOURCE_PORT_AT,
  FLOW_ENTRY_SRC_AT,
  FLOW_ENTRY_VALUE_AT,
  FLOW_SEEN_AT,
  FLOW_SIZE,
  FLOW_SRC_AT,
  INIT_FLAG_CLAMP_MSS,
  INIT_FLAG_HOP_LIMIT_DONE,
  LIMIT_COMMANDS,
  LIMIT_FRAME_SIZE,
  LIMIT_HEADROOM,
  LIMIT_LISTING,
  LIMIT_PACKET_MAX,
  NONE,
  SLOT_LAST_USED_AT,
  SLOT_LENGTH_AT,
  SLOT_PREFIX_AT,
  SLOT_SCOPE_AT,
  SLOT_SIZE,
  SLOT_VALUE_AT,
  STATUS_NAMES,
  STATUS_OK,
  ADJACENCY_KIND_AT,
  ADJACENCY_KIND_NAMES,
} from '../generated/abi.ts';
import { instantiate } from './exports.ts';
import type { ModuleExports } from './exports.ts';
import { CommandWriter, readEvent } from './records.ts';
import { readAddress, readMac, readPrefix, writeAddress } from './text.ts';

const NEVER = 2n ** 64n - 1n;

export interface PairUse {
  readonly src: Address;
  readonly dst: Address;
  /** Milliseconds, in whole seconds. */
  readonly lastUsed: number;
}

/** One instance of the module. All its views stay valid for its life, since the memory never grows after `init`. */
export class DataPlaneModule {
  /** The whole linear memory. */
  readonly octets: Uint8Array;
  readonly #view: DataView;
  readonly #exports: ModuleExports;
  readonly #commands: CommandWriter;
  readonly #bases: readonly number[];
  readonly #frames: number;
  readonly #descriptors: number;
  readonly #outputs: number;
  /** Packets that one `process` takes. */
  readonly batch: number;

  /**
   * @param module The compiled module (build/maar.wasm or build/maar-scalar.wasm), or one that runs elsewhere.
   * @throws {Error} where the module has another ABI version or refuses the options.
   */
  constructor(module: Uint8Array<ArrayBuffer> | ModuleExports, options: DataPlaneOptions) {
    this.#exports = module instanceof Uint8Array ? instantiate(module) : module;
    const version = this.#exports.abi_version();
    if (version !== ABI_VERSION) {
      throw new Error(`data plane: the module has ABI version ${version}, this host needs ${ABI_VERSION}`);
    }
    const status = this.#init(options);
    if (status !== STATUS_OK) {
      throw new Error(
        `data plane: init answers ${STATUS_NAMES[status] ?? status}; see its limits in the ABI`,
      );
    }
    const { buffer } = this.#exports.memory;
    this.octets = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#commands = new CommandWriter(this.octets);
    this.#bases = Array.from({ length: AREA_FLOW_ENTRIES + 1 }, (_, area) => this.#exports.base(area) >>> 0);
    this.#frames = this.#base(AREA_FRAMES);
    this.#descriptors = this.#base(AREA_DESCRIPTORS);
    this.#outputs = this.#base(AREA_OUTPUTS);
    this.batch = options.capacities.batch;
  }

  #init({ capacities, seed, locator, coreMtu, hopLimitDone, clampMss }: DataPlaneOptions): number {
    const octets = new Uint8Array(16);
    if (!writeAddress(octets, 0, locator))
      throw new Error(`data plane: locator ${locator} is no IPv6 address`);
    const words = new DataView(octets.buffer);
    return this.#exports.init(
      capacities.batch,
      capacities.destinations,
      capacities.sources,
      capacities.peers,
      capacities.flows,
      capacities.held,
      capacities.flowEntries,
      seed,
      words.getBigUint64(0),
      words.getBigUint64(8),
      coreMtu,
      (hopLimitDone ? INIT_FLAG_HOP_LIMIT_DONE : 0) | (clampMss === true ? INIT_FLAG_CLAMP_MSS : 0),
    );
  }

  #base(area: number): number {
    return this.#bases[area]!;
  }

  #descriptor(index: number): number {
    return this.#descriptors + index * DESCRIPTOR_SIZE;
  }

  /**
   * Where the packet of input descriptor `index` (0 to `batch` - 1) is to be read: 1,900 octets after the headroom.
   * With `before`, the view begins that many octets (at most the headroom) earlier, for a link-layer header.
   */
  receiveView(index: number, before = 0): Uint8Array {
    const packet = this.#frames + index * LIMIT_FRAME_SIZE + LIMIT_HEADROOM;
    // One octet more than the module takes, so that a longer packet is seen as such and not cut.
    return this.octets.subarray(packet - before, packet + LIMIT_PACKET_MAX + 1);
  }

  /**
   * Says that input frame `index` holds a packet of `length` octets right after its headroom.
   * `port` is `PORT_CORE` or an access link; `mac` is where 6 octets of the station stand in `octets`, if known.
   */
  setInput(index: number, length: number, port: number, mac?: number): void {
    const at = this.#descriptor(index);
    this.#view.setUint16(at + DESCRIPTOR_OFFSET_AT, LIMIT_HEADROOM, true);
    this.#view.setUint16(at + DESCRIPTOR_LENGTH_AT, length, true);
    this.octets[at + DESCRIPTOR_PORT_AT] = port;
    this.octets[at + DESCRIPTOR_FLAGS_AT] = mac === undefined ? 0 : DESCRIPTOR_FLAG_MAC;
    if (mac !== undefined) this.octets.copyWithin(at + DESCRIPTOR_MAC_AT, mac, mac + 6);
  }

  /** Where `setInput` keeps the MAC of input `index`: a host may also write it there and pass this. */
  macAt(index: number): number {
    return this.#descriptor(index) + DESCRIPTOR_MAC_AT;
  }

  /**
   * Processes inputs 0 to `count` - 1 at `now` (milliseconds) and returns the number of outputs,
   * which stay readable until the next call.
   */
  process(count: number, now: number): number {
    const outputs = this.#exports.process(count, BigInt(Math.trunc(now))) >>> 0;
    if (outputs === NONE) throw new RangeError(`data plane: batch of ${count}, not at most ${this.batch}`);
    return outputs;
  }

  /** Descriptor index of output `position`, in sending order. The calls below take this index. */
  output(position: number): number {
    return this.#view.getUint32(this.#outputs + 4 * position, true);
  }

  /** One of the `VERDICT_` constants. */
  verdict(index: number): number {
    return this.octets[this.#descriptor(index) + DESCRIPTOR_VERDICT_AT]!;
  }

  /** One of the `REASON_` constants. */
  reason(index: number): number {
    return this.octets[this.#descriptor(index) + DESCRIPTOR_REASON_AT]!;
  }

  /** Index of the input packet in its batch, or -1 for one that the module made or released. */
  input(index: number): number {
    return this.#view.getInt32(this.#descriptor(index) + DESCRIPTOR_INPUT_AT, true);
  }

  /** The packet as it leaves, in place; its headroom lies before it. With `before`, that much of it is shown too. */
  packet(index: number, before = 0): Uint8Array {
    const at = this.#descriptor(index);
    const offset = this.#view.getUint16(at + DESCRIPTOR_OFFSET_AT, true);
    const start = this.#frames + index * LIMIT_FRAME_SIZE + offset;
    return this.octets.subarray(
      start - before,
      start + this.#view.getUint16(at + DESCRIPTOR_LENGTH_AT, true),
    );
  }

  /** Index of the adjacency of `deliver` and `core`; a key for headers built once, until the next `apply`. */
  adjacency(index: number): number {
    return this.#view.getUint32(this.#descriptor(index) + DESCRIPTOR_ADJACENCY_AT, true);
  }

  /** Access link, MAC and next hop (or locator) of an adjacency. */
  adjacencyDetails(adjacency: number): {
    readonly link: number;
    readonly mac: Mac;
    readonly address: Address;
  } {
    const at = this.#adjacencyAt(adjacency);
    return {
      link: this.octets[at + ADJACENCY_LINK_AT]!,
      mac: readMac(this.octets, at + ADJACENCY_MAC_AT),
      address: readAddress(this.octets, at + ADJACENCY_ADDRESS_AT),
    };
  }

  #adjacencyAt(adjacency: number): number {
    return this.#base(AREA_ADJACENCIES) + adjacency * ADJACENCY_SIZE;
  }

  /** Carries out commands in order; their statuses. */
  apply(commands: readonly Command[]): CommandStatus[] {
    const statuses: CommandStatus[] = [];
    const base = this.#base(AREA_COMMANDS);
    for (let from = 0; from < commands.length; from += LIMIT_COMMANDS) {
      const part = commands.slice(from, from + LIMIT_COMMANDS);
      part.forEach((command, index) => this.#commands.write(base + index * COMMAND_SIZE, command));
      this.#exports.apply(part.length);
      for (let index = 0; index < part.length; index++) {
        const code = this.octets[base + index * COMMAND_SIZE + COMMAND_STATUS_AT]!;
        statuses.push(STATUS_NAMES[code] as CommandStatus);
      }
    }
    return statuses;
  }

  /** Takes the events raised since the last call. */
  events(): DataPlaneEvent[] {
    const base = this.#base(AREA_EVENTS);
    return Array.from({ length: this.#exports.events() }, (_, index) =>
      readEvent(this.octets, base + index * EVENT_SIZE),
    );
  }

  /** All counters by name. */
  counters(): Record<string, number> {
    this.#exports.counters?.();
    const base = this.#base(AREA_COUNTERS);
    return Object.fromEntries(
      Object.entries(COUNTER_NAMES).map(([code, name]) => [
        name,
        Number(this.#view.getBigUint64(base + 8 * Number(code), true)),
      ]),
    );
  }

  /** When the host has to call `process` even without packets: 0 for at once, undefined for never. */
  deadline(): number | undefined {
    const at = BigInt.asUintN(64, this.#exports.deadline());
    return at === NEVER ? undefined : Number(at);
  }

  /** What `read` makes of every record that the module lists of a table; 32 bits at `marker` tell records from padding. */
  #list<T>(table: number, size: number, marker: number, read: (at: number) => T): T[] {
    const listing = this.#base(AREA_LISTING);
    const result: T[] = [];
    for (let from = 0; from !== NONE;) {
      from = this.#exports.entries(table, from) >>> 0;
      for (let at = listing; at < listing + LIMIT_LISTING * size; at += size) {
        if (this.#view.getUint32(at + marker, true) === 0) break;
        result.push(read(at));
      }
    }
    return result;
  }

  #prefixAt(slot: number): string {
    return readPrefix(this.octets, slot + SLOT_PREFIX_AT, this.octets[slot + SLOT_LENGTH_AT]! - 1);
  }

  #actionAt(field: number): string {
    const adjacency = this.#adjacencyAt(this.#view.getUint32(field, true));
    return ADJACENCY_KIND_NAMES[this.octets[adjacency + ADJACENCY_KIND_AT]!]!;
  }

  #lastUsed(slot: number): number {
    return this.#view.getUint32(slot + SLOT_LAST_USED_AT, true) * 1000;
  }

  /** Where the addresses for `lookup` stand: `batch` of them, 16 octets each. */
  lookupKeys(): Uint8Array {
    const at = this.#base(AREA_LOOKUP_KEYS);
    return this.octets.subarray(at, at + 16 * this.batch);
  }

  /**
   * Looks up the first `count` addresses of `lookupKeys` among the destinations at `now` (milliseconds), and notes their use.
   * The adjacency of each, `NONE` for one that no entry holds; valid until the next call.
   */
  lookup(count: number, now: number): Uint32Array {
    if (this.#exports.lookup(count, BigInt(Math.trunc(now))) !== STATUS_OK) {
      throw new RangeError(`data plane: look-up of ${count} addresses, not at most ${this.batch}`);
    }
    return new Uint32Array(this.octets.buffer, this.#base(AREA_LOOKUP_RESULTS), count);
  }

  /** All entries but holds, in no particular order. */
  dump(): EntryDump {
    const slots = <T>(table: number, read: (slot: number) => T): T[] =>
      this.#list(table, SLOT_SIZE, SLOT_LENGTH_AT, read);
    const destinations = slots(AREA_DESTINATIONS, (slot) => {
      const action = this.#actionAt(slot + SLOT_VALUE_AT);
      return { prefix: this.#prefixAt(slot), action, lastUsed: this.#lastUsed(slot) };
    });
    const sources = slots(AREA_SOURCES, (slot) => {
      const link = this.octets[slot + SLOT_SCOPE_AT]!;
      return { prefix: this.#prefixAt(slot), link, lastUsed: this.#lastUsed(slot) };
    });
    const peers = slots(AREA_PEERS, (slot) => readAddress(this.octets, slot + SLOT_PREFIX_AT));
    const flowEntries = this.#list(AREA_FLOW_ENTRIES, FLOW_ENTRY_SIZE, FLOW_ENTRY_PROTOCOL_AT, (at) => ({
      src: readAddress(this.octets, at + FLOW_ENTRY_SRC_AT),
      dst: readAddress(this.octets, at + FLOW_ENTRY_DST_AT),
      protocol: this.octets[at + FLOW_ENTRY_PROTOCOL_AT]!,
      sourcePort: this.#view.getUint16(at + FLOW_ENTRY_SOURCE_PORT_AT, true),
      destinationPort: this.#view.getUint16(at + FLOW_ENTRY_DESTINATION_PORT_AT, true),
      action: this.#actionAt(at + FLOW_ENTRY_VALUE_AT),
      lastUsed: this.#view.getUint32(at + FLOW_ENTRY_LAST_USED_AT, true) * 1000,
    }));
    return { destinations, sources, peers, flowEntries };
  }

  /** Address pairs of which one has an entry here, and when each last carried a packet. */
  pairs(): PairUse[] {
    return this.#list(AREA_FLOWS, FLOW_SIZE, FLOW_SEEN_AT, (at) => ({
      src: readAddress(this.octets, at + FLOW_SRC_AT),
      dst: readAddress(this.octets, at + FLOW_DST_AT),
      lastUsed: (this.#view.getUint32(at + FLOW_SEEN_AT, true) - 1) * 1000,
    }));
  }
}
