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

export class BrokenInvariant extends Error {
  constructor(invariant: Invariant, detail: string) {
    super(`${INVARIANTS[invariant]}: ${detail}`);
  }
}

export function holds(condition: boolean, invariant: Invariant, detail: () => string): asserts condition {
  if (!condition) throw new BrokenInvariant(invariant, detail());
}
