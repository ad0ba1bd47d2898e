import type { Context } from '../../core/context.ts';

/** Frames that were under way when their port went down arrive within this time. */
const UNDER_WAY_MILLIS = 100;

/** Which ports of the access links may be believed. */
export class Ports {
  readonly #context: Context;
  /** Ports that carry our own MAC or address, so that two access links are one: deaf until they go down. */
  readonly #looped = new Set<string>();
  readonly #lost = new Map<string, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** False for a frame of a disabled port, and for one that was queued when its port went down: it tells of the past. */
  accepts(port: string): boolean {
    if (this.#looped.has(port)) return false;
    if (this.#context.now - (this.#lost.get(port) ?? -Infinity) >= UNDER_WAY_MILLIS) return true;
    this.#context.count('frame-port-down');
    return false;
  }

  disable(port: string): void {
    this.#looped.add(port);
    this.#context.count('port-looped');
    this.#context.trace('port-disabled', { detail: { port, why: 'hears our own address' } });
  }

  changed(port: string, up: boolean): void {
    this.#looped.delete(port);
    if (up) this.#lost.delete(port);
    else this.#lost.set(port, this.#context.now);
  }
}
