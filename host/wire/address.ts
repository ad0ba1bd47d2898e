import { copyOctets } from './octets.ts';

/** An IPv6 address in the canonical text of RFC 5952 (IPv4-mapped addresses in hexadecimal groups too). */
export type Address = string;
/** Canonical address + "/" + length, host bits zero. */
export type Prefix = string;
/** An EUI-48 in lower case with colons. */
export type Mac = string;

export const UNSPECIFIED: Address = '::';
export const ALL_NODES: Address = 'ff02::1';
export const ALL_ROUTERS: Address = 'ff02::2';
/** All MLDv2-capable routers, RFC 3810 section 5.2.14. */
export const ALL_MLDV2_ROUTERS: Address = 'ff02::16';

const OCTETS = 16;
const COLON = 0x3a;
const DOT = 0x2e;

/**
 * Decodes text into 16 octets of `out` at `offset`. On `false` (not an address) they hold rubbish.
 * Hand-written since a simulation decodes several addresses per packet.
 */
function decode(text: string, out: Uint8Array, offset: number): boolean {
  const end = text.length;
  let group = 0;
  let gap = -1;
  let value = 0;
  let digits = 0;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    at = 1;
  }
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === COLON) {
      if (digits === 0) {
        if (gap >= 0 || at === 0) return false;
        gap = group;
        continue;
      }
      if (group >= 8 || at + 1 === end) return false;
      out[offset + 2 * group] = value >> 8;
      out[offset + 2 * group + 1] = value & 0xff;
      group++;
      value = 0;
      digits = 0;
      continue;
    }
    if (code === DOT) {
      const quad = dottedQuad(text.slice(at - digits));
      if (quad === undefined || group > 6) return false;
      out.set(quad, offset + 2 * group);
      group += 2;
      digits = 0;
      break;
    }
    const digit = hexDigit(code);
    if (digit < 0 || digits === 4) return false;
    value = (value << 4) | digit;
    digits++;
  }
  if (digits > 0) {
    if (group >= 8) return false;
    out[offset + 2 * group] = value >> 8;
    out[offset + 2 * group + 1] = value & 0xff;
    group++;
  }
  if (gap < 0) return group === 8;
  if (group === 8) return false;
  const tail = offset + OCTETS - 2 * (group - gap);
  out.copyWithin(tail, offset + 2 * gap, offset + 2 * group);
  out.fill(0, offset + 2 * gap, tail);
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function dottedQuad(text: string): number[] | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const octets = text.split('.').map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

/** Formats the 16 octets at `offset`, which must be there. */
export function readAddress(data: Uint8Array, offset = 0): Address {
  const group = (index: number): number => (data[offset + 2 * index]! << 8) | data[offset + 2 * index + 1]!;
  let from = 8;
  let longest = 1;
  for (let index = 0; index < 8; index++) {
    let run = 0;
    while (index + run < 8 && group(index + run) === 0) run++;
    if (run > longest) {
      longest = run;
      from = index;
    }
    index += run;
  }
  let text = '';
  for (let index = 0; index < 8; index++) {
    if (index === from) {
      text += '::';
      index += longest - 1;
      continue;
    }
    if (index > 0 && index !== from + longest) text += ':';
    text += group(index).toString(16);
  }
  return text;
}

/** Writes an address; throws a TypeError for text that is none, which is the caller's mistake. */
export function writeAddress(data: Uint8Array, offset: number, address: Address): void {
  if (!decode(address, data, offset)) throw new TypeError(`not an IPv6 address: "${address}"`);
}

export function addressBytes(address: Address): Uint8Array {
  const bytes = new Uint8Array(OCTETS);
  writeAddress(bytes, 0, address);
  return bytes;
}

/** The canonical form of an address that somebody typed or sent as text, or undefined. */
export function parseAddress(text: string): Address | undefined {
  const bytes = new Uint8Array(OCTETS);
  return decode(text, bytes, 0) ? readAddress(bytes) : undefined;
}

/** Zeroes the host bits in place. */
function mask(bytes: Uint8Array, length: number): void {
  const whole = length >> 3;
  if (whole < OCTETS) bytes[whole]! &= 0xff00 >> (length & 7);
  bytes.fill(0, whole + 1);
}

/** The prefix of `length` (0 to 128) bits around an address. */
export function prefixOf(address: Address, length: number): Prefix {
  return readPrefix(addressBytes(address), 0, length);
}

