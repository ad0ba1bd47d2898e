import type { Transition } from '../phases.ts';

/** Where a MAAR stands with one MN that is, or was, on its link. */
export type Phase = 'new' | 'fetching' | 'settled' | 'serving' | 'released';

export type PhaseEvent =
  /** The AAA server names no previous MAAR, or this one. */
  | 'first-attachment'
  /** It names another: the bindings are there. */
  | 'handover'
  /** Bindings came with an sDBA, or are known not to exist. */
  | 'bindings'
  /** Another MAAR asks for the bindings of an MN that is registered here. */
  | 'asked-for'
  /** The MN answered the probe on our link. */
  | 'still-here'
  /** It did not. */
  | 'left'
  /** Refused, detached, or out of memory. */
  | 'gone';

/** Drawn in README.md beside this file; a test compares the two. */
export const TRANSITIONS: readonly Transition<Phase, PhaseEvent>[] = [
  { from: 'new', event: 'first-attachment', to: 'settled' },
  { from: 'new', event: 'handover', to: 'fetching' },
  { from: 'fetching', event: 'bindings', to: 'settled' },
  { from: 'fetching', event: 'left', to: 'released' },
  { from: 'fetching', event: 'gone', to: undefined },
  { from: 'settled', event: 'asked-for', to: 'serving' },
  { from: 'settled', event: 'first-attachment', to: 'settled' },
  { from: 'settled', event: 'handover', to: 'settled' },
  { from: 'settled', event: 'gone', to: undefined },
  { from: 'serving', event: 'still-here', to: 'settled' },
  { from: 'serving', event: 'left', to: 'released' },
  { from: 'serving', event: 'gone', to: undefined },
  { from: 'released', event: 'first-attachment', to: 'settled' },
  { from: 'released', event: 'handover', to: 'fetching' },
  { from: 'released', event: 'gone', to: undefined },
];
