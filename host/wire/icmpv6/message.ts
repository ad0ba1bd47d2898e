import { readAddress, writeAddress } from '../address.ts';
import type { Address } from '../address.ts';
import { fillChecksum, upperLayerChecksum } from '../checksum.ts';
import { IPV6_HEADER, IPV6_MINIMUM_MTU, NEXT_HEADER } from '../ipv6.ts';
import { copyOctets } from '../octets.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { emitMld, parseMld } from './mld.ts';
import type { MldMessage } from './mld.ts';
import { emitNdOptions, parseNdOptions } from './options.ts';
import type { NdOption } from './options.ts';
import { ICMPV6_TYPE, icmpv6Kind } from './registry.ts';

/** Default router preference, RFC 4191 section 2.1, as the two bits on the wire. */
export const ROUTER_PREFERENCE = { medium: 0, high: 1, low: 3 } as const;

export interface RouterSolicitation {
  readonly kind: 'RS';
  readonly options: readonly NdOption[];
}

export interface RouterAdvertisement {
  readonly kind: 'RA';
  readonly curHopLimit: number;
  readonly managed: boolean;
  readonly other: boolean;
  /** Two bits, see ROUTER_PREFERENCE. */
  readonly preference: number;
  readonly routerLifetimeSeconds: number;
  /** Milliseconds; 0 is unspecified, of both. */
  readonly reachableTime: number;
  readonly retransTimer: number;
  readonly options: readonly NdOption[];
}

export interface NeighborSolicitation {
  readonly kind: 'NS';
  readonly target: Address;
  readonly options: readonly NdOption[];
}

export interface NeighborAdvertisement {
  readonly kind: 'NA';
  readonly target: Address;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  readonly options: readonly NdOption[];
}

