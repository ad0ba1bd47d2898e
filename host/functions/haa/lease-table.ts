import type { Prefix } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { Lease, LeaseRecord } from './lease.ts';

/** A lease is kept for two of its times, and again once less than one and a half are left: most renewals write nothing. */
const KEPT_TIMES = 2;
const KEPT_TIMES_LEAST = 1.5;

/**
 * The leases of one MAAR. With a store, nothing is promised that is not on the disk: what is written is a bound on the
 * promises to come, so that a renewal waits for no disk.
 */
export class LeaseTable {
  readonly #context: Context;
  readonly #stored: boolean;
  readonly #leases = new Map<Prefix, Lease>();
  /** The prefix that an MN has, or had last, of a network. */
  readonly #byOwner = new Map<string, Prefix>();
  readonly #writing = new Map<number, readonly LeaseRecord[]>();
  readonly #waiting = new Map<Prefix, ((kept: boolean) => void)[]>();
  #writes = 0;

  /** `kept` is what a store has from before; undefined where nothing is stored. */
  constructor(context: Context, kept: readonly LeaseRecord[] | undefined) {
    this.#context = context;
    this.#stored = kept !== undefined;
    for (const { until, ...record } of kept ?? []) {
      // How much of it was promised died with the process that wrote it.
      this.#put({ ...record, promised: until, asked: until, kept: until });
    }
  }

  get(prefix: Prefix): Lease | undefined {
    return this.#leases.get(prefix);
  }

  values(): Iterable<Lease> {
    return this.#leases.values();
  }

  /** The lease of an MN in a network, unless it is over. */
  find(network: string, mnId: string): Lease | undefined {
    const prefix = this.#byOwner.get(owner({ network, mnId }));
    const lease = prefix === undefined ? undefined : this.#leases.get(prefix);
    return lease === undefined || lease.mnId !== mnId || this.isOver(lease) ? undefined : lease;
  }

  isOver(lease: Lease): boolean {
    return lease.promised <= this.#context.now && !this.#isWriting(lease.prefix);
  }

  /** A lease that is nobody's yet, in the place of one that is over; it becomes the MN's with the first `renew`. */
  open(prefix: Prefix, network: string, mnId: string): Lease {
    const before = this.#leases.get(prefix);
    if (before !== undefined) this.#remove(before);
    const kept = this.#stored ? 0 : Infinity;
    const lease: Lease = { prefix, network, mnId, promised: 0, asked: 0, kept };
    this.#put(lease);
    return lease;
  }

  /**
   * Promises the lease for `seconds` from now, or for as long as the store has it. False where that is less than asked for:
   * the disk is being waited for, or fails.
   */
  renew(lease: Lease, seconds: number): boolean {
    const { now } = this.#context;
    const millis = seconds * 1000;
    if (lease.kept - now < KEPT_TIMES_LEAST * millis && !this.#isWriting(lease.prefix)) {
      const { prefix, network, mnId } = lease;
      this.#write([{ prefix, network, mnId, until: now + KEPT_TIMES * millis }], []);
    }
    lease.asked = Math.max(lease.asked, now + millis);
    promise(lease);
    return lease.kept >= now + millis;
  }

  /** Calls `done` once the store has answered what was last written of the lease; at once where nothing is written. */
  whenWritten(prefix: Prefix, done: (kept: boolean) => void): void {
    if (!this.#isWriting(prefix)) {
      done((this.#leases.get(prefix)?.kept ?? 0) > this.#context.now);
      return;
    }
    this.#waiting.set(prefix, [...(this.#waiting.get(prefix) ?? []), done]);
  }

  /** Forgets leases that are over. */
  sweep(): void {
    const over = [...this.#leases.values()].filter((lease) => this.isOver(lease));
    for (const lease of over) this.#remove(lease);
    const prefixes = over.map(({ prefix }) => prefix);
    if (over.length > 0 && this.#stored) this.#write([], prefixes);
  }

  /** The store's answer to a write. */
  written(write: number, fault: string | undefined): void {
    const records = this.#writing.get(write) ?? [];
    this.#writing.delete(write);
    if (fault !== undefined) {
      this.#context.count('lease-store-failed');
      this.#context.trace('lease-store', { detail: { fault } });
    }
    for (const { prefix, until } of records) {
      const lease = this.#leases.get(prefix);
      if (lease !== undefined && fault === undefined) {
        lease.kept = Math.max(lease.kept, until);
        promise(lease);
      }
      const waiting = this.#waiting.get(prefix) ?? [];
      this.#waiting.delete(prefix);
      for (const done of waiting) done(fault === undefined);
    }
  }

  #isWriting(prefix: Prefix): boolean {
    for (const records of this.#writing.values()) {
      if (records.some((record) => record.prefix === prefix)) return true;
    }
    return false;
  }

  #write(put: readonly LeaseRecord[], forget: readonly Prefix[]): void {
    const write = ++this.#writes;
    this.#writing.set(write, put);
    this.#context.emit({ type: 'leases', write, put, forget });
  }

  #put(lease: Lease): void {
    this.#leases.set(lease.prefix, lease);
    this.#byOwner.set(owner(lease), lease.prefix);
  }

  #remove(lease: Lease): void {
    this.#leases.delete(lease.prefix);
    if (this.#byOwner.get(owner(lease)) === lease.prefix) this.#byOwner.delete(owner(lease));
  }
}

/** What was asked for, as far as it is kept. */
function promise(lease: Lease): void {
  lease.promised = Math.max(lease.promised, Math.min(lease.asked, lease.kept));
}

function owner({ network, mnId }: Pick<Lease, 'network' | 'mnId'>): string {
  return `${network} ${mnId}`;
}
