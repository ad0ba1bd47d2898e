import type {
  Address,
  Command,
  CommandStatus,
  DataPlaneEvent,
  FlowKey,
  LinkId,
  Mac,
  Prefix,
} from './entries.ts';

/** Sizes fixed for the life of an instance; `init` grows the memory once to hold them. */
export interface Capacities {
  /** Packets of one batch, and of the largest batch that a call may put out. */
  readonly batch: number;
  /** Destination entries (deliver, tunnel, buffer and rewrite). */
  readonly destinations: number;
  readonly sources: number;
  readonly peers: number;
  /** Address pairs remembered for `flow` events. */
  readonly flows: number;
  /** Packets that all hold and buffer entries together may keep. */
  readonly held: number;
  /** Flow entries; 0 for none. */
  readonly flowEntries: number;
}

export interface DataPlaneOptions {
  readonly capacities: Capacities;
  /** Outer source address, and the address to which peers tunnel. */
  readonly locator: Address;
  /** Seeds the hashes, 64 bits. */
  readonly seed: bigint;
  /** Largest outer packet the core carries without fragmentation, in bytes. */
  readonly coreMtu: number;
  /** True where the kernel's forwarding has already decremented the hop limit of packets from access links (TUN). */
  readonly hopLimitDone: boolean;
  /** Whether the MSS that TCP hosts announce is lowered to what fits the tunnel; not if absent. */
  readonly clampMss?: boolean;
}

/** Where a packet came from. `core` also covers native packets that the kernel routed to us from there. */
export type Port = { readonly side: 'core' } | { readonly side: 'access'; readonly link: LinkId };

export interface PacketIn {
  /** An IPv6 packet from its first octet. */
  readonly data: Uint8Array;
  readonly port: Port;
  /** Source station, where the port carries one. */
  readonly mac?: Mac;
}

/** What becomes of a packet. `pass` is native routing by the kernel; `core` is an encapsulated or rewritten packet to the core. */
export type Verdict =
  | { readonly action: 'deliver'; readonly link: LinkId; readonly nextHop: Address; readonly mac: Mac }
  /** For a rewritten packet, `locator` is the address of the prefix that its destination got. */
  | { readonly action: 'core'; readonly locator: Address }
  | { readonly action: 'pass' }
  | { readonly action: 'hold' }
  | { readonly action: 'drop'; readonly reason: string };

export interface PacketOut {
  /** The packet as it leaves; a copy. Empty for `hold`. */
  readonly data: Uint8Array;
  readonly verdict: Verdict;
  /** Index of the input packet in its batch, or -1 for one that the module made or released. */
  readonly input: number;
}

export interface EntryDump {
  readonly destinations: readonly {
    readonly prefix: Prefix;
    readonly action: string;
    /** Milliseconds, the clock of the last packet that used it; 0 if never. */
    readonly lastUsed: number;
  }[];
  readonly sources: readonly { readonly prefix: Prefix; readonly link: LinkId; readonly lastUsed: number }[];
  readonly peers: readonly Address[];
  readonly flowEntries: readonly (FlowKey & { readonly action: string; readonly lastUsed: number })[];
}

/**
 * One data plane: the WASM module under some engine, or the plain TypeScript twin that judges it.
 * Time is an argument everywhere: `now` in milliseconds, never running backwards.
 */
export interface DataPlane {
  /** Applies commands in order, between batches. Released packets come out of the next `process`. */
  apply(commands: readonly Command[], now: number): CommandStatus[];
  /** Runs one batch (it may be empty: released and expired packets still come out). Outputs are in sending order. */
  process(batch: readonly PacketIn[], now: number): PacketOut[];
  /** Takes the events raised since the last call. */
  events(): DataPlaneEvent[];
  /** All counters by the names of the ABI table. */
  counters(): Readonly<Record<string, number>>;
  dump(): EntryDump;
  /** When the earliest held packet expires, or undefined: the caller sleeps until then. */
  deadline(): number | undefined;
}
