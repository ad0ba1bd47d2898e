import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { Binding } from '../messages/message.ts';
import { PrefixMap } from '../prefix-map.ts';

interface Entry {
  /** Undefined: the server knew nothing of it. */
  readonly binding: Binding | undefined;
  readonly until: number;
}

/** What a client knows of other MNs' locations: bounded, each entry for a limited time, absent ones included. */
export class LocationCache {
  /** In order of use: the first goes first. */
  readonly #entries = new PrefixMap<Entry>();
  readonly #capacity: number;

  /** `capacity`: entries. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * What is known of an address or prefix: the binding of the longest prefix around it, or that there is none; undefined if
   * neither is known.
   */
  find(where: Address | Prefix, now: number): { readonly binding: Binding | undefined } | undefined {
    let absent: Entry | undefined;
    for (const [prefix, entry] of this.#entries.around(where)) {
      if (entry.until <= now) {
        this.#entries.delete(prefix);
        continue;
      }
      // A wider binding may have come since an address was asked for in vain.
      if (entry.binding === undefined) absent = entry;
      else {
        this.#entries.set(prefix, entry);
        return entry;
      }
    }
    return absent;
  }

  /** Keeps a binding under a prefix unless a later one is known; false if it was. */
  put(prefix: Prefix, binding: Binding, until: number, now: number): boolean {
    const known = this.#entries.get(prefix);
    if (known !== undefined && known.until > now && (known.binding?.counter ?? 0) > binding.counter)
      return false;
    this.#set(prefix, { binding, until });
    return true;
  }

  /** Notes that there is nothing to know of an address or prefix. */
  putAbsent(where: Prefix, until: number): void {
    this.#set(where, { binding: undefined, until });
  }

  delete(prefix: Prefix): void {
    this.#entries.delete(prefix);
  }

  /** Forgets what sends packets for `where` to `locator`, where the MN is no longer; false if something else is known by now. */
  invalidate(where: Address | Prefix, locator: Address, now: number): boolean {
    const entry = this.find(where, now);
    if (entry?.binding?.locator !== locator) return false;
    for (const prefix of [...entry.binding.prefixes, ...entry.binding.delegated])
      this.#entries.delete(prefix);
    return true;
  }

  #set(prefix: Prefix, entry: Entry): void {
    this.#entries.set(prefix, entry);
    if (this.#entries.size > this.#capacity) {
      const oldest = this.#entries.first();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }
}
