/** Addresses, prefixes and MACs: text at the seam, octets in memory. */
import type { Address, Mac, Prefix } from '../entries.ts';

const GROUPS = 8;

/** Writes the 16 octets of an address; false where the text is none (the octets are then undefined). */
export function writeAddress(octets: Uint8Array, at: number, text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = [...head!, ...(tail ?? [])];
  if (tail === undefined ? groups.length !== GROUPS : groups.length >= GROUPS) return false;
  const zeros = Array<string>(GROUPS - groups.length).fill('0');
  const all = [...head!, ...zeros, ...(tail ?? [])];
  for (const [index, group] of all.entries()) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return false;
    const value = Number.parseInt(group, 16);
    octets[at + 2 * index] = value >> 8;
    octets[at + 2 * index + 1] = value & 0xff;
  }
  return true;
}

/** The canonical text (RFC 5952 section 4) of the 16 octets at `at`. */
export function readAddress(octets: Uint8Array, at: number): Address {
  const groups: number[] = [];
  for (let index = 0; index < GROUPS; index++) {
    groups.push((octets[at + 2 * index]! << 8) | octets[at + 2 * index + 1]!);
  }
  let start = 0;
  let length = 1;
  for (let from = 0; from < GROUPS; from++) {
    let run = 0;
    while (groups[from + run] === 0) run++;
    if (run > length) {
      start = from;
      length = run;
    }
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length === 1) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** Writes the address of a prefix and returns its length, or undefined where the text is no prefix. */
export function writePrefix(octets: Uint8Array, at: number, text: string): number | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (match === null || !writeAddress(octets, at, match[1]!)) return undefined;
  const length = Number(match[2]);
  return length <= 128 ? length : undefined;
}

export function readPrefix(octets: Uint8Array, at: number, length: number): Prefix {
  return `${readAddress(octets, at)}/${length}`;
}

/** Writes the 6 octets of a MAC; false where the text is none. */
export function writeMac(octets: Uint8Array, at: number, text: string): boolean {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return false;
  for (let index = 0; index < 6; index++) {
    octets[at + index] = Number.parseInt(text.slice(3 * index, 3 * index + 2), 16);
  }
  return true;
}

export function readMac(octets: Uint8Array, at: number): Mac {
  return Array.from(octets.subarray(at, at + 6), (octet) => octet.toString(16).padStart(2, '0')).join(':');
}
