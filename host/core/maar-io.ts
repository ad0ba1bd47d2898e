import type {
  Address,
  Command,
  CommandStatus,
  DataPlaneEvent,
  LinkId,
  Mac,
  Prefix,
} from '../../bindings/entries.ts';
import type { LeaseRecord } from '../functions/haa/lease.ts';
import type { StreamEffect, StreamEvent, TimerEffect, TimerEvent, TraceEffect } from './machine.ts';

export interface StationActivity {
  readonly mac: Mac;
  readonly sent: number;
  readonly received: number;
}

/** Answer to `usage`: destinations that carried packets, and when last (milliseconds of `now`). */
export interface Usage {
  readonly type: 'usage';
  readonly destinations: readonly { readonly prefix: string; readonly lastUsed: number }[];
  /** Address pairs that carried packets natively, and when last. */
  readonly pairs: readonly { readonly src: Address; readonly dst: Address; readonly lastUsed: number }[];
}

/** Everything that can happen to the control plane of one MAAR. */
export type MaarEvent =
  | { readonly type: 'start' }
  /** Orderly stop: what was promised to others is taken back where a message can do it. */
  | { readonly type: 'stop' }
  /**
   * The beginning of a frame heard on an access link (Ethernet header included, at least the first 128 octets, whole for
   * neighbour discovery and DHCPv6): from a station that control did not list as attached, or any neighbour discovery, MLD
   * report or message to DHCPv6 servers.
   */
  | { readonly type: 'frame'; readonly link: LinkId; readonly port: string; readonly data: Uint8Array }
  /** A port of an access link came up or went down; also a station's leaving where the link layer tells (802.11). */
  | { readonly type: 'port'; readonly link: LinkId; readonly port: string; readonly up: boolean }
  | {
      readonly type: 'station';
      readonly link: LinkId;
      readonly port: string;
      readonly mac: Mac;
      readonly present: boolean;
    }
  /** The link layer announces that a station is about to leave, as its disassociation would; answered by `buffering`. */
  | { readonly type: 'leaving'; readonly link: LinkId; readonly port: string; readonly mac: Mac }
  /** A Mobility Header packet, from its first octet, with what the socket says of its IPv6 header. */
  | {
      readonly type: 'mobility';
      readonly src: Address;
      readonly dst: Address;
      readonly side: 'core' | 'access';
      readonly data: Uint8Array;
    }
  /** The data plane (tables and kernel alike) has applied batch `batch`. */
  | { readonly type: 'applied'; readonly batch: number; readonly statuses: readonly CommandStatus[] }
  | { readonly type: 'dataplane'; readonly event: DataPlaneEvent }
  | Usage
  /** Answer to `activity`: packets that each station has sent, and that have been sent to it, since some fixed time. */
  | { readonly type: 'activity'; readonly stations: readonly StationActivity[] }
  /** Answer to `leases` of that number: kept, or why not. */
  | { readonly type: 'leases'; readonly write: number; readonly fault?: string }
  | TimerEvent
  | StreamEvent;

/** Everything that the control plane of one MAAR can want. */
export type MaarEffect =
  /** One batch of commands, in order; answered by `applied` with the same number. */
  | { readonly type: 'apply'; readonly batch: number; readonly commands: readonly Command[] }
  /** Asks for `usage`. */
  | { readonly type: 'usage' }
  /** Asks for `activity`. */
  | { readonly type: 'activity' }
  /** A whole Ethernet frame to an access link (all ports of it, or one). */
  | { readonly type: 'frame'; readonly link: LinkId; readonly port?: string; readonly data: Uint8Array }
  /** A Mobility Header, checksum filled. */
  | { readonly type: 'mobility'; readonly src: Address; readonly dst: Address; readonly data: Uint8Array }
  /** An ICMPv6 message to the core, checksum filled. */
  | { readonly type: 'icmpv6'; readonly src: Address; readonly dst: Address; readonly data: Uint8Array }
  /** Answers `leaving`: what comes for the station from now on is kept (or nothing is, where it is not attached there). */
  | { readonly type: 'buffering'; readonly mac: Mac }
  /** Stations whose data frames need no longer be shown to control (they are attached). */
  | { readonly type: 'stations'; readonly link: LinkId; readonly macs: readonly Mac[] }
  /** Leases for the store, and prefixes of which it may forget what it has; answered by `leases` once that is on the disk. */
  | {
      readonly type: 'leases';
      readonly write: number;
      readonly put: readonly LeaseRecord[];
      readonly forget: readonly Prefix[];
    }
  | TimerEffect
  | StreamEffect
  | TraceEffect;
