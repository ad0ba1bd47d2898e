import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { PrefixMap } from '../prefix-map.ts';

interface Member {
  readonly primary: readonly Prefix[];
  readonly until: number;
}

/** Which server of the pool is the primary one of which prefixes; a server is a member for as long as it says so. */
export class Pool {
  readonly #own: readonly Prefix[];
  readonly #members = new Map<Address, Member>();
  /** By prefix: every message asks for a primary server, and the pool may be large. */
  readonly #servers = new PrefixMap<Address>();
  readonly #self: Address;

  constructor(self: Address, own: readonly Prefix[]) {
    this.#self = self;
    this.#own = own;
    for (const prefix of own) this.#servers.set(prefix, self);
  }

  get own(): readonly Prefix[] {
    return this.#own;
  }

  /** False if another member, or this server, is the primary one of the very same prefix. */
  join(peer: Address, primary: readonly Prefix[], until: number, now: number): boolean {
    const taken = (prefix: Prefix): boolean => {
      const server = this.#servers.get(prefix);
      return server !== undefined && server !== peer && this.#isMember(server, now);
    };
    if (primary.some(taken)) return false;
    this.leave(peer);
    this.#members.set(peer, { primary, until });
    for (const prefix of primary) this.#servers.set(prefix, peer);
    return true;
  }

  leave(peer: Address): void {
    for (const prefix of this.#members.get(peer)?.primary ?? []) {
      if (this.#servers.get(prefix) === peer) this.#servers.delete(prefix);
    }
    this.#members.delete(peer);
  }

  /** The primary server of an address or prefix, by the longest match; undefined if no member has it. */
  primaryOf(where: Address | Prefix, now: number): Address | undefined {
    for (const [, server] of this.#servers.around(where)) if (this.#isMember(server, now)) return server;
    return undefined;
  }

  members(): { readonly server: Address; readonly primary: readonly Prefix[]; readonly until: number }[] {
    return [...this.#members].map(([server, member]) => ({ server, ...member }));
  }

  #isMember(server: Address, now: number): boolean {
    return server === this.#self || (this.#members.get(server)?.until ?? 0) > now;
  }
}
