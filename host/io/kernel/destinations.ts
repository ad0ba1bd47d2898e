import type {
  Address,
  BufferEntry,
  DeliverEntry,
  LinkId,
  Mac,
  Entry,
  Prefix,
  RewriteEntry,
  TunnelEntry,
} from '../../../bindings/entries.ts';
import { splitPrefix } from '../../wire/address.ts';
import { RT_TABLE } from '../netlink/constants.ts';
import { deleteNeighbour, putNeighbour } from '../netlink/neighbour.ts';
import { deleteRoute, putRoute } from '../netlink/route.ts';
import type { RouteTarget } from '../netlink/route.ts';
import type { MessageWriter } from '../netlink/message.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { isGone } from './repair.ts';

export type DestinationEntry = DeliverEntry | TunnelEntry | BufferEntry | RewriteEntry;

export function isDestination(entry: Entry): entry is DestinationEntry {
  return ['deliver', 'tunnel', 'buffer', 'rewrite'].includes(entry.kind);
}

interface Use {
  mac: Mac;
  prefixes: Set<Prefix>;
}

/** Destination entries as kernel routes and permanent neighbours; all but deliver entries lead to the data plane. */
export class DestinationRoutes {
  readonly #netlink: NetlinkSocket;
  readonly #ifindexes: ReadonlyMap<LinkId, number>;
  readonly #tun: number;
  readonly #installed = new Map<Prefix, DestinationEntry>();
  /** Neighbours by "ifindex address", each as long as a prefix needs it. */
  readonly #neighbours = new Map<string, Use>();

  /** `tun` is the interface index of the device that leads to the data plane. */
  constructor(netlink: NetlinkSocket, ifindexes: ReadonlyMap<LinkId, number>, tun: number) {
    this.#netlink = netlink;
    this.#ifindexes = ifindexes;
    this.#tun = tun;
  }

  installed(prefix: Prefix): DestinationEntry | undefined {
    return this.#installed.get(prefix);
  }

  /** Makes the kernel's route for `prefix` that of `entry`: replaced in place, or deleted. */
  sync(prefix: Prefix, entry: DestinationEntry | undefined): void {
    const before = this.#installed.get(prefix);
    if (entry === undefined) {
      if (before === undefined) return;
      this.#delete(deleteRoute(prefix, RT_TABLE.main), `route ${prefix}`);
      this.#installed.delete(prefix);
    } else if (entry.kind !== 'deliver') {
      if (before === undefined || before.kind === 'deliver')
        this.#putRoute(prefix, { kind: 'device', ifindex: this.#tun });
      this.#installed.set(prefix, entry);
    } else {
      this.#deliver(prefix, entry, before);
    }
    const stays = entry?.kind === 'deliver' ? this.#neighbourOf(entry) : undefined;
    if (before?.kind !== 'deliver') return;
    const left = this.#neighbourOf(before);
    if (left !== undefined && left.key !== stays?.key) this.#releaseNeighbour(prefix, left);
  }

  /** Takes note that the kernel has nothing any more that leads to stations of `link`. */
  forget(link: LinkId): void {
    for (const [prefix, entry] of this.#installed) {
      if (entry.kind === 'deliver' && entry.link === link) this.#installed.delete(prefix);
    }
    const ifindex = this.#ifindexes.get(link);
    for (const key of this.#neighbours.keys()) {
      if (key.startsWith(`${ifindex} `)) this.#neighbours.delete(key);
    }
  }

  #deliver(prefix: Prefix, entry: DeliverEntry, before: DestinationEntry | undefined): void {
    const neighbour = this.#neighbourOf(entry);
    if (neighbour === undefined)
      throw new Error(`deliver entry ${prefix} names link ${entry.link}, which is not configured`);
    // The neighbour first, or the first packet over the route would start a solicitation.
    const use = this.#neighbours.get(neighbour.key);
    if (use?.mac !== entry.mac) {
      this.#netlink.request(putNeighbour(neighbour, entry.mac), `neighbour ${entry.nextHop}`);
    }
    if (use === undefined)
      this.#neighbours.set(neighbour.key, { mac: entry.mac, prefixes: new Set([prefix]) });
    else {
      use.mac = entry.mac;
      use.prefixes.add(prefix);
    }
    if (before?.kind !== 'deliver' || before.link !== entry.link || before.nextHop !== entry.nextHop) {
      // A route to an address by way of itself is none: it is on the link.
      const onLink = splitPrefix(prefix).address === entry.nextHop && splitPrefix(prefix).length === 128;
      this.#putRoute(prefix, {
        kind: 'device',
        ifindex: neighbour.ifindex,
        ...(onLink ? {} : { gateway: entry.nextHop }),
      });
    }
    this.#installed.set(prefix, entry);
  }

  #putRoute(prefix: Prefix, target: RouteTarget): void {
    this.#netlink.request(putRoute({ prefix, table: RT_TABLE.main, target }), `route ${prefix}`);
  }

  /** What the kernel has taken away itself, with an interface that went down, is deleted as well. */
  #delete(message: MessageWriter, what: string): void {
    try {
      this.#netlink.request(message, `delete ${what}`);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  #neighbourOf(entry: DeliverEntry): { key: string; ifindex: number; address: Address } | undefined {
    const ifindex = this.#ifindexes.get(entry.link);
    return ifindex === undefined
      ? undefined
      : { key: `${ifindex} ${entry.nextHop}`, ifindex, address: entry.nextHop };
  }

  #releaseNeighbour(prefix: Prefix, neighbour: { key: string; ifindex: number; address: Address }): void {
    const use = this.#neighbours.get(neighbour.key);
    use?.prefixes.delete(prefix);
    if (use?.prefixes.size !== 0) return;
    this.#neighbours.delete(neighbour.key);
    this.#delete(deleteNeighbour(neighbour), `neighbour ${neighbour.address}`);
  }
}
