import type { Address, Prefix } from '../../../../bindings/entries.ts';

/** Fields of every distributed binding message. */
interface Common {
  readonly sequence: number;
  /** On the wire in units of 4 s, rounded up, at most 262,140 s. */
  readonly lifetimeSeconds: number;
  readonly mnId: string;
  /** Registration counter of the MN: the highest wins. */
  readonly counter: number;
}

/** The MN's MAAR to its previous one: hand over what you keep for this MN (draft section 6.1). */
export interface SDbu extends Common {
  readonly kind: 'sDBU';
  /** Milliseconds since 1970 at the sender. */
  readonly timestamp: number;
  /** Home addresses asked for, a /64 until the address is heard; with no correspondents either: all of the MN. */
  readonly homes: readonly Prefix[];
  readonly correspondents: readonly Prefix[];
}

export interface CorrespondentBinding {
  readonly hoa: Prefix;
  readonly maar: Address;
  /** Registration counter of the correspondent. */
  readonly counter: number;
}

export interface HomeBinding {
  readonly hoa: Prefix;
  /** Remaining valid lifetime of the prefix as its anchor advertised it; 0xffffffff is for ever. */
  readonly validSeconds: number;
  readonly correspondents: readonly CorrespondentBinding[];
}

/** Answer to an sDBU (draft section 6.2). */
export interface SDba extends Common {
  readonly kind: 'sDBA';
  readonly status: number;
  /** From 1 to `parts`. The caller of emit gives the whole as 1 of 1; emit splits and numbers. */
  readonly part: number;
  readonly parts: number;
  readonly homes: readonly HomeBinding[];
}

/** The MN's MAAR to a correspondent's MAAR or to an anchor: the MN is here now (draft section 6.3). */
export interface DDbu extends Common {
  readonly kind: 'dDBU';
  readonly timestamp: number;
  /** Home addresses of the mover. */
  readonly homes: readonly Prefix[];
  /** The mover's MAAR. */
  readonly maar: Address;
  /** Home addresses of the correspondents that this is for; may be empty towards an anchor. */
  readonly correspondents: readonly Prefix[];
}

/** Answer to a dDBU (draft section 6.4). */
export interface DDba extends Common {
  readonly kind: 'dDBA';
  readonly status: number;
  readonly homes: readonly Prefix[];
  readonly correspondents: readonly Prefix[];
  /** The correspondent's new MAAR, where this one has released it. */
  readonly moved?: Address;
}

export type DistributedMessage = SDbu | SDba | DDbu | DDba;
