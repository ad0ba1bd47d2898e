import type { Address, Prefix } from '../../../bindings/entries.ts';
import { contains } from '../../wire/address.ts';
import { PrefixMap } from './prefix-map.ts';
import type { Registration, StoreState } from './store.ts';

/** Registrations in memory, found by MN and by longest matching prefix. */
export class RegistrationTable {
  readonly #byMn = new Map<string, Registration>();
  readonly #byPrefix = new PrefixMap<Registration>();
  #floor: number;

  constructor(state: StoreState) {
    this.#floor = state.floor;
    for (const registration of state.registrations) this.put(registration);
  }

  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#byMn.size;
  }

  /** Ended and expired ones included. */
  get(mnId: string): Registration | undefined {
    return this.#byMn.get(mnId);
  }

  all(): Registration[] {
    return [...this.#byMn.values()];
  }

  /** The registration in force whose prefix is the longest around an address or prefix, and that prefix. */
  find(
    where: Address | Prefix,
    now: number,
  ): { readonly registration: Registration; readonly prefix: Prefix } | undefined {
    for (const [prefix, registration] of this.#byPrefix.around(where)) {
      if (inForce(registration, now)) return { registration, prefix };
    }
    return undefined;
  }

  /** Whether an MN other than this one holds a part of the prefix. */
  heldByAnother(prefix: Prefix, mnId: string, now: number): boolean {
    const around = this.find(prefix, now);
    if (around !== undefined && around.registration.mnId !== mnId) return true;
    if (!this.#byPrefix.hasLongerThan(prefix)) return false;
    for (const [inner, registration] of this.#byPrefix.entries()) {
      if (registration.mnId !== mnId && inForce(registration, now) && contains(prefix, inner)) return true;
    }
    return false;
  }

  put(registration: Registration): void {
    this.#remove(registration.mnId);
    this.#byMn.set(registration.mnId, registration);
    if (registration.ended) return;
    for (const prefix of prefixesOf(registration)) this.#byPrefix.set(prefix, registration);
  }

  /** Those that ended or expired before `before`. */
  stale(before: number): Registration[] {
    return this.all().filter(({ expires }) => expires < before);
  }

  forget(mnIds: readonly string[], floor: number): void {
    for (const mnId of mnIds) this.#remove(mnId);
    this.#floor = Math.max(this.#floor, floor);
  }

  #remove(mnId: string): void {
    const old = this.#byMn.get(mnId);
    if (old === undefined) return;
    this.#byMn.delete(mnId);
    for (const prefix of prefixesOf(old)) {
      if (this.#byPrefix.get(prefix) === old) this.#byPrefix.delete(prefix);
    }
  }
}

export function prefixesOf(registration: Pick<Registration, 'prefixes' | 'delegated'>): Prefix[] {
  return [...registration.prefixes, ...registration.delegated];
}

export function inForce(registration: Registration, now: number): boolean {
  return !registration.ended && registration.expires > now;
}
