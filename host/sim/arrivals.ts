/** Silences kept for the report. */
const GAPS = 50;

export interface Gap {
  /** Milliseconds since the run began, and length in milliseconds. */
  readonly at: number;
  readonly length: number;
}

/** What a receiver saw of a numbered stream of packets. */
export class Arrivals {
  received = 0;
  duplicated = 0;
  reordered = 0;
  readonly #seen = new Set<number>();
  readonly #threshold: number;
  #highest = -1;
  #last: number;
  #gaps: Gap[] = [];

  /** A silence counts as a gap from `threshold` ms on; `start` is when the first packet could have come. */
  constructor(start: number, threshold: number) {
    this.#last = start;
    this.#threshold = threshold;
  }

  /** Packet `sequence`, which counts from 0, arrived. */
  add(sequence: number, now: number): void {
    if (this.#seen.has(sequence)) {
      this.duplicated++;
      return;
    }
    this.#seen.add(sequence);
    this.received++;
    if (sequence < this.#highest) this.reordered++;
    else this.#highest = sequence;
    this.#silence(now);
    this.#last = now;
  }

  /** The longest silences in order of time, the one up to `end` included if the stream was still being sent then. */
  gaps(end?: number): readonly Gap[] {
    if (end !== undefined) this.#silence(end);
    return this.#gaps.toSorted((a, b) => a.at - b.at);
  }

  #silence(until: number): void {
    const length = until - this.#last;
    if (length < this.#threshold) return;
    this.#gaps.push({ at: this.#last, length });
    if (this.#gaps.length <= GAPS) return;
    const shortest = this.#gaps.reduce((least, gap) => (gap.length < least.length ? gap : least));
    this.#gaps = this.#gaps.filter((gap) => gap !== shortest);
  }
}
