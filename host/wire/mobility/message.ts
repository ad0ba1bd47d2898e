import { readAddress, writeAddress } from '../address.ts';
import type { Address } from '../address.ts';
import { fillChecksum, upperLayerChecksum } from '../checksum.ts';
import { NEXT_HEADER } from '../ipv6.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { emitMobilityOptions, parseMobilityOptions } from './options.ts';
import type { MobilityOption } from './options.ts';
import { MH_TYPES, mobilityTypeName } from './registry.ts';

export interface BindingRefreshRequest {
  readonly kind: 'BRR';
  readonly options: readonly MobilityOption[];
}

export interface BindingUpdate {
  readonly kind: 'BU';
  readonly sequence: number;
  /** 16 bits, see BU_FLAGS. */
  readonly flags: number;
  /** In units of LIFETIME_UNIT seconds; 0 de-registers. */
  readonly lifetime: number;
  readonly options: readonly MobilityOption[];
}

export interface BindingAcknowledgement {
  readonly kind: 'BA';
  readonly status: number;
  /** 8 bits, see BA_FLAGS. */
  readonly flags: number;
  readonly sequence: number;
  /** In units of LIFETIME_UNIT seconds. */
  readonly lifetime: number;
  readonly options: readonly MobilityOption[];
}

export interface BindingError {
  readonly kind: 'BE';
  /** See BE_STATUS. */
  readonly status: number;
  readonly home: Address;
  readonly options: readonly MobilityOption[];
}

export type MobilityMessage = BindingRefreshRequest | BindingUpdate | BindingAcknowledgement | BindingError;

/** Offsets of the fields that all types share, RFC 6275 section 6.1.1. */
const PAYLOAD_PROTO = 0;
const HEADER_LENGTH = 1;
const TYPE = 2;
const CHECKSUM = 4;
/** First octet of the message data, after the fields above. */
const MESSAGE_DATA = 6;
/** Where the options begin, RFC 6275 sections 6.1.2 and 6.1.7 to 6.1.9. */
const OPTIONS_AT = { BRR: 8, BU: 12, BA: 12, BE: 24 } as const;
/** What the length field can express: 256 units of 8 octets. */
const MOBILITY_HEADER_MAXIMUM = 2048;

/**
 * Reads a Mobility Header, from its first octet to the end of the packet, in the order of checks of RFC 6275
 * section 9.2. Never throws. Of the faults, `type-unknown` is answered by a Binding Error with status 2,
 * `payload-proto` and `length` by a Parameter Problem with code 0 whose pointer is the fault's offset plus where
 * the Mobility Header begins in the packet; the others are dropped without an answer.
 */
export function parseMobility(data: Uint8Array, src: Address, dst: Address): Parsed<MobilityMessage> {
  if (data.length < 8) return faulty('truncated', data.length, 'Mobility Header');
  if (upperLayerChecksum(src, dst, NEXT_HEADER.mobility, data) !== 0) {
    return faulty('checksum', CHECKSUM, 'Mobility Header checksum');
  }
  const kind = MH_TYPES.find((row) => row.number === data[TYPE])?.kind;
  if (kind === undefined) return faulty('type-unknown', TYPE, mobilityTypeName(data[TYPE]!));
  if (data[PAYLOAD_PROTO] !== NEXT_HEADER.none) {
    return faulty('payload-proto', PAYLOAD_PROTO, `payload proto ${data[PAYLOAD_PROTO]}`);
  }
  const stated = (data[HEADER_LENGTH]! + 1) * 8;
  if (stated !== data.length || stated < OPTIONS_AT[kind]) {
    return faulty('length', HEADER_LENGTH, `${kind} states ${stated} octets, has ${data.length}`);
  }
  const list = parseMobilityOptions(data, OPTIONS_AT[kind]);
  if (!list.ok) return list;
  const options = list.value;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  switch (kind) {
    case 'BRR':
      return parsed({ kind, options });
    case 'BU':
      return parsed({
        kind,
        sequence: view.getUint16(6),
        flags: view.getUint16(8),
        lifetime: view.getUint16(10),
        options,
      });
    case 'BA':
      return parsed({
        kind,
        status: data[6]!,
        flags: data[7]!,
        sequence: view.getUint16(8),
        lifetime: view.getUint16(10),
        options,
      });
    case 'BE':
      return parsed({ kind, status: data[6]!, home: readAddress(data, 8), options });
  }
}

/**
 * Writes a Mobility Header, options padded to their alignment and checksum filled.
 * Throws a RangeError if the options exceed what its length field can express.
 */
export function emitMobility(message: MobilityMessage, src: Address, dst: Address): Uint8Array {
  const start = OPTIONS_AT[message.kind];
  const options = emitMobilityOptions(message.options, start);
  const data = new Uint8Array(start + options.length);
  if (data.length > MOBILITY_HEADER_MAXIMUM) {
    throw new RangeError(`${message.kind} of ${data.length} octets exceeds ${MOBILITY_HEADER_MAXIMUM}`);
  }
  const view = new DataView(data.buffer);
  data[PAYLOAD_PROTO] = NEXT_HEADER.none;
  data[HEADER_LENGTH] = data.length / 8 - 1;
  data[TYPE] = MH_TYPES.find((row) => row.kind === message.kind)!.number;
  data.set(options, start);
  switch (message.kind) {
    case 'BRR':
      break;
    case 'BU':
      view.setUint16(MESSAGE_DATA, message.sequence);
      view.setUint16(8, message.flags);
      view.setUint16(10, message.lifetime);
      break;
    case 'BA':
      data[MESSAGE_DATA] = message.status;
      data[7] = message.flags;
      view.setUint16(8, message.sequence);
      view.setUint16(10, message.lifetime);
      break;
    case 'BE':
      data[MESSAGE_DATA] = message.status;
      writeAddress(data, 8, message.home);
      break;
  }
  fillChecksum(data, CHECKSUM, src, dst, NEXT_HEADER.mobility);
  return data;
}
