/** What a benchmark looks up: keys, and the sequence of queries that every engine gets alike. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type KeyKind = 'hosts' | 'prefixes';
export type Distribution = 'uniform' | 'zipf';

/** Octets of a record of the key file: an address and its prefix length. */
export const KEY_RECORD = 17;
export const ADDRESS = 16;
/** Values of the keys, by number of the key modulo this: few next hops for many hosts, as in a real domain. */
export const VALUES = 16;
const LENGTHS = [48, 56, 64];

export interface Keys {
  readonly kind: KeyKind;
  readonly count: number;
  /** `count` records of 17 octets. */
  readonly octets: Buffer;
  readonly path: string;
}

export interface Queries {
  readonly count: number;
  /** `count` addresses. */
  readonly octets: Buffer;
  readonly path: string;
}

/** 32-bit numbers from a seed (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The items in another order; `random` gives 32-bit numbers. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = random() % (last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Different keys: hosts of one /32, or prefixes of three lengths in equal parts under a few /32 for each. */
export function makeKeys(directory: string, kind: KeyKind, count: number): Keys {
  const random = numbers(count);
  const octets = Buffer.alloc(count * KEY_RECORD);
  const seen = new Set<string>();
  for (let index = 0; index < count; index++) {
    const at = index * KEY_RECORD;
    if (kind === 'hosts') {
      octets.writeUInt32BE(0x20010db8, at);
      for (let word = 4; word < ADDRESS; word += 4) octets.writeUInt32LE(random(), at + word);
      octets[at + ADDRESS] = 128;
      continue;
    }
    const length = LENGTHS[index % LENGTHS.length]!;
    let text: string;
    do {
      octets.writeUInt32BE(0x20020000 + (index % LENGTHS.length) * 256 + (random() & 15), at);
      octets.writeUInt32BE(random(), at + 4);
      octets.fill(0, at + length / 8, at + ADDRESS);
      text = octets.toString('latin1', at, at + ADDRESS);
    } while (seen.has(text));
    seen.add(text);
    octets[at + ADDRESS] = length;
  }
  const path = join(directory, `keys-${kind}-${count}`);
  writeFileSync(path, octets);
  return { kind, count, octets, path };
}

/** Picks numbers of keys: all alike, or the n-th most popular with a weight of 1 / n. */
function picker(distribution: Distribution, count: number, random: () => number): () => number {
  if (distribution === 'uniform') return () => random() % count;
  const sums = new Float64Array(count);
  let sum = 0;
  for (let index = 0; index < count; index++) sums[index] = sum += 1 / (index + 1);
  // Keys are random, so that the popular ones lie anywhere in the tables.
  return () => {
    const wanted = (random() / 2 ** 32) * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

export interface QueryOptions {
  readonly distribution: Distribution;
  /** Addresses like the keys, but absent. */
  readonly miss?: boolean;
  /** Of a prefix always the same address, not any. */
  readonly oneHost?: boolean;
  readonly count: number;
}

/** Queries for hosts among the keys, and for addresses within prefixes. */
export function makeQueries(
  directory: string,
  keys: Keys,
  { distribution, miss = false, oneHost = false, count }: QueryOptions,
): Queries {
  const random = numbers(keys.count + 1);
  const pick = picker(distribution, keys.count, random);
  const octets = Buffer.alloc(count * ADDRESS);
  for (let index = 0; index < count; index++) {
    const at = index * ADDRESS;
    const key = pick() * KEY_RECORD;
    keys.octets.copy(octets, at, key, key + ADDRESS);
    for (let octet = keys.octets[key + ADDRESS]! / 8; octet < ADDRESS; octet++) {
      octets[at + octet] = oneHost ? keys.octets[key + ((octet + 6) % ADDRESS)]! : random();
    }
    if (miss) octets[at] = octets[at]! ^ 0x10;
  }
  const kind = `${distribution}-${miss ? 'miss' : 'hit'}${oneHost ? '-one' : ''}`;
  const path = join(directory, `queries-${keys.kind}-${keys.count}-${kind}`);
  writeFileSync(path, octets);
  return { count, octets, path };
}

/** An address like that of a key, which is never a key: for churn. As `other_key` of test/bench/native/rounds.h. */
export function otherKey(keys: Keys, index: number): Buffer {
  const at = index * KEY_RECORD;
  const other = Buffer.from(keys.octets.subarray(at, at + ADDRESS));
  other[0] = other[0]! ^ 0x10;
  return other;
}
