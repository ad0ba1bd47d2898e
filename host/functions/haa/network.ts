import type { Prefix } from '../../../bindings/entries.ts';
import type { NetworkConfig, PoolConfig } from '../../core/config.ts';
import { addressBytes, readPrefix, splitPrefix } from '../../wire/address.ts';
import { fnv1a } from './hash.ts';

/** Length of what one MN gets: SLAAC needs 64 bits of interface identifier [RFC 4862 5.5.3]. */
export const MN_PREFIX_LENGTH = 64;

/** A network of the pool, cut into one prefix for each MN. */
export class Network {
  readonly config: NetworkConfig;
  /** Prefixes that it has for MNs. */
  readonly size: number;
  readonly #subnets: bigint;
  readonly #head: string;
  readonly #tail: string | undefined;

  constructor(config: NetworkConfig) {
    this.config = config;
    this.#subnets = 1n << BigInt(MN_PREFIX_LENGTH - splitPrefix(config.prefix).length);
    // Index 0 is left out: its subnet-router anycast address is the network's own.
    this.size = Number(this.#subnets - 1n);
    const [head = '', tail] = config.mnId.split('*', 2);
    this.#head = head;
    this.#tail = tail;
  }

  /** Whether its prefixes are for this MN. */
  isFor(mnId: string): boolean {
    if (this.#tail === undefined) return mnId === this.#head;
    const least = this.#head.length + this.#tail.length;
    return mnId.length >= least && mnId.startsWith(this.#head) && mnId.endsWith(this.#tail);
  }

  /**
   * Its prefixes in the order in which this MN is offered them. The first is a hash of the MN-ID: a MAAR that lost its
   * state, or has let the lease go, gives a returning MN its old prefix.
   */
  *choices(mnId: string): Generator<Prefix> {
    const first = fnv1a(mnId) % this.#subnets;
    for (let step = 0n; step < this.#subnets; step++) {
      const index = (first + step) % this.#subnets;
      if (index !== 0n) yield this.#prefix(index);
    }
  }

  #prefix(index: bigint): Prefix {
    const bytes = addressBytes(splitPrefix(this.config.prefix).address);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, view.getBigUint64(0) | index);
    return readPrefix(bytes, 0, MN_PREFIX_LENGTH);
  }
}

/** The networks of a pool: those that it names, or else the pool itself, stateless and for every MN. */
export function networksOf({ networks, ...pool }: PoolConfig): Network[] {
  const configs: readonly NetworkConfig[] =
    networks === undefined || networks.length === 0
      ? [{ name: 'pool', mode: 'stateless', mnId: '*', ...pool }]
      : networks;
  return configs.map((config) => new Network(config));
}
