import type { Capture, CapturedPacket } from '../../host/wire/capture.ts';
import { addressBytes } from '../../host/wire/address.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_IPV6 } from '../../host/wire/capture.ts';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { emitEthernet } from '../../host/wire/ethernet.ts';
import type { Ipv6Fields } from '../../host/wire/ipv6.ts';
import { NEXT_HEADER, emitIpv6 } from '../../host/wire/ipv6.ts';

export const LOCATOR = '2001:db8:ffff::1';
export const PEER = '2001:db8:ffff::2';
export const OTHER_PEER = '2001:db8:ffff::3';
export const STRANGER = '2001:db8:ffff::66';
/** The MN on our access link, and its correspondent elsewhere. */
export const MN = '2001:db8:1::a';
export const MN_MAC = '02:00:00:00:00:0a';
export const CN = '2001:db8:2::b';
export const FOREIGN = '2001:db8:3::c';
export const OTHER_MAC = '02:00:00:00:00:66';
const ROUTER_MAC = '02:00:5e:00:00:01';
const ACCESS = 0;
const CORE = 1;
const EPOCH = 1_700_000_000_000_000_000n;
const MILLISECOND = 1_000_000n;

export const ports = [{ interface: 'access0', port: 0 }, { port: 'core' }];
export const source = { kind: 'source', prefix: '2001:db8:1::/64', link: 0, mac: MN_MAC };
export const deliver = {
  kind: 'deliver',
  prefix: '2001:db8:1::/64',
  link: 0,
  nextHop: 'fe80::a',
  mac: MN_MAC,
};
export const tunnel = { kind: 'tunnel', prefix: `${CN}/128`, locator: PEER };
export const peers = [PEER, OTHER_PEER].map((address) => ({ kind: 'peer', address }));

interface Sent {
  readonly at?: number;
  readonly from: typeof ACCESS | typeof CORE;
  readonly data: Uint8Array;
  /** Sending station on the access link; the MN if absent. */
  readonly mac?: string;
}

/** A capture of an Ethernet access link and the core; without `at`, packets are a millisecond apart. */
export function capture(sent: readonly Sent[]): Capture {
  return {
    interfaces: [
      { linkType: LINKTYPE_ETHERNET, snapLength: 0, name: 'access0' },
      { linkType: LINKTYPE_IPV6, snapLength: 0, name: 'core' },
    ],
    packets: sent.map(({ at, from, data, mac = MN_MAC }, index): CapturedPacket => {
      const octets = from === ACCESS ? emitEthernet(mac, ROUTER_MAC, data) : data;
      const time = EPOCH + BigInt(at ?? index) * MILLISECOND;
      return { interface: from, time, data: octets, length: octets.length };
    }),
  };
}

/** A UDP packet with a valid checksum, `length` octets in all. */
export function udp(fields: Partial<Ipv6Fields> = {}, length = 64): Uint8Array {
  const ends = { src: MN, dst: CN, ...fields };
  const payload = new Uint8Array(length - 40);
  const view = new DataView(payload.buffer);
  view.setUint16(0, 40_000);
  view.setUint16(2, 9);
  view.setUint16(4, payload.length);
  fillChecksum(payload, 6, ends.src, ends.dst, NEXT_HEADER.udp);
  return emitIpv6({ nextHeader: NEXT_HEADER.udp, hopLimit: 64, ...ends }, payload);
}

export function tunnelled(inner: Uint8Array, fields: Partial<Ipv6Fields> = {}): Uint8Array {
  return emitIpv6({ nextHeader: NEXT_HEADER.ipv6, hopLimit: 64, src: PEER, dst: LOCATOR, ...fields }, inner);
}

/** A TCP segment with these options and flags (SYN if not told otherwise), its checksum right. */
export function syn(tcpOptions: readonly number[], flags = 0x02): Uint8Array {
  const segment = new Uint8Array(20 + tcpOptions.length);
  segment.set([
    0x9c,
    0x40,
    0,
    80,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    (5 + tcpOptions.length / 4) << 4,
    flags,
    0xff,
    0xff,
  ]);
  segment.set(tcpOptions, 20);
  fillChecksum(segment, 16, MN, CN, NEXT_HEADER.tcp);
  return emitIpv6({ nextHeader: NEXT_HEADER.tcp, hopLimit: 64, src: MN, dst: CN }, segment);
}

