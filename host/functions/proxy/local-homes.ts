import type { Prefix } from '../../../bindings/entries.ts';
import type { NetworkConfig } from '../../core/config.ts';
import type { Context } from '../../core/context.ts';
import type { HomeAddressAllocator } from '../haa/allocator.ts';
import type { Domain } from '../lm/domain.ts';
import { localHomes, newHome, type Home, type MobileNode } from '../lm/node.ts';

/** How soon an MN is looked after again that a network had nothing left for. */
const DRY_SECONDS = 30;

/** What this MAAR gives an MN: its leases, as homes of the MN. */
export class LocalHomes {
  readonly #context: Context;
  readonly #domain: Domain;
  readonly #allocator: HomeAddressAllocator;

  constructor(context: Context, domain: Domain, allocator: HomeAddressAllocator) {
    this.#context = context;
    this.#domain = domain;
    this.#allocator = allocator;
  }

  /** Leases what the MN has none of yet, and renews what it has. Returns the homes that are new. */
  give(node: MobileNode): readonly Home[] {
    const known = localHomes(node);
    const { leases } = this.#allocator.allocate(node.mnId);
    const homes = leases.map(
      ({ prefix }) =>
        known.find((home) => home.prefix === prefix) ?? newHome(prefix, this.#domain.self, this.#context.now),
    );
    [node.local, ...node.further] = homes;
    this.#refresh(node);
    return homes.filter((home) => !known.includes(home));
  }

  /** Calls `done` once what `give` wrote is on the disk, or is not: the lifetimes of the homes are then what may be told. */
  whenKept(node: MobileNode, done: () => void): void {
    const waiting = new Set(localHomes(node));
    if (waiting.size === 0) done();
    for (const home of [...waiting]) {
      this.#allocator.whenKept(home.prefix, () => {
        if (!waiting.delete(home) || waiting.size > 0) return;
        this.#refresh(node);
        done();
      });
    }
  }

  networkOf(prefix: Prefix): NetworkConfig | undefined {
    return this.#allocator.networkOf(prefix)?.config;
  }

  /** Whether a network that is for the MN gives its addresses by DHCPv6. */
  isManaged({ mnId }: MobileNode): boolean {
    return this.#allocator.networks.some(
      (network) => network.config.mode === 'stateful' && network.isFor(mnId),
    );
  }

  /** Seconds after which the MN is to be told its lifetimes again, or looked after. */
  againSeconds(node: MobileNode): number {
    const homes = localHomes(node);
    const networks = this.#allocator.networks.filter((network) => network.isFor(node.mnId));
    const thirds = networks.map(({ config }) => config.preferredSeconds / 3);
    return Math.min(...thirds, homes.length < networks.length ? DRY_SECONDS : Infinity);
  }

  forget(node: MobileNode): void {
    this.#allocator.forgetRefusals(node.mnId);
  }

  #refresh(node: MobileNode): void {
    for (const home of localHomes(node)) {
      home.validUntil = this.#allocator.validUntil(home.prefix) ?? 0;
      home.spanSeconds = this.#allocator.networkOf(home.prefix)?.config.validSeconds ?? 0;
    }
  }
}
