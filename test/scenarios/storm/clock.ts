import type { Machine, TimerEffect } from '../../../host/core/machine.ts';

type Timed = { readonly type: string } | TimerEffect;

/** A machine whose clock is `ahead` milliseconds ahead of that of the domain. */
export function withClock<Event extends { readonly type: string }, Effect extends Timed>(
  machine: Machine<Event, Effect>,
  ahead: number,
): Machine<Event, Effect> {
  return {
    step: (event, now) =>
      machine.step(event, now + ahead).map((effect) => {
        if (effect.type !== 'timer') return effect;
        const { at } = effect as TimerEffect;
        return at === undefined ? effect : { ...effect, at: at - ahead };
      }),
  };
}
