import type { Address, Prefix } from '../../../bindings/entries.ts';
import { prefixOf, splitPrefix } from '../../wire/address.ts';

/** Values by prefix, in order of insertion; found by every prefix around an address, the longest first. */
export class PrefixMap<Value> {
  readonly #values = new Map<Prefix, Value>();
  /** How many prefixes of each length there are: only these lengths are tried. */
  readonly #counts = new Map<number, number>();
  #lengths: readonly number[] = [];

  get size(): number {
    return this.#values.size;
  }

  get(prefix: Prefix): Value | undefined {
    return this.#values.get(prefix);
  }

  /** The prefix goes to the end of the order. */
  set(prefix: Prefix, value: Value): void {
    this.delete(prefix);
    this.#values.set(prefix, value);
    this.#count(prefix, 1);
  }

  delete(prefix: Prefix): void {
    if (this.#values.delete(prefix)) this.#count(prefix, -1);
  }

  entries(): IterableIterator<[Prefix, Value]> {
    return this.#values.entries();
  }

  first(): Prefix | undefined {
    return this.#values.keys().next().value;
  }

  /** The prefixes that contain an address or prefix, the longest first. */
  *around(where: Address | Prefix): Generator<[Prefix, Value]> {
    const { address, length: most } = splitPrefix(where.includes('/') ? where : `${where}/128`);
    for (const length of this.#lengths) {
      if (length > most) continue;
      const prefix = prefixOf(address, length);
      const value = this.#values.get(prefix);
      if (value !== undefined) yield [prefix, value];
    }
  }

  /** Whether a prefix could have others inside of it. */
  hasLongerThan(prefix: Prefix): boolean {
    return (this.#lengths[0] ?? 0) > splitPrefix(prefix).length;
  }

  #count(prefix: Prefix, change: number): void {
    const { length } = splitPrefix(prefix);
    const before = this.#counts.get(length) ?? 0;
    if (before + change > 0) this.#counts.set(length, before + change);
    else this.#counts.delete(length);
    if (before === 0 || before + change === 0) this.#lengths = [...this.#counts.keys()].sort((a, b) => b - a);
  }
}
