import type { Prefix } from '../../../bindings/entries.ts';
import type { PoolConfig } from '../../core/config.ts';
import { addressBytes, readPrefix, splitPrefix } from '../../wire/address.ts';

interface Allocation {
  readonly prefix: Prefix;
  /** Until when some host may still use an address of it: hosts ignore a shortened valid lifetime below two hours. */
  validUntil: number;
}

/** Length of what one MN gets: SLAAC needs 64 bits of interface identifier [RFC 4862 5.5.3]. */
export const MN_PREFIX_LENGTH = 64;

/**
 * Home address allocation: one /64 of the pool for each MN, the same one whenever it asks while its last lifetime runs.
 * The first choice is a hash of the MN-ID, so that a MAAR that lost its state gives a returning MN its old prefix.
 */
export class HomeAddressAllocator {
  readonly #pool: PoolConfig;
  readonly #size: bigint;
  readonly #byNode = new Map<string, Allocation>();
  readonly #taken = new Map<Prefix, string>();

  constructor(pool: PoolConfig) {
    this.#pool = pool;
    this.#size = 1n << BigInt(MN_PREFIX_LENGTH - splitPrefix(pool.prefix).length);
  }

  /** The prefix of this MN, or undefined where the pool has run dry. */
  allocate(mnId: string, now: number): Prefix | undefined {
    const held = this.#byNode.get(mnId);
    if (held !== undefined) {
      held.validUntil = Math.max(held.validUntil, now + this.#pool.validSeconds * 1000);
      return held.prefix;
    }
    const prefix = this.#free(mnId, now);
    if (prefix === undefined) return undefined;
    this.#taken.set(prefix, mnId);
    this.#byNode.set(mnId, { prefix, validUntil: now + this.#pool.validSeconds * 1000 });
    return prefix;
  }

  /** Until when the prefix may be in use by the MN, or undefined where it was not allocated here. */
  validUntil(prefix: Prefix): number | undefined {
    const mnId = this.#taken.get(prefix);
    return mnId === undefined ? undefined : this.#byNode.get(mnId)?.validUntil;
  }

  /**
   * Whether the prefix is this MN's. After a loss of state a free prefix counts as its own if it is the one that
   * the MN-ID leads to first, and is taken for it again.
   */
  confirm(mnId: string, prefix: Prefix, now: number): boolean {
    const holder = this.#taken.get(prefix);
    if (holder !== undefined || this.#byNode.has(mnId)) return holder === mnId;
    return this.#free(mnId, now) === prefix && this.allocate(mnId, now) === prefix;
  }

  #free(mnId: string, now: number): Prefix | undefined {
    const first = fnv1a(mnId) % this.#size;
    // Index 0 is left out: its subnet-router anycast address is the pool's own.
    for (let step = 0n; step < this.#size; step++) {
      const index = (first + step) % this.#size;
      if (index === 0n) continue;
      const prefix = subnet(this.#pool.prefix, index);
      const holder = this.#taken.get(prefix);
      if (holder === undefined) return prefix;
      const allocation = this.#byNode.get(holder);
      if (allocation === undefined || allocation.validUntil > now) continue;
      this.#byNode.delete(holder);
      this.#taken.delete(prefix);
      return prefix;
    }
    return undefined;
  }
}

function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash;
}

function subnet(pool: Prefix, index: bigint): Prefix {
  const bytes = addressBytes(splitPrefix(pool).address);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, view.getBigUint64(0) | index);
  return readPrefix(bytes, 0, MN_PREFIX_LENGTH);
}
