import type { AvpRow, Dictionary } from './dictionary.ts';
import { RESULT } from './generated.ts';
import type { AvpName, AvpValues } from './generated.ts';
import { VALUES, minimumLength } from './values.ts';

/** An AVP of the dictionary with its decoded value. */
export type KnownAvp = { [N in AvpName]: { readonly name: N; readonly value: AvpValues[N] } }[AvpName];

/** An AVP that the dictionary lacks, or one whose octets must be shown as they came (in Failed-AVP). */
export interface RawAvp {
  readonly name?: undefined;
  readonly code: number;
  /** 0 without the V bit. */
  readonly vendor: number;
  readonly mandatory: boolean;
  readonly data: Uint8Array;
}

export type Avp = KnownAvp | RawAvp;

/** Why a message was not accepted: the Result-Code to answer with, and the content of Failed-AVP. */
export interface DiameterFault {
  readonly code: number;
  readonly text: string;
  readonly failed?: Avp;
}

/** More AVPs in one message, or groups within groups, than any command here has use for. */
export const MAX_AVPS = 512;
export const MAX_DEPTH = 8;

const FLAG_VENDOR = 0x80;
const FLAG_MANDATORY = 0x40;
const FLAG_PROTECTED = 0x20;
const HEADER = 8;
const VENDOR_HEADER = 12;

/** Makes an AVP; the name decides the type of the value. */
export function avp<N extends AvpName>(name: N, value: AvpValues[N]): KnownAvp {
  return { name, value } as KnownAvp;
}

/** All values of the AVPs of that name, in order. */
export function getAll<N extends AvpName>(avps: readonly Avp[], name: N): AvpValues[N][] {
  const found: AvpValues[N][] = [];
  for (const each of avps) if (each.name === name) found.push(each.value as AvpValues[N]);
  return found;
}

/** The first value of the AVP of that name. */
export function get<N extends AvpName>(avps: readonly Avp[], name: N): AvpValues[N] | undefined {
  for (const each of avps) if (each.name === name) return each.value as AvpValues[N];
  return undefined;
}

