import type { Address } from '../address.ts';
import { fillChecksum, upperLayerChecksum } from '../checksum.ts';
import { NEXT_HEADER } from '../ipv6.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { BODIES, MESSAGE_DATA } from './bodies.ts';
import type { BodyCodec, BodyFields, MessageKind } from './bodies.ts';
import { emitMobilityOptions, parseMobilityOptions } from './options.ts';
import type { MobilityOption } from './options.ts';
import { MH_TYPES, mobilityTypeName } from './registry.ts';

type MessageOf<K extends MessageKind> = { readonly kind: K } & BodyFields[K] & {
    readonly options: readonly MobilityOption[];
  };

export type BindingUpdate = MessageOf<'BU'>;
export type BindingAcknowledgement = MessageOf<'BA'>;
/** Of an EXP `options` is empty: its format is in its data. */
export type MobilityMessage = { [K in MessageKind]: MessageOf<K> }[MessageKind];

/** Offsets of the fields that all types share, RFC 6275 section 6.1.1. */
const PAYLOAD_PROTO = 0;
const HEADER_LENGTH = 1;
const TYPE = 2;
const CHECKSUM = 4;
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
  const body: BodyCodec<object> = BODIES[kind];
  const stated = (data[HEADER_LENGTH]! + 1) * 8;
  if (stated !== data.length || stated < body.optionsAt) {
    return faulty('length', HEADER_LENGTH, `${kind} states ${stated} octets, has ${data.length}`);
  }
  const options = kind === 'EXP' ? parsed([]) : parseMobilityOptions(data, body.optionsAt);
  if (!options.ok) return options;
  const fields = body.read(data, new DataView(data.buffer, data.byteOffset, data.length));
  return parsed({ kind, ...fields, options: options.value } as MobilityMessage);
}

/**
 * Writes a Mobility Header, options padded to their alignment and checksum filled.
 * Throws a RangeError if the options exceed what its length field can express.
 */
export function emitMobility(message: MobilityMessage, src: Address, dst: Address): Uint8Array {
  const body: BodyCodec<object> = BODIES[message.kind];
  const tail =
    message.kind === 'EXP'
      ? new Uint8Array(message.data.length - (body.optionsAt - MESSAGE_DATA))
      : emitMobilityOptions(message.options, body.optionsAt);
  const data = new Uint8Array(body.optionsAt + tail.length);
  if (data.length > MOBILITY_HEADER_MAXIMUM) {
    throw new RangeError(`${message.kind} of ${data.length} octets exceeds ${MOBILITY_HEADER_MAXIMUM}`);
  }
  if (data.length % 8 !== 0) {
    throw new RangeError(`${message.kind} of ${data.length} octets is no multiple of 8`);
  }
  data[PAYLOAD_PROTO] = NEXT_HEADER.none;
  data[HEADER_LENGTH] = data.length / 8 - 1;
  data[TYPE] = MH_TYPES.find((row) => row.kind === message.kind)!.number;
  data.set(tail, body.optionsAt);
  body.write(message, data, new DataView(data.buffer));
  fillChecksum(data, CHECKSUM, src, dst, NEXT_HEADER.mobility);
  return data;
}
