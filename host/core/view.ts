import type { EntryDump } from '../../bindings/dataplane.ts';
import type { Address, LinkId, Mac, Prefix } from '../../bindings/entries.ts';

/** What `maar show --json` prints of one MAAR, and what the lab checks. */
export interface MaarView {
  readonly name: string;
  readonly address: Address;
  readonly scheme: string;
  readonly now: number;
  readonly nodes: readonly NodeView[];
  /** Home addresses assigned here whose MN is elsewhere. */
  readonly anchored: readonly AnchoredView[];
  /** MNs that left, kept for the hold time. */
  readonly released: readonly ReleasedView[];
  readonly peers: readonly { readonly name: string; readonly address: Address }[];
  /** Locations in the cache, where the scheme asks servers of location management. */
  readonly cached?: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly leases: LeasesView;
}

/** What home address allocation has given, and had not to give. */
export interface LeasesView {
  /** False where leases end with the process. */
  readonly stored: boolean;
  readonly networks: readonly {
    readonly name: string;
    readonly prefix: Prefix;
    readonly mode: string;
    /** Prefixes for MNs, and how many of them are leased. */
    readonly size: number;
    readonly leased: number;
  }[];
  readonly leases: readonly LeaseView[];
  /** MNs here that a network has nothing left for. */
  readonly refusals: readonly { readonly mnId: string; readonly network: string; readonly since: number }[];
}

export interface LeaseView {
  readonly prefix: Prefix;
  readonly network: string;
  readonly mnId: string;
  /** When it ends, unless it is renewed. */
  readonly until: number;
  /** The MAAR that serves its MN; undefined where that is not known, or nobody does. */
  readonly serving: Address | undefined;
}

export interface NodeView {
  readonly mnId: string;
  readonly mac: Mac;
  readonly link: LinkId;
  readonly state: string;
  readonly counter: number;
  /** The /64 this MAAR assigned to it. */
  readonly prefix: Prefix;
  /** Internal binding list [draft section 3.3]: CN HoA -> CN's MAAR; `tunnelled` once an end has moved. */
  readonly internal: readonly {
    readonly hoa: Prefix;
    readonly maar: Address;
    readonly tunnelled: boolean;
  }[];
  /** External binding list: MN HoA (its /64 until the address is heard) -> MN CoA. */
  readonly external: readonly { readonly hoa: Prefix; readonly coa: Prefix; readonly anchor: Address }[];
}

export interface AnchoredView {
  readonly hoa: Prefix;
  readonly mnId: string;
  readonly serving: Address;
  readonly counter: number;
  readonly expires: number;
}

export interface ReleasedView {
  readonly mnId: string;
  readonly movedTo: Address | undefined;
  /** False once only memory is kept and no packet is re-tunnelled any more. */
  readonly forwarding: boolean;
  readonly internal: readonly { readonly hoa: Prefix; readonly maar: Address }[];
}

/** Counters of control and data plane, and the tables of the data plane. */
export interface StatusView {
  readonly maar: MaarView;
  readonly dataplane: { readonly counters: Readonly<Record<string, number>>; readonly entries: EntryDump };
  /** Where the data plane is on another machine. */
  readonly agent?: AgentView;
}

/** The agent of a router apart from its control. */
export interface AgentView {
  readonly address: string;
  readonly connected: boolean;
  /** Why there is no connection. */
  readonly reason?: string;
  /** Entries that stand there, with those of an earlier control; absent without a connection. */
  readonly entries?: number;
}