/** Encodes a list with padding after each AVP, RFC 6733 section 4. Throws a RangeError for a value out of range. */
export function encodeAvps(avps: readonly Avp[], dictionary: Dictionary): Uint8Array {
  const parts = avps.map((each) => encodeAvp(each, dictionary));
  const out = new Uint8Array(parts.reduce((sum, part) => sum + padded(part.length), 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += padded(part.length);
  }
  return out;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function encodeAvp(each: Avp, dictionary: Dictionary): Uint8Array {
  const { code, vendor, mandatory, data } = each.name === undefined ? each : raw(each, dictionary);
  const header = vendor === 0 ? HEADER : VENDOR_HEADER;
  const out = new Uint8Array(header + data.length);
  const view = new DataView(out.buffer);
  const flags = (vendor === 0 ? 0 : FLAG_VENDOR) | (mandatory ? FLAG_MANDATORY : 0);
  view.setUint32(0, code);
  view.setUint32(4, out.length);
  view.setUint8(4, flags);
  if (vendor !== 0) view.setUint32(8, vendor);
  out.set(data, header);
  return out;
}

function raw(each: KnownAvp, dictionary: Dictionary): RawAvp {
  const row = dictionary.byName(each.name);
  const data =
    row.type === 'Grouped'
      ? encodeAvps(each.value as readonly Avp[], dictionary)
      : VALUES[row.type].encode(each.value, row.name);
  return { code: row.code, vendor: row.vendor ? dictionary.vendorId : 0, mandatory: row.mandatory, data };
}

/** An AVP with the shortest payload of its type, all zero, as Failed-AVP wants it for a missing one (section 7.1.5). */
export function emptyAvp(name: AvpName, dictionary: Dictionary): RawAvp {
  const row = dictionary.byName(name);
  return {
    code: row.code,
    vendor: row.vendor ? dictionary.vendorId : 0,
    mandatory: row.mandatory,
    data: new Uint8Array(minimumLength(row.type)),
  };
}

export interface DecodedAvps {
  /** What was decoded before the first fault. */
  readonly avps: Avp[];
  readonly fault?: DiameterFault;
}

/**
 * Decodes a list of AVPs, groups included. Never throws: the first fault ends the decoding and names
 * the Result-Code and Failed-AVP of RFC 6733 sections 7.1 and 7.5.
 */
export function decodeAvps(data: Uint8Array, dictionary: Dictionary): DecodedAvps {
  return new Decoder(dictionary).list(data, 0);
}

class Decoder {
  readonly #dictionary: Dictionary;
  #count = 0;

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  list(data: Uint8Array, depth: number): DecodedAvps {
    const avps: Avp[] = [];
    let offset = 0;
    while (offset < data.length) {
      const { avp: each, next, fault } = this.#one(data, offset, depth);
      if (fault !== undefined) return { avps, fault };
      avps.push(each);
      offset = next;
    }
    return { avps };
  }

  #one(
    data: Uint8Array,
    offset: number,
    depth: number,
  ):
    | { readonly avp: Avp; readonly next: number; readonly fault?: undefined }
    | { readonly avp?: undefined; readonly next?: undefined; readonly fault: DiameterFault } {
    const rest = data.length - offset;
    if (rest < HEADER) {
      return {
        fault: { code: RESULT.INVALID_AVP_LENGTH, text: `${rest} octets where an AVP header should stand` },
      };
    }
    const view = new DataView(data.buffer, data.byteOffset + offset, rest);
    const code = view.getUint32(0);
    const flags = view.getUint8(4);
    const length = view.getUint32(4) & 0xffffff;
    const header = flags & FLAG_VENDOR ? VENDOR_HEADER : HEADER;
    const vendor = header === VENDOR_HEADER && rest >= VENDOR_HEADER ? view.getUint32(8) : 0;
    const mandatory = (flags & FLAG_MANDATORY) !== 0;
    const row = this.#dictionary.byCode(code, vendor);
    const label = row?.name ?? `AVP ${code}${vendor === 0 ? '' : ` of vendor ${vendor}`}`;
    const zeroed = (): RawAvp => {
      const size = row === undefined ? 0 : minimumLength(row.type);
      return { code, vendor, mandatory, data: new Uint8Array(size) };
    };
    if (length < header || padded(length) > rest) {
      return {
        fault: {
          code: RESULT.INVALID_AVP_LENGTH,
          text: `${label}: length ${length} where ${rest} octets are left`,
          failed: zeroed(),
        },
      };
    }
    const payload = data.subarray(offset + header, offset + length);
    const received: RawAvp = { code, vendor, mandatory, data: payload };
    if (++this.#count > MAX_AVPS) {
      return { fault: { code: RESULT.UNABLE_TO_COMPLY, text: `more than ${MAX_AVPS} AVPs in a message` } };
    }
    if (flags & ~(FLAG_VENDOR | FLAG_MANDATORY | FLAG_PROTECTED) & 0xff) {
      return {
        fault: {
          code: RESULT.INVALID_AVP_BITS,
          text: `${label}: reserved flags are set in 0x${flags.toString(16)}`,
          failed: received,
        },
      };
    }
    const next = offset + padded(length);
    if (row === undefined) {
      if (mandatory) {
        return {
          fault: { code: RESULT.AVP_UNSUPPORTED, text: `${label} is unknown here`, failed: received },
        };
      }
      return { avp: received, next };
    }
    const value = this.#value(row, received, depth);
    return value.fault === undefined ? { avp: value.avp, next } : { fault: value.fault };
  }

  #value(
    row: AvpRow,
    received: RawAvp,
    depth: number,
  ):
    | { readonly avp: Avp; readonly fault?: undefined }
    | { readonly avp?: undefined; readonly fault: DiameterFault } {
    const { data } = received;
    // A peer reports octets that may be broken on purpose: they stay as they came.
    if (row.name === 'Failed-AVP') return { avp: received };
    if (row.type === 'Grouped') {
      if (depth + 1 >= MAX_DEPTH) {
        return {
          fault: {
            code: RESULT.UNABLE_TO_COMPLY,
            text: `${row.name}: groups nest deeper than ${MAX_DEPTH}`,
          },
        };
      }
      const inner = this.list(data, depth + 1);
      if (inner.fault === undefined) return { avp: avp(row.name, inner.avps as never) };
      // The whole group would repeat what was sound in it: section 7.5 wants the path to the offender.
      const { fault } = inner;
      const failed =
        fault.failed === undefined
          ? emptyAvp(row.name, this.#dictionary)
          : { ...received, data: encodeAvps([fault.failed], this.#dictionary) };
      return { fault: { code: fault.code, text: `${row.name}: ${fault.text}`, failed } };
    }
    const codec = VALUES[row.type];
    if (!codec.fits(data.length)) {
      return {
        fault: {
          code: RESULT.INVALID_AVP_LENGTH,
          text: `${row.name}: ${data.length} octets do not make a value of type ${row.type}`,
          failed: emptyAvp(row.name, this.#dictionary),
        },
      };
    }
    const value = codec.decode(data);
    if (value === undefined || (row.values !== undefined && !row.values.includes(value as number))) {
      return {
        fault: {
          code: RESULT.INVALID_AVP_VALUE,
          text: `${row.name}: not a legal ${row.type}`,
          failed: received,
        },
      };
    }
    return { avp: avp(row.name, value as never) };
  }
}