/** An ICMPv6 error of a router within the core to our locator, quoting as much of `packet` as it may. */
export function icmpError(type: number, code: number, packet: Uint8Array, parameter = 0): Uint8Array {
  const quoted = packet.subarray(0, 1232);
  const message = new Uint8Array(8 + quoted.length);
  message.set([type, code]);
  new DataView(message.buffer).setUint32(4, parameter);
  message.set(quoted, 8);
  fillChecksum(message, 2, STRANGER, LOCATOR, NEXT_HEADER.icmpv6);
  return emitIpv6({ nextHeader: NEXT_HEADER.icmpv6, hopLimit: 60, src: STRANGER, dst: LOCATOR }, message);
}

/** A part of a tunnelled packet, octets `from` to `to` of the inner one, as a peer fragments its outer packet. */
export function fragment(
  inner: Uint8Array,
  from: number,
  to: number,
  fields: Partial<Ipv6Fields> = {},
): Uint8Array {
  const part = inner.subarray(from, to);
  const payload = new Uint8Array(8 + part.length);
  const view = new DataView(payload.buffer);
  view.setUint8(0, NEXT_HEADER.ipv6);
  view.setUint16(2, from | Number(from + part.length < inner.length));
  view.setUint32(4, inner.length);
  payload.set(part, 8);
  return emitIpv6(
    { nextHeader: NEXT_HEADER.fragment, hopLimit: 60, src: PEER, dst: LOCATOR, ...fields },
    payload,
  );
}

/** A destination options header with an encapsulation limit. */
export const limited = (limit: number, next: number = NEXT_HEADER.ipv6): number[] => [
  next,
  0,
  4,
  1,
  limit,
  1,
  1,
  0,
];

/** The packet with a destination options header before its payload. */
export function optioned(packet: Uint8Array, header: readonly number[]): Uint8Array {
  const result = Uint8Array.of(...packet.subarray(0, 40), ...header, ...packet.subarray(40));
  new DataView(result.buffer).setUint16(4, result.length - 40);
  result[6] = 60;
  return result;
}

export function changed(packet: Uint8Array, offset: number, ...octets: number[]): Uint8Array {
  const result = packet.slice();
  result.set(octets, offset);
  return result;
}

/** Another destination, with the checksum that the packet has. */
export function readdressed(packet: Uint8Array, dst: string): Uint8Array {
  return changed(packet, 24, ...addressBytes(dst));
}

export const toMn = (fields: Partial<Ipv6Fields> = {}): Uint8Array => udp({ src: CN, dst: MN, ...fields });
export const access = (data: Uint8Array, at?: number): Sent => ({
  from: ACCESS,
  data,
  ...(at === undefined ? {} : { at }),
});
export const core = (data: Uint8Array, at?: number): Sent => ({
  from: CORE,
  data,
  ...(at === undefined ? {} : { at }),
});
export const options = { locator: LOCATOR, seed: '5eed' };
export const ecn = [0, 1, 2, 3];

/** Of the packets that `udp` makes. */
export const flow = { kind: 'flow', src: MN, dst: CN, protocol: 17, sourcePort: 40_000, destinationPort: 9 };
export const toOtherPeer = { kind: 'tunnel', locator: OTHER_PEER };

/** The packet with a header of 8 octets before its payload. */
export function extended(type: number, header: Uint8Array, packet: Uint8Array): Uint8Array {
  header[0] = packet[6]!;
  const payload = Uint8Array.from([...header, ...packet.subarray(40)]);
  const result = Uint8Array.from([...packet.subarray(0, 40), ...payload]);
  result[6] = type;
  new DataView(result.buffer).setUint16(4, payload.length);
  return result;
}

export const fragmented = (packet: Uint8Array, field: number): Uint8Array =>
  extended(NEXT_HEADER.fragment, Uint8Array.of(0, 0, field >> 8, field & 0xff, 0, 0, 0, 7), packet);
