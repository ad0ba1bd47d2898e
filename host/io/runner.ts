import type { Machine, TimerEffect, TimerEvent } from '../core/machine.ts';
import type { Clock } from './clock.ts';

/** The longest that setTimeout waits; a later timer is armed again on the way. */
const LONGEST = 0x7fff_ffff;

interface Typed {
  readonly type: string;
}

/** Effects that are not timers. */
export type OtherEffect<Effect extends Typed> = Exclude<Effect, TimerEffect>;

/**
 * Gives a machine its events with the time, keeps its timers, and hands every other effect on in order, with the time of the
 * event that it comes of.
 */
export class Runner<Event extends Typed, Effect extends Typed> {
  readonly #machine: Machine<Event | TimerEvent, Effect>;
  readonly #clock: Clock;
  readonly #carryOut: (effect: OtherEffect<Effect>, now: number) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Events that effects give rise to at once wait until all effects of the step before are carried out. */
  readonly #queue: (Event | TimerEvent)[] = [];
  #running = false;

  constructor(
    machine: Machine<Event | TimerEvent, Effect>,
    clock: Clock,
    carryOut: (effect: OtherEffect<Effect>, now: number) => void,
  ) {
    this.#machine = machine;
    this.#clock = clock;
    this.#carryOut = carryOut;
  }

  dispatch(event: Event | TimerEvent): void {
    this.#queue.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const now = this.#clock();
        for (const effect of this.#machine.step(next, now)) {
          if (isTimer(effect)) this.#arm(effect.id, effect.at);
          else this.#carryOut(effect as OtherEffect<Effect>, now);
        }
      }
    } finally {
      this.#running = false;
    }
  }

  /** Disarms every timer. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #arm(id: string, at: number | undefined): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (at === undefined) return;
    // Rounded up: a machine that is called before the time would arm the timer again and again.
    const wait = Math.min(LONGEST, Math.max(0, Math.ceil(at - this.#clock())));
    const fire = (): void => {
      if (this.#clock() < at) this.#arm(id, at);
      else {
        this.#timers.delete(id);
        this.dispatch({ type: 'timer', id });
      }
    };
    this.#timers.set(id, setTimeout(fire, wait));
  }
}

function isTimer(effect: Typed): effect is Typed & TimerEffect {
  return effect.type === 'timer';
}
