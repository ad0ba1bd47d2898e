import type { Prefix } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import { contains } from '../../wire/address.ts';
import type { Lease, LeaseRecord } from './lease.ts';
import { LeaseTable } from './lease-table.ts';
import { networksOf, type Network } from './network.ts';

export { MN_PREFIX_LENGTH } from './network.ts';

/** Timers of home address allocation begin so. */
export const HAA_TIMER = 'haa:';
const SWEEP = `${HAA_TIMER}sweep`;

/** What an MN was given, and the networks that are for it and had nothing left. */
export interface Allocation {
  readonly leases: readonly Lease[];
  readonly dry: readonly string[];
}

/** Why an MN has nothing of a network. */
export interface Refusal {
  readonly mnId: string;
  readonly network: string;
  readonly since: number;
}

/**
 * Home address allocation: an MN has a /64 of each network that is for it, the same one whenever it asks while its lease
 * runs. A lease ends with the longest lifetime that was ever promised of it, and its prefix is another MN's only then.
 */
export class HomeAddressAllocator {
  readonly #context: Context;
  readonly #networks: readonly Network[];
  readonly #table: LeaseTable;
  readonly #refused = new Map<string, Refusal>();
  /** Whether leases survive the process. */
  readonly stored: boolean;

  /** `kept` are the leases of a store, undefined where there is none: then all of them end with the process. */
  constructor(context: Context, kept?: readonly LeaseRecord[]) {
    this.#context = context;
    this.stored = kept !== undefined;
    this.#networks = networksOf(context.config.pool);
    // A prefix that the configuration has given up is not ours to promise.
    const ours = kept?.filter(({ prefix }) => this.networkOf(prefix) !== undefined);
    this.#table = new LeaseTable(context, ours);
  }

  get networks(): readonly Network[] {
    return this.#networks;
  }

  networkOf(prefix: Prefix): Network | undefined {
    return this.#networks.find(({ config }) => contains(config.prefix, prefix));
  }

  start(): void {
    const times = this.#networks.map(({ config }) => config.validSeconds * 1000);
    this.#context.arm(SWEEP, Math.min(...times));
  }

  /** Leases of the MN in the networks that are for it, renewed from now where it has them. */
  allocate(mnId: string): Allocation {
    const leases: Lease[] = [];
    const dry: string[] = [];
    for (const network of this.#networks) {
      if (!network.isFor(mnId)) continue;
      const lease = this.#table.find(network.config.name, mnId) ?? this.#free(mnId, network);
      if (lease === undefined) dry.push(network.config.name);
      else leases.push(lease);
      this.#note(mnId, network.config.name, lease);
      if (lease !== undefined) this.#table.renew(lease, network.config.validSeconds);
    }
    return { leases, dry };
  }

  /** Renews one lease for another MAAR that serves its MN. False where the prefix is not the MN's, or cannot be kept. */
  renew(mnId: string, prefix: Prefix): boolean {
    const lease = this.#table.get(prefix);
    const network = this.networkOf(prefix);
    if (lease?.mnId !== mnId || network === undefined) return false;
    return this.#table.renew(lease, network.config.validSeconds);
  }

  /** Until when the prefix is promised to its MN; undefined where it is nobody's. */
  validUntil(prefix: Prefix): number | undefined {
    return this.#table.get(prefix)?.promised;
  }

  /** The same in whole seconds from now; 0 where it is nobody's. */
  validSeconds(prefix: Prefix): number {
    return this.#context.secondsUntil(this.validUntil(prefix) ?? 0);
  }

  /** What the MN has here. */
  leasesOf(mnId: string): Lease[] {
    return [...this.#table.values()].filter((lease) => lease.mnId === mnId && !this.#table.isOver(lease));
  }

  /** Whose the prefix is; undefined where it is nobody's. */
  holder(prefix: Prefix): string | undefined {
    const lease = this.#table.get(prefix);
    return lease === undefined || this.#table.isOver(lease) ? undefined : lease.mnId;
  }

  /** Calls `done` once what the lease promises is on the disk, or with false once it is not. */
  whenKept(prefix: Prefix, done: (kept: boolean) => void): void {
    this.#table.whenWritten(prefix, done);
  }

  /**
   * Whether the prefix is this MN's. Where its lease is lost or over, a free prefix counts as its own if it is the one that
   * the MN-ID leads to first, and is taken for it again; with a store that is so from when it is kept.
   */
  confirm(mnId: string, prefix: Prefix): boolean {
    const lease = this.#table.get(prefix);
    if (lease !== undefined && !this.#table.isOver(lease)) return lease.mnId === mnId && lease.promised > 0;
    const network = this.networkOf(prefix);
    if (network?.isFor(mnId) !== true || this.#table.find(network.config.name, mnId) !== undefined)
      return false;
    const [first] = network.choices(mnId);
    if (first !== prefix) return false;
    const taken = this.#table.open(prefix, network.config.name, mnId);
    return this.#table.renew(taken, network.config.validSeconds);
  }

  written(write: number, fault: string | undefined): void {
    this.#table.written(write, fault);
  }

  timer(): void {
    this.#table.sweep();
    this.start();
  }

  leases(): Iterable<Lease> {
    return this.#table.values();
  }

  refusals(): Iterable<Refusal> {
    return this.#refused.values();
  }

  /** The MN is gone: that it had nothing is no news any more. */
  forgetRefusals(mnId: string): void {
    for (const { config } of this.#networks) this.#refused.delete(`${config.name} ${mnId}`);
  }

  #free(mnId: string, network: Network): Lease | undefined {
    const { name } = network.config;
    const taken = [...this.#table.values()].filter(
      (lease) => lease.network === name && !this.#table.isOver(lease),
    );
    // Looking through a full network would take as long as it is large, at every frame of every newcomer.
    if (taken.length >= network.size) return undefined;
    for (const prefix of network.choices(mnId)) {
      const lease = this.#table.get(prefix);
      if (lease === undefined || this.#table.isOver(lease)) return this.#table.open(prefix, name, mnId);
    }
    return undefined;
  }

  #note(mnId: string, network: string, lease: Lease | undefined): void {
    const key = `${network} ${mnId}`;
    if (lease !== undefined) {
      this.#refused.delete(key);
      return;
    }
    if (this.#refused.has(key)) return;
    this.#refused.set(key, { mnId, network, since: this.#context.now });
    this.#context.count('pool-dry');
    this.#context.trace('pool-dry', { detail: { mnId, network } });
  }
}
