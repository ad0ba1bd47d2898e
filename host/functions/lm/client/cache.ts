import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { Binding } from '../messages/message.ts';
import { PrefixMap } from '../prefix-map.ts';

export interface Entry {
  /** Undefined: the server knew nothing of it. */
  readonly binding: Binding | undefined;
  /** In milliseconds of the clock that the client is given. */
  until: number;
}

interface Absence extends Entry {
  /** Place in the order of what was heard. */
  readonly order: number;
}

interface Latest {
  readonly counter: number;
  readonly until: number;
  readonly order: number;
}

const MILLISECONDS = 1000;
/**
 * For how long the highest counter of a prefix is remembered when the binding itself is gone: as long as another MAAR may keep
 * an older one, and redirect by it (the longest subscription that a server grants, ten minutes).
 */
const REMEMBERED = 600 * MILLISECONDS;

/** What a client knows of other MNs' locations: bounded, each entry for a limited time, absent ones included. */
export class LocationCache {
  /** In order of use: the first goes first. */
  readonly #entries = new PrefixMap<Entry | Absence>();
  /**
   * The highest counter that was heard of each prefix. Without it an older binding that is still under way, or kept by another
   * MAAR, would be believed once the later one is withdrawn, or the MN has been here: two MAARs could send packets in a circle.
   */
  readonly #latest = new PrefixMap<Latest>();
  readonly #capacity: number;
  #order = 0;

  /** `capacity`: entries. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * What is known of an address or prefix: the binding of the longest prefix around it, with what is left of its lifetime, or
   * that there is none; undefined if neither is known.
   */
  find(where: Address | Prefix, now: number): Entry | undefined {
    let absent: Absence | undefined;
    for (const [prefix, entry] of this.#entries.around(where)) {
      const { binding, until } = entry;
      // Lifetimes are told in whole seconds: less than one is none.
      if (until - now < (binding === undefined ? 1 : MILLISECONDS)) {
        this.#entries.delete(prefix);
        continue;
      }
      // A wider binding may have come since an address was asked for in vain.
      if ('order' in entry) absent = entry;
      else if (binding !== undefined) {
        this.#entries.set(prefix, entry);
        const lifetimeSeconds = Math.floor((until - now) / MILLISECONDS);
        return { binding: { ...binding, lifetimeSeconds }, until };
      }
    }
    if (absent === undefined || this.#isPast(where, absent)) return undefined;
    return { binding: undefined, until: absent.until };
  }

  /** When what is known of this very prefix ends; undefined if nothing is. */
  endOf(prefix: Prefix, now: number): number | undefined {
    const until = this.#entries.get(prefix)?.until;
    return until !== undefined && until > now ? until : undefined;
  }

  /** Keeps a binding under a prefix unless a later one was known; false if it was. */
  put(prefix: Prefix, binding: Binding, until: number, now: number): boolean {
    if (!this.#isNews(prefix, binding.counter, now)) return false;
    this.#set(prefix, { binding, until });
    return true;
  }

  /** Notes that there is nothing to know of an address or prefix. */
  putAbsent(where: Prefix, until: number): void {
    this.#set(where, { binding: undefined, until, order: ++this.#order });
  }

  /** Notes that the registration with this counter has ended; false if a later one was known. */
  withdraw(prefix: Prefix, counter: number, until: number, now: number): boolean {
    if (!this.#isNews(prefix, counter, now)) return false;
    this.putAbsent(prefix, until);
    return true;
  }

  /** The MN is here, and is registered with this counter: what was known of it is past. */
  arrived(prefix: Prefix, counter: number, now: number): void {
    this.#isNews(prefix, counter, now);
    this.#entries.delete(prefix);
  }

  /** Keeps nothing for longer than `until`. */
  shorten(until: number): void {
    for (const [, entry] of this.#entries.entries()) entry.until = Math.min(entry.until, until);
  }

  /** Forgets what sends packets for `where` to `locator`, where the MN is no longer; false if something else is known by now. */
  invalidate(where: Address | Prefix, locator: Address, now: number): boolean {
    const entry = this.find(where, now);
    if (entry?.binding?.locator !== locator) return false;
    for (const prefix of [...entry.binding.prefixes, ...entry.binding.delegated])
      this.#entries.delete(prefix);
    return true;
  }

  /** Whether something was heard of a prefix around `where` since nothing was known: that it has ended proves nothing. */
  #isPast(where: Address | Prefix, { order }: Absence): boolean {
    for (const [, latest] of this.#latest.around(where)) if (latest.order > order) return true;
    return false;
  }

  /** Whether nothing later was heard of the prefix; remembers the counter if so. */
  #isNews(prefix: Prefix, counter: number, now: number): boolean {
    const latest = this.#latest.get(prefix);
    if (latest !== undefined && latest.until > now && latest.counter > counter) return false;
    this.#latest.delete(prefix);
    this.#latest.set(prefix, { counter, until: now + REMEMBERED, order: ++this.#order });
    if (this.#latest.size > this.#capacity) {
      const oldest = this.#latest.first();
      if (oldest !== undefined) this.#latest.delete(oldest);
    }
    return true;
  }

  #set(prefix: Prefix, entry: Entry | Absence): void {
    this.#entries.set(prefix, entry);
    if (this.#entries.size > this.#capacity) {
      const oldest = this.#entries.first();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }
}
