/**
 * The seam between the planes: all that control may tell the data plane, and all that it hears back.
 * The data plane knows entries and actions; it never learns of schemes, messages or lifetimes.
 */

/** An IPv6 address in the canonical text of RFC 5952. */
export type Address = string;
/** An IPv6 prefix, canonical address + "/" + length, host bits zero. An address is its own /128. */
export type Prefix = string;
/** An EUI-48 in lower case with colons. */
export type Mac = string;
/** Index of an access link as the configuration numbers them, from 0. */
export type LinkId = number;

/** Link of a source entry whose packets arrive decapsulated from a peer rather than from an access link. */
export const LINK_TUNNEL: LinkId = 0xff;

/** Destination prefix -> the MN on an access link. `nextHop` is its link-local or care-of address. */
export interface DeliverEntry {
  readonly kind: 'deliver';
  readonly prefix: Prefix;
  readonly link: LinkId;
  readonly nextHop: Address;
  readonly mac: Mac;
}

/** Destination prefix -> encapsulate to the locator of another MAAR. */
export interface TunnelEntry {
  readonly kind: 'tunnel';
  readonly prefix: Prefix;
  readonly locator: Address;
  /** Encapsulation limit that the packets carry, 0 to 254 (RFC 2473 section 4.1.1); none if absent. */
  readonly limit?: number;
}

/** What names a flow: both addresses, the protocol after the extension headers, and its ports (0 where it has none). */
export interface FlowKey {
  readonly src: Address;
  readonly dst: Address;
  /** IANA protocol number. */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** One flow -> an action in place of that of its destination. Fragments never match. */
export interface FlowEntry extends FlowKey {
  readonly kind: 'flow';
  readonly action: Omit<DeliverEntry, 'prefix'> | Omit<TunnelEntry, 'prefix'>;
}

/**
 * Destination prefix -> kept here until the prefix is put as deliver, tunnel or rewrite, whatever side its packets come from.
 * A budget for this entry; over it the oldest packet is dropped and counted.
 */
export interface BufferEntry {
  readonly kind: 'buffer';
  readonly prefix: Prefix;
  readonly packets: number;
  /** Octets of the packets kept; one packet is kept even if it is longer. */
  readonly bytes: number;
  /** How long one packet may wait, in milliseconds. */
  readonly millis: number;
}

/**
 * Destination prefix -> to another MAAR without an outer header: the bits of `prefix` are replaced by those of
 * `locator`, a prefix of the same length that is routed to that MAAR and checksum-neutral to `prefix`
 * (`neutralLocator` of host/wire makes one). With `restore`, the entry of the far end: `prefix` is what the packet came
 * with, `locator` the original prefix, by which it is then forwarded.
 */
export interface RewriteEntry {
  readonly kind: 'rewrite';
  readonly prefix: Prefix;
  readonly locator: Prefix;
  readonly restore?: true;
}

/**
 * Source prefix that may send from this link. With `mac`, only that station may use it.
 * With `reverse`, packets that match no destination entry are tunnelled there instead of being routed natively.
 * Of `LINK_TUNNEL`, a prefix that this router anchors and routes natively for; or, with `reverse`, one that the router there
 * anchors, to which packets are not routed natively where they might come back.
 */
export interface SourceEntry {
  readonly kind: 'source';
  readonly prefix: Prefix;
  readonly link: LinkId;
  readonly mac?: Mac;
  readonly reverse?: Address;
  /** Encapsulation limit of what goes to `reverse`, as that of a tunnel entry. */
  readonly limit?: number;
}

/** Outer source address that may send us tunnelled packets. */
export interface PeerEntry {
  readonly kind: 'peer';
  readonly address: Address;
}

/**
 * Packets held until their entries stand: `from` matches the source of packets that arrive on an access link
 * and have no source entry; `to` matches the destination of decapsulated packets that have no destination entry.
 * The longest matching prefix counts; `::/0` catches what nothing else explains. `station` takes, before any `from`,
 * what one station sends, so that no other can use up its budget.
 */
export type HoldKey =
  | { readonly direction: 'from' | 'to'; readonly prefix: Prefix }
  | { readonly direction: 'station'; readonly link: LinkId; readonly mac: Mac };

export type HoldEntry = HoldKey & {
  readonly kind: 'hold';
  /** Budget for this entry; over it the oldest packet is dropped and counted. */
  readonly packets: number;
  /** How long one packet may wait, in milliseconds. */
  readonly millis: number;
};

export type Entry =
  DeliverEntry | TunnelEntry | FlowEntry | BufferEntry | RewriteEntry | SourceEntry | PeerEntry | HoldEntry;

/**
 * `put` inserts or replaces. `deliver`, `tunnel`, `buffer` and `rewrite` share one table: the later put of a prefix wins, and what a
 * buffer kept then goes by the new action, in order and before any later packet.
 * `release` sends what a hold entry kept for the prefix (or for any part of it, or for the station) through the pipeline again,
 * in order of arrival and before any later packet; `discard` drops it.
 */
export type Command =
  | { readonly op: 'put'; readonly entry: Entry }
  | { readonly op: 'delete'; readonly kind: 'destination'; readonly prefix: Prefix }
  | ({ readonly op: 'delete'; readonly kind: 'flow' } & FlowKey)
  | { readonly op: 'delete'; readonly kind: 'source'; readonly prefix: Prefix; readonly link: LinkId }
  | { readonly op: 'delete'; readonly kind: 'peer'; readonly address: Address }
  | ({ readonly op: 'delete'; readonly kind: 'hold' } & HoldKey)
  | ({ readonly op: 'release' | 'discard' } & HoldKey);

/** What one command came to. Anything but `ok` leaves the tables as they were. */
export type CommandStatus = 'ok' | 'full' | 'absent' | 'invalid';

/** What the data plane reports. Each is rate-limited at its source; losing one never breaks forwarding. */
export type DataPlaneEvent =
  /** First packet of a pair of addresses of which one has a source or deliver entry here, or the pair's first after silence. */
  | { readonly kind: 'flow'; readonly src: Address; readonly dst: Address }
  /** An access link brought a packet whose source has no entry. `mac` is absent where the port carries none. */
  | {
      readonly kind: 'unknown-source';
      readonly src: Address;
      readonly link: LinkId;
      readonly mac?: Mac;
    }
  /** A peer tunnelled a packet here that had to be tunnelled on: the peer's entry is out of date. */
  | {
      readonly kind: 'redirect';
      readonly peer: Address;
      readonly src: Address;
      readonly dst: Address;
    }
  /** A peer tunnelled a packet here whose destination has no entry. */
  | {
      readonly kind: 'unknown-destination';
      readonly peer: Address;
      readonly src: Address;
      readonly dst: Address;
    }
  /** A hold or buffer entry (`to`) ran over its budget or its time. */
  | ({ readonly kind: 'hold-drop' } & HoldKey);
