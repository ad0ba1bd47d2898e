import type { PairUse } from '../../../bindings/node/module.ts';
import type { DataPlaneOptions, EntryDump } from '../../../bindings/dataplane.ts';
import type {
  Address,
  Command,
  CommandStatus,
  DataPlaneEvent,
  LinkId,
  Prefix,
} from '../../../bindings/entries.ts';
import type { PumpEnds } from './pump-pipes.ts';

/** What the packet worker is started with. Descriptors belong to the process; the main thread opened them. */
export interface WorkerSetup {
  readonly clockOrigin: number;
  /** The data plane: the path of the compiled module, or the pipes to one that runs elsewhere. */
  readonly engine: { readonly module: string } | { readonly pump: PumpEnds };
  readonly dataPlane: DataPlaneOptions;
  /** One Int32: not zero once the process ends. */
  readonly stop: SharedArrayBuffer;
  /** Kicked after a message was posted or the stop flag set. */
  readonly wake: number;
  /** Leads to and from the core: tunnelled destinations come in, everything that leaves the data plane goes out. */
  readonly coreTun: number;
  /** One for each access link: packets of its stations that the kernel does not route by itself. */
  readonly accessTuns: readonly { readonly fd: number; readonly link: LinkId }[];
  readonly tunnel: number;
  /** ICMPv6 errors to our address. */
  readonly errors: number;
  readonly mobility: number;
  readonly accessInterfaces: readonly number[];
  /** rtnetlink events; they go to the main thread as they are. */
  readonly routeEvents: number;
  readonly connectionEvents: number;
  /** What happens to tables of nftables. */
  readonly tableEvents: number;
  readonly pool: Prefix;
}

export type ToWorker =
  | { readonly type: 'apply'; readonly batch: number; readonly commands: readonly Command[] }
  | { readonly type: 'dump'; readonly request: number }
  | {
      readonly type: 'open-port';
      readonly fd: number;
      readonly port: string;
      readonly link: LinkId;
    }
  /** The worker closes the descriptor, since it is the one that polls it. */
  | { readonly type: 'close-port'; readonly fd: number };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'applied'; readonly batch: number; readonly statuses: readonly CommandStatus[] }
  | {
      readonly type: 'dump';
      readonly request: number;
      readonly counters: Readonly<Record<string, number>>;
      readonly entries: EntryDump;
      readonly pairs: readonly PairUse[];
    }
  | { readonly type: 'events'; readonly events: readonly DataPlaneEvent[] }
  | { readonly type: 'frame'; readonly link: LinkId; readonly port: string; readonly data: Uint8Array }
  | {
      readonly type: 'mobility';
      readonly src: Address;
      readonly ifindex: number;
      readonly data: Uint8Array;
    }
  | { readonly type: 'route-events'; readonly data: Uint8Array }
  /** The kernel dropped rtnetlink events for want of room: what they told must be asked for. */
  | { readonly type: 'route-events-lost' }
  /** Somebody has deleted a table of nftables, or may have. */
  | { readonly type: 'table-deleted' };
