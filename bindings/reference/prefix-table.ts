import type { PrefixValue } from './address.ts';
import { maskTo } from './address.ts';

/** Longest match by trying every length in turn. */
export class PrefixTable<V> {
  readonly #byLength = Array.from({ length: 129 }, () => new Map<bigint, V>());

  get size(): number {
    return this.#byLength.reduce((sum, entries) => sum + entries.size, 0);
  }

  get(prefix: PrefixValue): V | undefined {
    return this.#byLength[prefix.length]?.get(prefix.address);
  }

  set(prefix: PrefixValue, value: V): void {
    this.#byLength[prefix.length]?.set(prefix.address, value);
  }

  delete(prefix: PrefixValue): boolean {
    return this.#byLength[prefix.length]?.delete(prefix.address) ?? false;
  }

  longest(address: bigint): V | undefined {
    for (let length = 128; length >= 0; length--) {
      const entries = this.#byLength[length];
      if (entries === undefined || entries.size === 0) continue;
      const value = entries.get(maskTo(address, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  *values(): Generator<V> {
    for (const entries of this.#byLength) yield* entries.values();
  }
}
