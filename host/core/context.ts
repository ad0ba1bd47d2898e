import type { MaarConfig } from './config.ts';
import type { Random, TraceEffect } from './machine.ts';
import type { MaarEffect } from './maar-io.ts';

/** What the functions and schemes of one MAAR share: time, randomness, counters and the effects of the current step. */
export class Context {
  readonly config: MaarConfig;
  readonly random: Random;
  /** Time of the event being handled, in milliseconds. */
  now = 0;
  readonly counters = new Map<string, number>();
  #effects: MaarEffect[] = [];

  constructor(config: MaarConfig, random: Random) {
    this.config = config;
    this.random = random;
  }

  emit(effect: MaarEffect): void {
    this.#effects.push(effect);
  }

  take(): MaarEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  arm(id: string, delay: number): void {
    this.emit({ type: 'timer', id, at: this.now + delay });
  }

  disarm(id: string): void {
    this.emit({ type: 'timer', id, at: undefined });
  }

  /** Whole seconds from now until `time` (milliseconds), rounded up; 0 once it is past. */
  secondsUntil(time: number): number {
    return Math.max(0, Math.ceil((time - this.now) / 1000));
  }

  count(name: string): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + 1);
  }

  trace(what: string, fields: Omit<TraceEffect, 'type' | 'what'> = {}): void {
    this.emit({ type: 'trace', what, ...fields });
  }
}