/** The prefix whose 16 octets stand at `offset`; bits beyond `length` (0 to 128) are ignored, as receivers must. */
export function readPrefix(data: Uint8Array, offset: number, length: number): Prefix {
  if (!(length >= 0 && length <= 128)) throw new RangeError(`prefix length ${length}`);
  if (length === 128) return `${readAddress(data, offset)}/128`;
  const bytes = copyOctets(data, offset, offset + OCTETS);
  mask(bytes, length);
  return `${readAddress(bytes)}/${length}`;
}

/** The canonical form of a prefix given as text; undefined if it is malformed or has host bits set. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match === null ? undefined : parseAddress(match[1]!);
  if (match === null || address === undefined) return undefined;
  const length = Number(match[2]);
  if (length > 128) return undefined;
  const prefix = prefixOf(address, length);
  return prefix === `${address}/${length}` ? prefix : undefined;
}

/** Takes a canonical prefix apart; throws a TypeError for text without a length. */
export function splitPrefix(prefix: Prefix): { readonly address: Address; readonly length: number } {
  const slash = prefix.indexOf('/');
  const length = Number(prefix.slice(slash + 1));
  if (slash < 0 || !(length >= 0 && length <= 128)) throw new TypeError(`not an IPv6 prefix: "${prefix}"`);
  return { address: prefix.slice(0, slash), length };
}

/** The address of a prefix, and an address as it is. */
export function withoutLength(where: Prefix | Address): Address {
  const slash = where.indexOf('/');
  return slash < 0 ? where : where.slice(0, slash);
}

/** True if every address of `inner` (a prefix or an address) lies in `outer`. */
export function contains(outer: Prefix, inner: Prefix | Address): boolean {
  const { address, length } = splitPrefix(outer);
  const other = inner.includes('/') ? splitPrefix(inner) : { address: inner, length: 128 };
  if (other.length < length) return false;
  const a = addressBytes(address);
  const b = addressBytes(other.address);
  mask(b, length);
  return a.every((octet, index) => octet === b[index]);
}

export function isLinkLocal(address: Address): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}

export function isMulticast(address: Address): boolean {
  return /^ff[0-9a-f]{2}:/.test(address);
}

/** RFC 4291 section 2.7.1. */
export function solicitedNode(address: Address): Address {
  const bytes = addressBytes('ff02::1:ff00:0');
  bytes.set(addressBytes(address).subarray(13), 13);
  return readAddress(bytes);
}

/** The canonical form of an EUI-48 given as text with colons or hyphens, or undefined. */
export function parseMac(text: string): Mac | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return text.toLowerCase().replaceAll('-', ':');
}

/** Formats the 6 octets at `offset`, which must be there. */
export function readMac(data: Uint8Array, offset = 0): Mac {
  let text = '';
  for (let index = 0; index < 6; index++) {
    text += (index === 0 ? '' : ':') + data[offset + index]!.toString(16).padStart(2, '0');
  }
  return text;
}

/** Writes an EUI-48; throws a TypeError for text that is none. */
export function writeMac(data: Uint8Array, offset: number, mac: Mac): void {
  if (parseMac(mac) === undefined) throw new TypeError(`not a MAC address: "${mac}"`);
  for (let index = 0; index < 6; index++) {
    data[offset + index] = Number.parseInt(mac.slice(3 * index, 3 * index + 2), 16);
  }
}

/** The Ethernet group address of an IPv6 multicast address, RFC 2464 section 7. */
export function multicastMac(group: Address): Mac {
  const bytes = addressBytes(group);
  bytes[10] = 0x33;
  bytes[11] = 0x33;
  return readMac(bytes, 10);
}

/** The address in a /64 whose interface identifier is the modified EUI-64 of a MAC, RFC 4291 appendix A. */
export function eui64Address(prefix: Prefix, mac: Mac): Address {
  const { address, length } = splitPrefix(prefix);
  if (length !== 64) throw new RangeError(`an EUI-64 needs a /64, not ${prefix}`);
  const bytes = addressBytes(address);
  writeMac(bytes, 10, mac);
  bytes.copyWithin(8, 10, 13);
  bytes[8]! ^= 0x02;
  bytes[11] = 0xff;
  bytes[12] = 0xfe;
  return readAddress(bytes);
}

export function linkLocalOf(mac: Mac): Address {
  return eui64Address('fe80::/64', mac);
}
