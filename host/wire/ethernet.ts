import { readMac, writeMac } from './address.ts';
import type { Mac } from './address.ts';
import { fillChecksum } from './checksum.ts';
import { IPV6_HEADER, NEXT_HEADER, writeIpv6Header } from './ipv6.ts';
import type { Ipv6Fields } from './ipv6.ts';
import { faulty, parsed } from './result.ts';
import type { Parsed } from './result.ts';

export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERNET_HEADER = 14;
/** Offset of the checksum in every ICMPv6 message, RFC 4443 section 2.1. */
const ICMPV6_CHECKSUM = 2;

export interface EthernetFrame {
  readonly dstMac: Mac;
  readonly srcMac: Mac;
  readonly etherType: number;
  /** A view into the frame. */
  readonly payload: Uint8Array;
}

/** Reads an untagged Ethernet II frame of any EtherType. */
export function parseEthernet(data: Uint8Array): Parsed<EthernetFrame> {
  if (data.length < ETHERNET_HEADER) return faulty('truncated', data.length, 'Ethernet header');
  return parsed({
    dstMac: readMac(data, 0),
    srcMac: readMac(data, 6),
    etherType: (data[12]! << 8) | data[13]!,
    payload: data.subarray(ETHERNET_HEADER),
  });
}

function writeEthernetHeader(data: Uint8Array, srcMac: Mac, dstMac: Mac, etherType: number): void {
  writeMac(data, 0, dstMac);
  writeMac(data, 6, srcMac);
  data[12] = etherType >> 8;
  data[13] = etherType;
}

/** Puts a whole IPv6 packet into a frame. */
export function emitEthernet(srcMac: Mac, dstMac: Mac, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER + packet.length);
  writeEthernetHeader(frame, srcMac, dstMac, ETHERTYPE_IPV6);
  frame.set(packet, ETHERNET_HEADER);
  return frame;
}

export interface FrameFields extends Ipv6Fields {
  readonly srcMac: Mac;
  readonly dstMac: Mac;
  /** What follows the IPv6 header. Where `nextHeader` is 58 its checksum field is filled in. */
  readonly payload: Uint8Array;
}

/** Writes an Ethernet frame around an IPv6 packet in one piece. */
export function emitFrame(fields: FrameFields): Uint8Array {
  const { payload } = fields;
  const frame = new Uint8Array(ETHERNET_HEADER + IPV6_HEADER + payload.length);
  writeEthernetHeader(frame, fields.srcMac, fields.dstMac, ETHERTYPE_IPV6);
  writeIpv6Header(frame, ETHERNET_HEADER, fields, payload.length);
  frame.set(payload, ETHERNET_HEADER + IPV6_HEADER);
  if (fields.nextHeader === NEXT_HEADER.icmpv6) {
    const upper = frame.subarray(ETHERNET_HEADER + IPV6_HEADER);
    fillChecksum(upper, ICMPV6_CHECKSUM, fields.src, fields.dst, NEXT_HEADER.icmpv6);
  }
  return frame;
}
