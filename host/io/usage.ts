import type { Usage } from '../core/maar-io.ts';
import type { EntryDump } from '../../bindings/dataplane.ts';
import { listConnections, parseConnection } from './netlink/conntrack.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

/** Finds out when native connections last carried packets, by comparing packet counters with those of the last time. */
export class NativeUsage {
  readonly #netfilter: NetlinkSocket;
  #last = new Map<string, { readonly packets: number; readonly at: number }>();

  constructor(netfilter: NetlinkSocket) {
    this.#netfilter = netfilter;
  }

  /** Pairs of addresses with the time of the first look that saw their newest packet: late by one interval at most. */
  pairs(now: number): Usage['pairs'] {
    const seen = new Map<string, { readonly packets: number; readonly at: number }>();
    const pairs = new Map<string, { src: string; dst: string; lastUsed: number }>();
    for (const message of this.#netfilter.dump(listConnections(), 'list connections')) {
      const connection = parseConnection(message);
      if (connection === undefined) continue;
      const { src, dst, id, packets } = connection;
      const key = `${id} ${src} ${dst}`;
      const before = this.#last.get(key);
      const state = before?.packets === packets ? before : { packets, at: now };
      seen.set(key, state);
      const pair = `${src} ${dst}`;
      pairs.set(pair, { src, dst, lastUsed: Math.max(state.at, pairs.get(pair)?.lastUsed ?? 0) });
    }
    this.#last = seen;
    return [...pairs.values()];
  }
}

/** Destinations of the data plane that have carried a packet at all. */
export function destinationUsage(entries: EntryDump): Usage['destinations'] {
  return entries.destinations
    .filter(({ lastUsed }) => lastUsed > 0)
    .map(({ prefix, lastUsed }) => ({ prefix, lastUsed }));
}
