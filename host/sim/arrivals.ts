/** Silences kept for the report. */
const GAPS = 50;

export interface Gap {
  /** Milliseconds since the run began, and length in milliseconds. */
  readonly at: number;
  readonly length: number;
}

/** How far a packet came behind the first that overtook it: reordering extent and late time offset [RFC 4737 4.2.2, 4.3]. */
export interface Lateness {
  readonly packets: number;
  readonly millis: number;
}

export interface ArrivalCounts {
  readonly received: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Of the packet that came furthest behind, by packets; absent where none was reordered. */
  readonly lateness?: Lateness;
}

/** A packet that came before all lower-numbered ones had: every packet, while nothing is reordered. */
interface Leader {
  readonly sequence: number;
  /** Packets received before it. */
  readonly position: number;
  readonly at: number;
}

/** What a receiver saw of a numbered stream of packets. */
export class Arrivals {
  received = 0;
  #duplicated = 0;
  #reordered = 0;
  #lateness: Lateness | undefined;
  readonly #seen = new Set<number>();
  readonly #threshold: number;
  readonly #leaders: Leader[] = [];
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
      this.#duplicated++;
      return;
    }
    this.#seen.add(sequence);
    this.#order(sequence, now);
    this.received++;
    this.#silence(now);
    this.#last = now;
  }

  #order(sequence: number, now: number): void {
    if (sequence > (this.#leaders.at(-1)?.sequence ?? -1)) {
      this.#leaders.push({ sequence, position: this.received, at: now });
      return;
    }
    this.#reordered++;
    const { position, at } = this.#leaders[this.#firstAbove(sequence)]!;
    const packets = this.received - position;
    if (packets > (this.#lateness?.packets ?? 0)) this.#lateness = { packets, millis: now - at };
  }

  /** Index of the first leader with a higher number than `sequence`; there is one. */
  #firstAbove(sequence: number): number {
    let low = 0;
    let high = this.#leaders.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#leaders[middle]!.sequence > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  counts(): ArrivalCounts {
    return {
      received: this.received,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      ...(this.#lateness === undefined ? {} : { lateness: this.#lateness }),
    };
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
