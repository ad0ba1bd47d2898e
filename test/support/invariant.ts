/** Thrown where something does not hold that must hold whatever goes wrong. */
export class BrokenInvariant extends Error {}

export type Holds<Invariant> = (
  condition: boolean,
  invariant: Invariant,
  detail: () => string,
) => asserts condition;

/** Judges by a table of invariants: each one's words, which a run that breaks it prints before the detail. */
export function judge<Invariant extends string>(
  words: Readonly<Record<Invariant, string>>,
): Holds<Invariant> {
  return (condition, invariant, detail) => {
    if (!condition) throw new BrokenInvariant(`${words[invariant]}: ${detail()}`);
  };
}