export interface Echo {
  readonly kind: 'echo-request' | 'echo-reply';
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

export interface Icmpv6Error {
  readonly kind: 'destination-unreachable' | 'packet-too-big' | 'time-exceeded' | 'parameter-problem';
  readonly code: number;
  /** The 32 bits after the checksum: MTU of Packet Too Big, pointer of Parameter Problem, else 0. */
  readonly parameter: number;
  /** As much of the invoking packet as the minimum MTU holds; emit cuts it. */
  readonly invoking: Uint8Array;
}

export type DiscoveryMessage =
  RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement;

export type Icmpv6Message = DiscoveryMessage | MldMessage | Echo | Icmpv6Error;

const HEADER = 4;
/** Where the options begin, RFC 4861 sections 4.1 to 4.4. */
const OPTIONS_AT = { RS: 8, RA: 16, NS: 24, NA: 24 } as const;
const INVOKING_MAXIMUM = IPV6_MINIMUM_MTU - IPV6_HEADER - 8;

/**
 * Reads one ICMPv6 message (the octets after the last extension header) and verifies its checksum.
 * What RFC 4861 demands of the IPv6 header is for `checkDiscovery`. Never throws.
 */
export function parseIcmpv6(data: Uint8Array, src: Address, dst: Address): Parsed<Icmpv6Message> {
  if (data.length < HEADER) return faulty('truncated', data.length, 'ICMPv6 header');
  if (upperLayerChecksum(src, dst, NEXT_HEADER.icmpv6, data) !== 0) {
    return faulty('checksum', 2, 'ICMPv6 checksum');
  }
  const kind = icmpv6Kind(data[0]!);
  if (kind === undefined) return faulty('type-unknown', 0, `ICMPv6 type ${data[0]}`);
  switch (kind) {
    case 'RS':
    case 'RA':
    case 'NS':
    case 'NA':
      return parseDiscovery(kind, data);
    case 'mld1-report':
    case 'mld1-done':
    case 'mld2-report':
      return parseMld(kind, data);
    default:
      return parsePlain(kind, data);
  }
}

function parsePlain(kind: Echo['kind'] | Icmpv6Error['kind'], data: Uint8Array): Parsed<Icmpv6Message> {
  if (data.length < 8) return faulty('truncated', data.length, kind);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (kind === 'echo-request' || kind === 'echo-reply') {
    return parsed({
      kind,
      identifier: view.getUint16(4),
      sequence: view.getUint16(6),
      data: copyOctets(data, 8),
    });
  }
  return parsed({ kind, code: data[1]!, parameter: view.getUint32(4), invoking: copyOctets(data, 8) });
}

function parseDiscovery(kind: DiscoveryMessage['kind'], data: Uint8Array): Parsed<DiscoveryMessage> {
  if (data[1] !== 0) return faulty('code', 1, `${kind} with code ${data[1]}`);
  const start = OPTIONS_AT[kind];
  if (data.length < start) return faulty('truncated', data.length, `${kind} of ${data.length} octets`);
  const list = parseNdOptions(data, start);
  if (!list.ok) return list;
  const options = list.value;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const flags = data[kind === 'RA' ? 5 : 4]!;
  switch (kind) {
    case 'RS':
      return parsed({ kind, options });
    case 'RA':
      return parsed({
        kind,
        curHopLimit: data[4]!,
        managed: (flags & 0x80) !== 0,
        other: (flags & 0x40) !== 0,
        preference: (flags >> 3) & 3,
        routerLifetimeSeconds: view.getUint16(6),
        reachableTime: view.getUint32(8),
        retransTimer: view.getUint32(12),
        options,
      });
    case 'NS':
      return parsed({ kind, target: readAddress(data, 8), options });
    case 'NA':
      return parsed({
        kind,
        target: readAddress(data, 8),
        router: (flags & 0x80) !== 0,
        solicited: (flags & 0x40) !== 0,
        override: (flags & 0x20) !== 0,
        options,
      });
  }
}

/** Writes one ICMPv6 message, checksum filled. */
export function emitIcmpv6(message: Icmpv6Message, src: Address, dst: Address): Uint8Array {
  const data = emitBody(message);
  data[0] = ICMPV6_TYPE[message.kind];
  fillChecksum(data, 2, src, dst, NEXT_HEADER.icmpv6);
  return data;
}

function emitBody(message: Icmpv6Message): Uint8Array {
  switch (message.kind) {
    case 'RS':
    case 'RA':
    case 'NS':
    case 'NA':
      return emitDiscovery(message);
    case 'mld1-report':
    case 'mld1-done':
    case 'mld2-report':
      return emitMld(message);
    case 'echo-request':
    case 'echo-reply': {
      const data = new Uint8Array(8 + message.data.length);
      const view = new DataView(data.buffer);
      view.setUint16(4, message.identifier);
      view.setUint16(6, message.sequence);
      data.set(message.data, 8);
      return data;
    }
    default: {
      const invoking = message.invoking.subarray(0, INVOKING_MAXIMUM);
      const data = new Uint8Array(8 + invoking.length);
      data[1] = message.code;
      new DataView(data.buffer).setUint32(4, message.parameter);
      data.set(invoking, 8);
      return data;
    }
  }
}

function emitDiscovery(message: DiscoveryMessage): Uint8Array {
  const options = emitNdOptions(message.options);
  const start = OPTIONS_AT[message.kind];
  const data = new Uint8Array(start + options.length);
  data.set(options, start);
  switch (message.kind) {
    case 'RS':
      break;
    case 'RA': {
      const view = new DataView(data.buffer);
      data[4] = message.curHopLimit;
      data[5] = (message.managed ? 0x80 : 0) | (message.other ? 0x40 : 0) | ((message.preference & 3) << 3);
      view.setUint16(6, message.routerLifetimeSeconds);
      view.setUint32(8, message.reachableTime);
      view.setUint32(12, message.retransTimer);
      break;
    }
    case 'NS':
      writeAddress(data, 8, message.target);
      break;
    case 'NA':
      data[4] = (message.router ? 0x80 : 0) | (message.solicited ? 0x40 : 0) | (message.override ? 0x20 : 0);
      writeAddress(data, 8, message.target);
      break;
  }
  return data;
}
