import { EXTENSIONS_MAX } from '../generated/abi.ts';
import type { PrefixValue } from './address.ts';
import { addressOctets, isLinkLocal, isMulticast, maskTo, readAddress } from './address.ts';

export const IPV6_HEADER = 40;
export const FRAGMENT_HEADER = 8;
const HOP_BY_HOP = 0;
export const IPV6_IN_IPV6 = 41;
const ROUTING = 43;
export const FRAGMENT = 44;
export const ICMPV6 = 58;
export const DESTINATION_OPTIONS = 60;
export const MOBILITY = 135;

export function source(packet: Uint8Array): bigint {
  return readAddress(packet, 8);
}

export function destination(packet: Uint8Array): bigint {
  return readAddress(packet, 24);
}

export function payloadLength(packet: Uint8Array): number {
  return octet(packet, 4) * 256 + octet(packet, 5);
}

export function nextHeader(packet: Uint8Array): number {
  return octet(packet, 6);
}

export function hopLimit(packet: Uint8Array): number {
  return octet(packet, 7);
}

export function trafficClass(packet: Uint8Array): number {
  return ((octet(packet, 0) & 0x0f) << 4) | (octet(packet, 1) >> 4);
}

export function octet(packet: Uint8Array, offset: number): number {
  const value = packet[offset];
  if (value === undefined) throw new RangeError(`octet ${offset} of a packet of ${packet.length}`);
  return value;
}

/** The packet cut to its payload length, or the drop reason: "Input checks" of the ABI page. */
export function checkHeader(data: Uint8Array): { packet: Uint8Array } | { reason: string } {
  if (data.length < IPV6_HEADER) return { reason: 'truncated' };
  if (octet(data, 0) >> 4 !== 6) return { reason: 'version' };
  if (payloadLength(data) === 0 && nextHeader(data) === HOP_BY_HOP) return { reason: 'jumbogram' };
  const length = IPV6_HEADER + payloadLength(data);
  if (length > data.length) return { reason: 'truncated' };
  const packet = data.slice(0, length);
  const [from, to] = [source(packet), destination(packet)];
  if (isMulticast(from) || from === 1n || to === 0n || to === 1n) return { reason: 'address' };
  return { packet };
}

/** A pair of addresses that never leaves its link, or that no unicast entry can forward. */
export function isLocalPair(packet: Uint8Array): boolean {
  const [from, to] = [source(packet), destination(packet)];
  return from === 0n || isLinkLocal(from) || isLinkLocal(to) || isMulticast(to);
}

export function isExtension(protocol: number): boolean {
  return [HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS].includes(protocol);
}

/**
 * Walks the extension headers. Undefined where one does not fit or there are too many; otherwise the protocol that
 * follows them and where it begins, without a protocol for a fragment other than the first. `fragment` tells a first
 * fragment that others follow.
 */
export function upperLayer(
  packet: Uint8Array,
): { protocol: number | undefined; offset: number; fragment: boolean } | undefined {
  let protocol = nextHeader(packet);
  let offset = IPV6_HEADER;
  let fragment = false;
  for (let headers = 0; ; headers++) {
    const isFragment = protocol === FRAGMENT;
    if (!isExtension(protocol)) return { protocol, offset, fragment };
    if (headers === EXTENSIONS_MAX || offset + 8 > packet.length) return undefined;
    const length = isFragment ? 8 : (octet(packet, offset + 1) + 1) * 8;
    if (offset + length > packet.length) return undefined;
    if (isFragment) {
      const field = octet(packet, offset + 2) * 256 + octet(packet, offset + 3);
      if (field >= 8) return { protocol: undefined, offset: offset + length, fragment: true };
      if (field % 2 === 1) fragment = true;
    }
    protocol = octet(packet, offset);
    offset += length;
  }
}

const NOT_ECT = 0b00;
const ECT_1 = 0b01;
const CE = 0b11;

/** The packet with the ECN field that RFC 6040 section 4.2 gives it, or undefined where it must be dropped. */
export function withOuterEcn(inner: Uint8Array, outerClass: number): Uint8Array | undefined {
  const arriving = trafficClass(inner) & 0b11;
  const outer = outerClass & 0b11;
  let result = arriving;
  if (arriving === NOT_ECT && outer === CE) return undefined;
  if (arriving !== NOT_ECT && outer === CE) result = CE;
  if (arriving === 0b10 && outer === ECT_1) result = ECT_1;
  const packet = inner.slice();
  packet[1] = (octet(packet, 1) & 0b1100_1111) | (result << 4);
  return packet;
}

/** The packet with its destination's first bits replaced: "Rewriting" of the ABI page. */
export function withDestinationIn(packet: Uint8Array, prefix: PrefixValue): Uint8Array {
  const to = destination(packet);
  const result = packet.slice();
  result.set(addressOctets(to - maskTo(to, prefix.length) + prefix.address), 24);
  return result;
}
