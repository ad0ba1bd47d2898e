import { addressBytes, parseAddress, parsePrefix, splitPrefix } from '../../../wire/address.ts';
import type { Prefix } from '../../../wire/address.ts';
import type { Registration } from '../../../functions/lm/store.ts';

/**
 * What stands where in etcd. Below `state/` is what every server has in memory, and follows by a watch.
 *
 *     maar/lm/schema          version of this layout
 *     maar/lm/alive           there while some server lives, by its lease
 *     maar/lm/claim/ADDRESS/LENGTH   a prefix that an MN got, in hexadecimal; read by nothing but comparisons
 *     maar/lm/state/head      written by every transaction, so that its revision is that of the whole
 *     maar/lm/state/floor     see StoreState
 *     maar/lm/state/length/LENGTH    prefixes of this length have been claimed
 *     maar/lm/state/mn/MN-ID  a registration
 */
const ROOT = 'maar/lm/';
const STATE = `${ROOT}state/`;
const CLAIM = `${ROOT}claim/`;
export const KEY = {
  schema: `${ROOT}schema`,
  alive: `${ROOT}alive`,
  head: `${STATE}head`,
  floor: `${STATE}floor`,
} as const;
const LENGTH = `${STATE}length/`;
const MN = `${STATE}mn/`;

/** A key, or the keys from the first up to, not including, the second; in base64, as the gateway wants octets. */
export interface KeyRange {
  readonly key: string;
  readonly range_end?: string;
}

export const encode = (text: string): string => Buffer.from(text).toString('base64');
export const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();

export const STATE_RANGE = allBelow(STATE);
export const LENGTH_RANGE = allBelow(LENGTH);

export const mnKey = (mnId: string): string => encode(MN + mnId);
export const lengthKey = (length: number): string => encode(LENGTH + octet(length));

export type StateKey =
  | { readonly kind: 'head' | 'floor' | 'unknown' }
  | { readonly kind: 'mn'; readonly mnId: string }
  | { readonly kind: 'length'; readonly length: number };

export function stateKey(base64: string): StateKey {
  const key = decode(base64);
  if (key === KEY.head) return { kind: 'head' };
  if (key === KEY.floor) return { kind: 'floor' };
  if (key.startsWith(MN)) return { kind: 'mn', mnId: key.slice(MN.length) };
  if (key.startsWith(LENGTH)) return { kind: 'length', length: parseInt(key.slice(LENGTH.length), 16) };
  return { kind: 'unknown' };
}

/** The claim of one prefix. */
export function claimKey(prefix: Prefix): string {
  const { address, length } = splitPrefix(prefix);
  return encode(`${CLAIM}${Buffer.from(addressBytes(address)).toString('hex')}/${octet(length)}`);
}

/** The claims of a prefix and of all inside of it: of its first address with its length, up to those of its last address. */
export function claimsWithin(prefix: Prefix): KeyRange {
  const { address, length } = splitPrefix(prefix);
  const last = addressBytes(address);
  for (let bit = length; bit < 128; bit++) last[bit >> 3]! |= 0x80 >> (bit & 7);
  // "0" comes after "/".
  return { key: claimKey(prefix), range_end: encode(`${CLAIM}${Buffer.from(last).toString('hex')}0`) };
}

/** Compares like the number, octet by octet. */
export const counterText = (counter: number): string => counter.toString(16).padStart(16, '0');

/** The MN-ID stands in the key. */
export function registrationValue({ mnId: _, ...rest }: Registration): string {
  return encode(JSON.stringify(rest));
}

/** Undefined for a value that no server has written. */
export function registrationOf(mnId: string, base64: string): Registration | undefined {
  let value: unknown;
  try {
    value = JSON.parse(decode(base64));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { counter, locator, by, prefixes, delegated, expires, ended } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(counter) || typeof expires !== 'number' || typeof ended !== 'boolean')
    return undefined;
  if (!isAddress(locator) || !isAddress(by) || !arePrefixes(prefixes) || !arePrefixes(delegated))
    return undefined;
  return { mnId, counter: counter as number, locator, by, prefixes, delegated, expires, ended };
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && parseAddress(value) === value;
}

function arePrefixes(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.every((each) => typeof each === 'string' && parsePrefix(each) === each)
  );
}

function allBelow(prefix: string): KeyRange {
  // The last character of each is "/", and "0" the next one.
  return { key: encode(prefix), range_end: encode(`${prefix.slice(0, -1)}0`) };
}

function octet(value: number): string {
  return value.toString(16).padStart(2, '0');
}
