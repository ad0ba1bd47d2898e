import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { contains, splitPrefix } from '../../../wire/address.ts';

interface Member {
  readonly primary: readonly Prefix[];
  readonly until: number;
}

/** Which server of the pool is the primary one of which prefixes; a server is a member for as long as it says so. */
export class Pool {
  readonly #own: readonly Prefix[];
  readonly #self: Address;
  readonly #members = new Map<Address, Member>();

  constructor(self: Address, own: readonly Prefix[]) {
    this.#self = self;
    this.#own = own;
  }

  get own(): readonly Prefix[] {
    return this.#own;
  }

  /** False if another member, or this server, is the primary one of the very same prefix. */
  join(peer: Address, primary: readonly Prefix[], until: number, now: number): boolean {
    const others = [...this.#members].filter(([address, member]) => address !== peer && member.until > now);
    const taken = new Set([...this.#own, ...others.flatMap(([, member]) => member.primary)]);
    if (primary.some((prefix) => taken.has(prefix))) return false;
    this.#members.set(peer, { primary, until });
    return true;
  }

  leave(peer: Address): void {
    this.#members.delete(peer);
  }

  /** The primary server of an address or prefix, by the longest match; undefined if no member has it. */
  primaryOf(where: Address | Prefix, now: number): Address | undefined {
    let best: { readonly server: Address; readonly length: number } | undefined;
    const consider = (server: Address, prefixes: readonly Prefix[]): void => {
      for (const prefix of prefixes) {
        const { length } = splitPrefix(prefix);
        if (contains(prefix, where) && length > (best?.length ?? -1)) best = { server, length };
      }
    };
    consider(this.#self, this.#own);
    for (const [server, { primary, until }] of this.#members) if (until > now) consider(server, primary);
    return best?.server;
  }

  members(): { readonly server: Address; readonly primary: readonly Prefix[]; readonly until: number }[] {
    return [...this.#members].map(([server, member]) => ({ server, ...member }));
  }
}
