import { ICMP_MAX, TUNNEL_HOP_LIMIT } from '../generated/abi.ts';
import { addressOctets } from './address.ts';
import { hash, hashStep, words } from './events.ts';
import { limitHeader } from './encapsulation-limit.ts';
import {
  DESTINATION_OPTIONS,
  FRAGMENT,
  FRAGMENT_HEADER,
  ICMPV6,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  octet,
  source,
  trafficClass,
  upperLayer,
} from './packet.ts';

/** RFC 8200 section 5. */
export const MINIMUM_MTU = 1280;
export const ICMP_HEADER = 8;
const REDIRECT = 137;
const TCP_HEADER = 20;

interface HeaderFields {
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: bigint;
  readonly destination: bigint;
}

function ipv6(fields: HeaderFields, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 6 * 2 ** 28 + fields.trafficClass * 2 ** 20 + fields.flowLabel);
  view.setUint16(4, payload.length);
  view.setUint8(6, fields.nextHeader);
  view.setUint8(7, fields.hopLimit);
  packet.set(addressOctets(fields.source), 8);
  packet.set(addressOctets(fields.destination), 24);
  packet.set(payload, IPV6_HEADER);
  return packet;
}

/** "Flow label" of the ABI page. */
export function flowLabel(inner: Uint8Array, seed: bigint): number {
  const ofInner = BigInt(octet(inner, 1) % 16) * 65536n + BigInt(octet(inner, 2) * 256 + octet(inner, 3));
  const pair = hash(seed, [...words(inner.subarray(8, 24)), ...words(inner.subarray(24, 40))]);
  const label = Number(hashStep(pair, ofInner) / 2n ** 44n);
  return label === 0 ? 1 : label;
}

export interface Encapsulation {
  readonly seed: bigint;
  readonly locator: bigint;
  readonly peer: bigint;
  readonly hopLimit: number;
  /** Encapsulation limit that the packet carries. */
  readonly limit: number | undefined;
  /** The MTU of the tunnel. */
  readonly mtu: number;
  /** Taken only if the packet must be fragmented. */
  readonly identification: () => number;
}

/**
 * "Encapsulation to X" of the ABI page: one packet, two outer fragments, or undefined where it is too big for the
 * core and long enough that its source can be told so.
 */
export function encapsulate(inner: Uint8Array, to: Encapsulation): Uint8Array[] | undefined {
  const outer = {
    trafficClass: trafficClass(inner),
    flowLabel: flowLabel(inner, to.seed),
    hopLimit: to.hopLimit,
    source: to.locator,
    destination: to.peer,
  };
  const options = to.limit === undefined ? new Uint8Array() : limitHeader(to.limit);
  const nextHeader = to.limit === undefined ? IPV6_IN_IPV6 : DESTINATION_OPTIONS;
  const carried = Uint8Array.of(...options, ...inner);
  if (IPV6_HEADER + carried.length <= to.mtu) return [ipv6({ ...outer, nextHeader }, carried)];
  if (inner.length > MINIMUM_MTU) return undefined;

  const identification = to.identification();
  const first = Math.floor((to.mtu - IPV6_HEADER - FRAGMENT_HEADER) / 8) * 8;
  const fragment = (offset: number, part: Uint8Array, more: boolean): Uint8Array => {
    const payload = new Uint8Array(FRAGMENT_HEADER + part.length);
    const view = new DataView(payload.buffer);
    view.setUint8(0, nextHeader);
    view.setUint16(2, offset | (more ? 1 : 0));
    view.setUint32(4, identification);
    payload.set(part, FRAGMENT_HEADER);
    return ipv6({ ...outer, nextHeader: FRAGMENT }, payload);
  };
  return [fragment(0, carried.subarray(0, first), true), fragment(first, carried.subarray(first), false)];
}

/** RFC 4443 section 2.4 (e): never in answer to an error or a redirect. */
export function mayAnswerWithError(packet: Uint8Array): boolean {
  const upper = upperLayer(packet);
  if (upper === undefined) return false;
  if (upper.protocol !== ICMPV6) return true;
  if (upper.offset >= packet.length) return false;
  const type = octet(packet, upper.offset);
  return type >= 128 && type !== REDIRECT;
}

/** What an ICMPv6 error says; `parameter` is the MTU of a Packet Too Big, the pointer of a Parameter Problem. */
export interface IcmpError {
  readonly type: number;
  readonly code: number;
  readonly parameter: number;
}

/** RFC 4443 section 3.2; `mtu` octets would have fitted. */
export function packetTooBig(mtu: number): IcmpError {
  return { type: 2, code: 0, parameter: Math.max(MINIMUM_MTU, mtu) };
}

/** Octets that a tunnel adds before an inner packet that carries a limit, or none. */
export function overhead(limit: number | undefined): number {
  return limit === undefined ? IPV6_HEADER : IPV6_HEADER + limitHeader(limit).length;
}

/** MSS of the segments that go whole through a tunnel with room for `room` octets, or that have to. */
export function largestMss(room: number): number {
  return Math.max(MINIMUM_MTU, room) - IPV6_HEADER - TCP_HEADER;
}

/** RFC 4443 section 3.4: an erroneous header field. */
export function parameterProblem(pointer: number): IcmpError {
  return { type: 4, code: 0, parameter: pointer };
}

/** RFC 4443 section 3.3: hop limit exceeded in transit. */
export const TIME_EXCEEDED: IcmpError = { type: 3, code: 0, parameter: 0 };

/** RFC 2473 section 8.2: address unreachable. */
export const UNREACHABLE: IcmpError = { type: 1, code: 3, parameter: 0 };

/** The packet that tells the source of `offending` of the error. */
export function errorMessage(offending: Uint8Array, locator: bigint, error: IcmpError): Uint8Array {
  const quoted = offending.subarray(0, ICMP_MAX - IPV6_HEADER - ICMP_HEADER);
  const message = new Uint8Array(ICMP_HEADER + quoted.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, error.type);
  view.setUint8(1, error.code);
  view.setUint32(4, error.parameter);
  message.set(quoted, ICMP_HEADER);
  const to = source(offending);
  view.setUint16(2, checksum(locator, to, message));
  return ipv6(
    {
      trafficClass: 0,
      flowLabel: 0,
      nextHeader: ICMPV6,
      hopLimit: TUNNEL_HOP_LIMIT,
      source: locator,
      destination: to,
    },
    message,
  );
}

/** RFC 8200 section 8.1, over the pseudo-header and an ICMPv6 message: 0 for one with a right checksum in it. */
export function checksum(from: bigint, to: bigint, message: Uint8Array): number {
  const length = message.length;
  const pseudo = [
    ...addressOctets(from),
    ...addressOctets(to),
    0,
    0,
    length >> 8,
    length & 255,
    0,
    0,
    0,
    ICMPV6,
  ];
  const octets = [...pseudo, ...message, ...(length % 2 === 0 ? [] : [0])];
  let sum = 0;
  for (let index = 0; index < octets.length; index += 2) {
    sum += (octets[index] ?? 0) * 256 + (octets[index + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}
