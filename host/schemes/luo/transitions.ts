import type { Transition } from '../phases.ts';

/** Where a MAAR stands with one MN that is, or was, on its link. */
export type Phase = 'new' | 'transferring' | 'settled' | 'asked' | 'released';

export type PhaseEvent =
  /** No other MAAR had the MN. */
  | 'first-attachment'
  /** One had: it is asked for the MN's context. */
  | 'handover'
  /** The context has come, or location management has told the homes, or neither can be had. */
  | 'context'
  /** Another MAAR asks for the context of an MN that is registered here. */
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
  { from: 'new', event: 'handover', to: 'transferring' },
  { from: 'transferring', event: 'context', to: 'settled' },
  { from: 'transferring', event: 'gone', to: undefined },
  { from: 'settled', event: 'asked-for', to: 'asked' },
  { from: 'settled', event: 'gone', to: undefined },
  { from: 'asked', event: 'still-here', to: 'settled' },
  { from: 'asked', event: 'left', to: 'released' },
  { from: 'asked', event: 'gone', to: undefined },
  { from: 'released', event: 'first-attachment', to: 'settled' },
  { from: 'released', event: 'handover', to: 'transferring' },
  { from: 'released', event: 'gone', to: undefined },
];
