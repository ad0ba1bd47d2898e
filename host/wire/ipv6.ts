import { readAddress, writeAddress } from './address.ts';
import type { Address } from './address.ts';
import { faulty, parsed } from './result.ts';
import type { Parsed } from './result.ts';

/** Next header values of the IANA protocol-numbers registry that are used here. */
export const NEXT_HEADER = {
  hopByHop: 0,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  mobility: 135,
} as const;

export const IPV6_HEADER = 40;
/** Offsets in the fixed header. */
export const IPV6_AT = { nextHeader: 6, hopLimit: 7, source: 8, destination: 24 } as const;
/** RFC 8200 section 5: every link carries this without fragmentation below IPv6. */
export const IPV6_MINIMUM_MTU = 1280;
const MAX_EXTENSION_HEADERS = 16;

export interface Ipv6Header {
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly src: Address;
  readonly dst: Address;
}

export interface Ipv6Packet extends Ipv6Header {
  /** Everything after the fixed header; a view into what was parsed. */
  readonly payload: Uint8Array;
}

/** Reads the fixed header alone: what follows may be cut short, as in the beginning of a frame. */
export function parseIpv6Header(data: Uint8Array): Parsed<Ipv6Header> {
  if (data.length < IPV6_HEADER) return faulty('truncated', data.length, 'IPv6 header');
  if (data[0]! >> 4 !== 6) return faulty('version', 0, `version ${data[0]! >> 4}`);
  return parsed({
    trafficClass: ((data[0]! & 0x0f) << 4) | (data[1]! >> 4),
    flowLabel: ((data[1]! & 0x0f) << 16) | (data[2]! << 8) | data[3]!,
    payloadLength: (data[4]! << 8) | data[5]!,
    nextHeader: data[IPV6_AT.nextHeader]!,
    hopLimit: data[IPV6_AT.hopLimit]!,
    src: readAddress(data, IPV6_AT.source),
    dst: readAddress(data, IPV6_AT.destination),
  });
}

/** Reads a whole packet. Octets beyond the payload length (Ethernet padding) are left out. */
export function parseIpv6(data: Uint8Array): Parsed<Ipv6Packet> {
  const header = parseIpv6Header(data);
  if (!header.ok) return header;
  const end = IPV6_HEADER + header.value.payloadLength;
  if (data.length < end) return faulty('truncated', data.length, `payload of ${header.value.payloadLength}`);
  return parsed({ ...header.value, payload: data.subarray(IPV6_HEADER, end) });
}

export interface Ipv6Fields {
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly src: Address;
  readonly dst: Address;
}

/** Writes the fixed header for `payloadLength` octets (at most 65,535) at `offset`. */
export function writeIpv6Header(
  data: Uint8Array,
  offset: number,
  fields: Ipv6Fields,
  payloadLength: number,
): void {
  if (payloadLength > 0xffff) throw new RangeError(`IPv6 payload of ${payloadLength} octets`);
  const { trafficClass = 0, flowLabel = 0 } = fields;
  data[offset] = 0x60 | (trafficClass >> 4);
  data[offset + 1] = ((trafficClass & 0x0f) << 4) | ((flowLabel >> 16) & 0x0f);
  data[offset + 2] = flowLabel >> 8;
  data[offset + 3] = flowLabel;
  data[offset + 4] = payloadLength >> 8;
  data[offset + 5] = payloadLength;
  data[offset + IPV6_AT.nextHeader] = fields.nextHeader;
  data[offset + IPV6_AT.hopLimit] = fields.hopLimit;
  writeAddress(data, offset + IPV6_AT.source, fields.src);
  writeAddress(data, offset + IPV6_AT.destination, fields.dst);
}

export function emitIpv6(fields: Ipv6Fields, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + payload.length);
  writeIpv6Header(packet, 0, fields, payload.length);
  packet.set(payload, IPV6_HEADER);
  return packet;
}

export interface UpperLayer {
  /** Protocol of `payload`. Of a fragment other than the first, the payload is a piece from its middle. */
  readonly nextHeader: number;
  readonly payload: Uint8Array;
  /** Where `payload` begins, from the first octet of the packet. */
  readonly offset: number;
  readonly extensions: readonly { readonly type: number; readonly offset: number; readonly length: number }[];
  readonly fragment?: { readonly offset: number; readonly more: boolean; readonly identification: number };
}

/** Walks the extension headers of RFC 8200 section 4 to the upper layer, or to the piece that a fragment holds. */
export function walkExtensions(packet: Pick<Ipv6Packet, 'nextHeader' | 'payload'>): Parsed<UpperLayer> {
  const { payload } = packet;
  const extensions: { type: number; offset: number; length: number }[] = [];
  let type = packet.nextHeader;
  let at = 0;
  let fragment: UpperLayer['fragment'];
  while (isExtension(type) && (fragment === undefined || fragment.offset === 0)) {
    if (extensions.length === MAX_EXTENSION_HEADERS) {
      return faulty('too-many', IPV6_HEADER + at, 'extension headers');
    }
    if (payload.length - at < 8) return faulty('truncated', IPV6_HEADER + at, `extension header ${type}`);
    const length = type === NEXT_HEADER.fragment ? 8 : (payload[at + 1]! + 1) * 8;
    if (payload.length - at < length) {
      return faulty('truncated', IPV6_HEADER + at, `extension header ${type} of ${length}`);
    }
    if (type === NEXT_HEADER.fragment) {
      const view = new DataView(payload.buffer, payload.byteOffset + at, 8);
      fragment = {
        offset: view.getUint16(2) & 0xfff8,
        more: (view.getUint16(2) & 1) === 1,
        identification: view.getUint32(4),
      };
    }
    extensions.push({ type, offset: IPV6_HEADER + at, length });
    type = payload[at]!;
    at += length;
  }
  return parsed({
    nextHeader: type,
    payload: payload.subarray(at),
    offset: IPV6_HEADER + at,
    extensions,
    ...(fragment === undefined ? {} : { fragment }),
  });
}

function isExtension(type: number): boolean {
  return (
    type === NEXT_HEADER.hopByHop ||
    type === NEXT_HEADER.routing ||
    type === NEXT_HEADER.fragment ||
    type === NEXT_HEADER.destinationOptions
  );
}
