/** How many faults of each kind a run injected. */
export class FaultCount<Kind extends string> {
  readonly #counts: Map<Kind, number>;

  constructor(kinds: readonly Kind[]) {
    this.#counts = new Map(kinds.map((kind) => [kind, 0]));
  }

  get kinds(): Kind[] {
    return [...this.#counts.keys()];
  }

  add(kind: Kind, times = 1): void {
    this.#counts.set(kind, this.of(kind) + times);
  }

  of(kind: Kind): number {
    return this.#counts.get(kind) ?? 0;
  }

  take(other: FaultCount<Kind>): void {
    for (const kind of this.kinds) this.add(kind, other.of(kind));
  }

  toString(): string {
    return this.kinds.map((kind) => `${kind} ${this.of(kind)}`).join(', ');
  }
}
