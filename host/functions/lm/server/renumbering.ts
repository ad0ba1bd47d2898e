import type { Prefix } from '../../../../bindings/entries.ts';
import type { Binding } from '../messages/message.ts';
import { prefixesOf } from '../table.ts';

interface Told {
  /** The counter of the prefix's home server. */
  readonly theirs: number;
  /** The one of this server's own sequence under which clients here were told. */
  readonly ours: number;
}

/** Prefixes remembered; one that is forgotten only costs another counter. */
const MAX_PREFIXES = 65_536;

/**
 * Counters of home servers in terms of a network's own sequence. A network with a gateway hands out counters of its own for
 * visitors: clients that compared them with those of the home server would take the older news for the later.
 */
export class Renumbering {
  /** In order of telling. */
  readonly #told = new Map<Prefix, Told>();
  readonly #ticket: (done: (counter: number | undefined) => void) => void;

  constructor(ticket: (done: (counter: number | undefined) => void) => void) {
    this.#ticket = ticket;
  }

  /** The binding as clients here are told it; undefined if they were told something later, or the store failed. */
  translate(binding: Binding, done: (binding: Binding | undefined) => void): void {
    const prefixes = prefixesOf(binding);
    if (this.#isOld(binding)) {
      done(undefined);
      return;
    }
    const [first] = prefixes.map((prefix) => this.#told.get(prefix));
    const same = prefixes.every((prefix) => {
      const told = this.#told.get(prefix);
      return told?.theirs === binding.counter && told.ours === first?.ours;
    });
    if (first !== undefined && same) {
      done({ ...binding, counter: first.ours });
      return;
    }
    this.#ticket((ours) => {
      if (ours === undefined || this.#isOld(binding)) {
        done(undefined);
        return;
      }
      this.note(prefixes, binding.counter, ours);
      done({ ...binding, counter: ours });
    });
  }

  /** A visitor's registration here, with our counter, stands behind one at its home server with theirs. */
  note(prefixes: readonly Prefix[], theirs: number, ours: number): void {
    for (const prefix of prefixes) {
      const highest = Math.max(ours, this.#told.get(prefix)?.ours ?? 0);
      this.#told.delete(prefix);
      this.#told.set(prefix, { theirs, ours: highest });
      if (this.#told.size <= MAX_PREFIXES) continue;
      const oldest = this.#told.keys().next().value;
      if (oldest !== undefined) this.#told.delete(oldest);
    }
  }

  /** The highest of our counters under which any of the prefixes was told. */
  highest(prefixes: readonly Prefix[]): number {
    return Math.max(0, ...prefixes.map((prefix) => this.#told.get(prefix)?.ours ?? 0));
  }

  #isOld(binding: Binding): boolean {
    return prefixesOf(binding).some((prefix) => (this.#told.get(prefix)?.theirs ?? 0) > binding.counter);
  }
}
