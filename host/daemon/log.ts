import type { TraceEffect } from '../core/machine.ts';
import { wallClock } from '../io/clock.ts';

/**
 * Writes traces as JSON lines: one object per line with `t` (milliseconds since 1970, with fractions), `node`,
 * and the fields of the trace.
 */
export class Log {
  readonly #node: string;
  readonly #write: (line: string) => void;

  constructor(node: string, write: (line: string) => void = (line) => void process.stderr.write(line)) {
    this.#node = node;
    this.#write = write;
  }

  /**
   * `t` is the time of the event that it comes of: what a message causes elsewhere may be told before this process comes
   * to write that it was sent.
   */
  trace(effect: Omit<TraceEffect, 'type'>, t = wallClock()): void {
    const { what, message, from, to, detail } = effect;
    this.#write(`${JSON.stringify({ t, node: this.#node, what, message, from, to, detail })}\n`);
  }
}
