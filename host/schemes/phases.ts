import type { Context } from '../core/context.ts';

/** A row of a scheme's table of phases; to undefined where the MN is forgotten. */
export interface Transition<Phase, Event> {
  readonly from: Phase;
  readonly event: Event;
  readonly to: Phase | undefined;
}

/** The phase that follows, undefined once the MN is forgotten, or `from` itself where the event means nothing there. */
export function next<Phase, Event>(
  table: readonly Transition<Phase, Event>[],
  from: Phase,
  event: Event,
): Phase | undefined {
  const row = table.find((transition) => transition.from === from && transition.event === event);
  return row === undefined ? from : row.to;
}

/** Where a MAAR stands with each MN that is, or was, on its link; with all others it stands at `new`. */
export class Phases<Phase extends string, Event extends string> {
  readonly #context: Context;
  readonly #table: readonly Transition<Phase | 'new', Event>[];
  readonly #phases = new Map<string, Phase | 'new'>();

  constructor(context: Context, table: readonly Transition<Phase, Event>[]) {
    this.#context = context;
    this.#table = table;
  }

  of(mnId: string): Phase | 'new' {
    return this.#phases.get(mnId) ?? 'new';
  }

  advance(mnId: string, event: Event): void {
    const from = this.of(mnId);
    const to = next(this.#table, from, event);
    if (to === from) return;
    if (to === undefined) this.#phases.delete(mnId);
    else this.#phases.set(mnId, to);
    this.#context.trace('phase', { detail: { mnId, event, from, to: to ?? 'forgotten' } });
  }

  /** Whether some MN is in this phase. */
  some(phase: Phase): boolean {
    return [...this.#phases.values()].includes(phase);
  }
}
