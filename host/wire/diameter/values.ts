import { addressBytes, readAddress } from '../address.ts';
import type { AvpType } from './dictionary.ts';

/** Codec of one Diameter type. `decode` is only called with a length that fits; undefined is an illegal value. */
interface ValueCodec {
  fits(length: number): boolean;
  decode(data: Uint8Array): unknown;
  /** Throws a RangeError that names the AVP for a value the type cannot hold: a mistake of the caller. */
  encode(value: unknown, name: string): Uint8Array;
}

/** Families of the Address type, from IANA's address family numbers. */
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Letters, digits, hyphen, dot; underscore is outside DNS but common in laboratories. */
const IDENTITY = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?$/;

export function isIdentity(text: string): boolean {
  return IDENTITY.test(text);
}

function view(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.length);
}

function text(data: Uint8Array): string | undefined {
  try {
    return utf8.decode(data);
  } catch {
    return undefined;
  }
}

function unsigned32(value: unknown, name: string): Uint8Array {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`${name}: ${String(value)} is not an Unsigned32`);
  }
  const out = new Uint8Array(4);
  view(out).setUint32(0, value);
  return out;
}

function encodeAddress(value: string, name: string): Uint8Array {
  if (value.includes(':')) return Uint8Array.from([0, FAMILY_IPV6, ...addressBytes(value)]);
  const octets = value.split('.').map(Number);
  if (
    octets.length !== 4 ||
    !octets.every((octet) => Number.isInteger(octet) && octet >= 0 && octet <= 255)
  ) {
    throw new RangeError(`${name}: "${value}" is not an IP address`);
  }
  return Uint8Array.from([0, FAMILY_IPV4, ...octets]);
}

function decodeAddress(data: Uint8Array): string | undefined {
  const family = view(data).getUint16(0);
  if (family === FAMILY_IPV6 && data.length === 18) return readAddress(data, 2);
  if (family === FAMILY_IPV4 && data.length === 6) return data.subarray(2).join('.');
  return undefined;
}

const four = (length: number): boolean => length === 4;
const any = (): boolean => true;

/** RFC 6733 sections 4.2 and 4.3; Grouped is decoded by the AVP layer. */
export const VALUES: Readonly<Record<Exclude<AvpType, 'Grouped'>, ValueCodec>> = {
  OctetString: { fits: any, decode: (data) => data, encode: (value) => value as Uint8Array },
  Unsigned32: { fits: four, decode: (data) => view(data).getUint32(0), encode: unsigned32 },
  // Integer32 on the wire; no value in use here is negative.
  Enumerated: { fits: four, decode: (data) => view(data).getUint32(0), encode: unsigned32 },
  Unsigned64: {
    fits: (length) => length === 8,
    decode: (data) => view(data).getBigUint64(0),
    encode: (value) => {
      const out = new Uint8Array(8);
      view(out).setBigUint64(0, value as bigint);
      return out;
    },
  },
  UTF8String: { fits: any, decode: text, encode: (value) => encoder.encode(value as string) },
  DiameterIdentity: {
    fits: (length) => length >= 1 && length <= 255,
    decode: (data) => {
      const identity = text(data);
      return identity !== undefined && isIdentity(identity) ? identity : undefined;
    },
    encode: (value, name) => {
      if (!isIdentity(value as string))
        throw new RangeError(`${name}: "${String(value)}" is not a host name`);
      return encoder.encode(value as string);
    },
  },
  Address: {
    fits: (length) => length >= 2,
    decode: decodeAddress,
    encode: (value, name) => encodeAddress(value as string, name),
  },
};

const MINIMUM: Readonly<Record<AvpType, number>> = {
  OctetString: 0,
  Unsigned32: 4,
  Enumerated: 4,
  Unsigned64: 8,
  UTF8String: 0,
  DiameterIdentity: 1,
  Address: 6,
  Grouped: 0,
};

/** Octets of the shortest payload of a type. */
export function minimumLength(type: AvpType): number {
  return MINIMUM[type];
}
