import type { TimerEffect } from '../core/machine.ts';
import type { Cancel, Scheduler } from './scheduler.ts';

/** The named timers of one process; they end with it. */
export class Timers {
  readonly #scheduler: Scheduler;
  readonly #expired: (id: string) => void;
  readonly #armed = new Map<string, Cancel>();

  constructor(scheduler: Scheduler, expired: (id: string) => void) {
    this.#scheduler = scheduler;
    this.#expired = expired;
  }

  set({ id, at }: Pick<TimerEffect, 'id' | 'at'>): void {
    this.#armed.get(id)?.();
    this.#armed.delete(id);
    if (at === undefined) return;
    const cancel = this.#scheduler.at(at, () => {
      this.#armed.delete(id);
      this.#expired(id);
    });
    this.#armed.set(id, cancel);
  }

  clear(): void {
    for (const cancel of this.#armed.values()) cancel();
    this.#armed.clear();
  }
}
