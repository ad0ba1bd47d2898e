import { judge, type Holds } from '../../../support/invariant.ts';

/** What must hold whatever goes wrong; the names that a run which breaks one prints. */
export const INVARIANTS = {
  counter: 'the highest registration counter wins',
  acknowledged: 'every acknowledged update survives',
  lifetime: 'no binding outlives its lifetime',
  loop: 'no forwarding loop',
  authentic: 'only what a peer sent changes anything',
  once: 'a message counts once',
  found: 'in the end everyone is found where it is',
  blackHole: 'no black hole longer than one round trip',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export const holds: Holds<Invariant> = judge(INVARIANTS);
