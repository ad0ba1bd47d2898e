import {
  EVENT_FLOW,
  EVENT_HOLD_DROP,
  EVENT_REDIRECT,
  EVENT_UNKNOWN_DESTINATION,
  EVENT_UNKNOWN_SOURCE,
  LIMIT_EVENTS,
  LIMIT_FLOW_WAYS,
  LIMIT_SUPPRESSIONS,
  SUPPRESS_MILLIS,
} from '../generated/abi.ts';
import type { DataPlaneEvent } from '../entries.ts';
import { addressOctets, formatAddress } from './address.ts';

/** "Hash" of the ABI page. */
export function hash(seed: bigint, words: readonly bigint[]): bigint {
  return [...words, 0n].reduce(hashStep, seed);
}

/** Takes one more word into a hash. */
export function hashStep(h: bigint, word: bigint): bigint {
  const product = ((h ^ word) * 0x9e3779b97f4a7c15n) % 2n ** 64n;
  return product ^ (product >> 32n);
}

/** The two words of 16 octets, each half read little-endian. */
export function words(octets: Uint8Array): [bigint, bigint] {
  const view = new DataView(octets.buffer, octets.byteOffset, 16);
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)];
}

export const EVENT_CODES = {
  flow: EVENT_FLOW,
  'unknown-source': EVENT_UNKNOWN_SOURCE,
  redirect: EVENT_REDIRECT,
  'unknown-destination': EVENT_UNKNOWN_DESTINATION,
  'hold-drop': EVENT_HOLD_DROP,
} as const;

/** Three addresses' worth of octets that, with the kind, say whether two events are the same. */
export type EventKey = readonly [first: Uint8Array, second: bigint, third: bigint];

/** The event area: suppression of what repeats, and what no longer fits. */
export class EventLog {
  readonly #seed: bigint;
  readonly #lost: () => void;
  readonly #recent = new Map<number, { readonly same: string; readonly at: number }>();
  #pending: DataPlaneEvent[] = [];

  constructor(seed: bigint, lost: () => void) {
    this.#seed = seed;
    this.#lost = lost;
  }

  take(): DataPlaneEvent[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }

  raise(event: DataPlaneEvent): void {
    if (this.#pending.length === LIMIT_EVENTS) this.#lost();
    else this.#pending.push(event);
  }

  /** "Event suppression" of the ABI page. */
  raiseUnlessRepeated(event: DataPlaneEvent, key: EventKey, now: number): void {
    const octets = [key[0], addressOctets(key[1]), addressOctets(key[2])];
    const h = hash(this.#seed, [BigInt(EVENT_CODES[event.kind]), ...octets.flatMap(words)]);
    const slot = Number(h % BigInt(LIMIT_SUPPRESSIONS));
    const same = [event.kind, ...octets.map((part) => part.join('.'))].join(' ');
    const last = this.#recent.get(slot);
    if (last?.same === same && now - last.at < SUPPRESS_MILLIS) return;
    this.#recent.set(slot, { same, at: now });
    this.raise(event);
  }
}

interface Pair {
  readonly src: bigint;
  readonly dst: bigint;
  seen: number;
}

/** "Flow events" of the ABI page. */
export class FlowTable {
  readonly #seed: bigint;
  readonly #buckets: Pair[][];

  constructor(seed: bigint, capacity: number) {
    this.#seed = seed;
    let buckets = 1;
    while (buckets * LIMIT_FLOW_WAYS < capacity) buckets *= 2;
    this.#buckets = Array.from({ length: buckets }, () => []);
  }

  /** True if the pair is new or has been silent. */
  see(src: bigint, dst: bigint, now: number): boolean {
    const h = hash(this.#seed, [...words(addressOctets(src)), ...words(addressOctets(dst))]);
    const bucket = this.#buckets[Number(h % BigInt(this.#buckets.length))] ?? [];
    const t = Math.floor(now / 1000) + 1;
    const known = bucket.find((pair) => pair.src === src && pair.dst === dst);
    if (known !== undefined) {
      const silent = t - known.seen >= 2;
      known.seen = t;
      return silent;
    }
    const pair = { src, dst, seen: t };
    if (bucket.length < LIMIT_FLOW_WAYS) {
      bucket.push(pair);
    } else {
      const oldest = Math.min(...bucket.map((other) => other.seen));
      bucket[bucket.findIndex((other) => other.seen === oldest)] = pair;
    }
    return true;
  }
}

export function flowEvent(src: bigint, dst: bigint): DataPlaneEvent {
  return { kind: 'flow', src: formatAddress(src), dst: formatAddress(dst) };
}
