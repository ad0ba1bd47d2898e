import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { contains, prefixOf, splitPrefix } from '../../../wire/address.ts';

interface Subscription {
  readonly peer: Address;
  readonly where: Prefix;
  readonly until: number;
}

/** Subscriptions are looked for by what they have in common with a host's prefix; only shorter ones search them all. */
const BUCKET_LENGTH = 64;

/** Who wants to be told of changes of which prefixes, each for a limited time. Soft state: a restart forgets it. */
export class Subscriptions {
  /** By bucket, then by peer and prefix. */
  readonly #buckets = new Map<Prefix, Map<string, Subscription>>();
  readonly #limit: number;
  #size = 0;

  /** `limit`: subscriptions at a time. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** False if there is no room. */
  add(peer: Address, where: Prefix, until: number): boolean {
    const bucket = this.#buckets.get(bucketOf(where)) ?? new Map<string, Subscription>();
    const key = `${peer} ${where}`;
    if (!bucket.has(key)) {
      if (this.#size >= this.#limit) return false;
      this.#size++;
    }
    bucket.set(key, { peer, where, until });
    this.#buckets.set(bucketOf(where), bucket);
    return true;
  }

  /** Ends what a peer that does not answer has subscribed to. */
  drop(peer: Address): void {
    this.#remove((subscription) => subscription.peer === peer);
  }

  /** The subscribers of any of these prefixes, or of a part of one, with those that each is to be told of. */
  of(prefixes: readonly Prefix[], now: number): Map<Address, Prefix[]> {
    const found = new Map<Address, Prefix[]>();
    for (const prefix of prefixes) {
      for (const { peer, where, until } of this.#near(prefix)) {
        if (until <= now || !contains(prefix, where)) continue;
        const told = found.get(peer) ?? [];
        if (!told.includes(prefix)) found.set(peer, [...told, prefix]);
      }
    }
    return found;
  }

  sweep(now: number): void {
    this.#remove(({ until }) => until <= now);
  }

  *#near(prefix: Prefix): Generator<Subscription> {
    const short = splitPrefix(prefix).length < BUCKET_LENGTH;
    const buckets = short ? this.#buckets.values() : [this.#buckets.get(bucketOf(prefix))];
    for (const bucket of buckets) if (bucket !== undefined) yield* bucket.values();
  }

  #remove(which: (subscription: Subscription) => boolean): void {
    for (const [name, bucket] of this.#buckets) {
      for (const [key, subscription] of bucket) {
        if (which(subscription) && bucket.delete(key)) this.#size--;
      }
      if (bucket.size === 0) this.#buckets.delete(name);
    }
  }
}

function bucketOf(where: Prefix): Prefix {
  const { address, length } = splitPrefix(where);
  return length > BUCKET_LENGTH ? prefixOf(address, BUCKET_LENGTH) : where;
}
