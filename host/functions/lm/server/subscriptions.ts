import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { contains } from '../../../wire/address.ts';

interface Subscription {
  readonly peer: Address;
  readonly where: Prefix;
  readonly until: number;
}

/** Who wants to be told of changes of which prefixes, each for a limited time. Soft state: a restart forgets it. */
export class Subscriptions {
  readonly #byKey = new Map<string, Subscription>();
  readonly #limit: number;

  /** `limit`: subscriptions at a time. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** False if there is no room. */
  add(peer: Address, where: Prefix, until: number): boolean {
    const key = `${peer} ${where}`;
    if (!this.#byKey.has(key) && this.#byKey.size >= this.#limit) return false;
    this.#byKey.set(key, { peer, where, until });
    return true;
  }

  /** Ends what a peer that does not answer has subscribed to. */
  drop(peer: Address): void {
    for (const [key, subscription] of this.#byKey) if (subscription.peer === peer) this.#byKey.delete(key);
  }

  /** The subscribers of any of these prefixes, or of a part of one, with those that each is to be told of. */
  of(prefixes: readonly Prefix[], now: number): Map<Address, Prefix[]> {
    const found = new Map<Address, Prefix[]>();
    for (const { peer, where, until } of this.#byKey.values()) {
      if (until <= now) continue;
      const mine = prefixes.filter((prefix) => contains(prefix, where));
      const known = found.get(peer) ?? [];
      found.set(peer, [...known, ...mine.filter((prefix) => !known.includes(prefix))]);
    }
    for (const [peer, told] of found) if (told.length === 0) found.delete(peer);
    return found;
  }

  sweep(now: number): void {
    for (const [key, { until }] of this.#byKey) if (until <= now) this.#byKey.delete(key);
  }
}
