/**
 * Why an entry is wanted. Several reasons may stand for one prefix at once (two MNs with the same correspondent, an
 * anchor whose MN has come home while a re-tunnelling entry still runs); the first in this list that stands decides.
 */
export const REASONS = ['local', 'anchored', 'internal', 'released'] as const;
export type Reason = (typeof REASONS)[number];

interface Claim<T> {
  readonly reason: Reason;
  readonly value: T;
}

/** Wanted values by key and owner, with the rule that picks the one in force. */
export class Claims<T> {
  readonly #byKey = new Map<string, Map<string, Claim<T>>>();

  /** Adds or replaces the claim of `owner`; returns the value now in force. */
  claim(key: string, owner: string, reason: Reason, value: T): T {
    let claims = this.#byKey.get(key);
    if (claims === undefined) {
      claims = new Map<string, Claim<T>>();
      this.#byKey.set(key, claims);
    }
    // A renewed claim moves to the end: among equal reasons the latest information wins.
    claims.delete(owner);
    claims.set(owner, { reason, value });
    return this.inForce(key) ?? value;
  }

  /** Withdraws the claim of `owner`, if it has one; returns the value now in force, if any is left. */
  withdraw(key: string, owner: string): T | undefined {
    const claims = this.#byKey.get(key);
    claims?.delete(owner);
    if (claims?.size === 0) this.#byKey.delete(key);
    return this.inForce(key);
  }

  inForce(key: string): T | undefined {
    let best: Claim<T> | undefined;
    for (const claim of this.#byKey.get(key)?.values() ?? []) {
      if (best === undefined || REASONS.indexOf(claim.reason) <= REASONS.indexOf(best.reason)) best = claim;
    }
    return best?.value;
  }
}
