import type { TraceEffect } from '../core/machine.ts';

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

  trace(effect: Omit<TraceEffect, 'type'>): void {
    const { what, message, from, to, detail } = effect;
    const t = performance.timeOrigin + performance.now();
    this.#write(`${JSON.stringify({ t, node: this.#node, what, message, from, to, detail })}\n`);
  }
}
