import type { Capture, CapturedPacket } from '../../host/wire/capture.ts';
import { addressBytes } from '../../host/wire/address.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_IPV6 } from '../../host/wire/capture.ts';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { emitEthernet } from '../../host/wire/ethernet.ts';
import type { Ipv6Fields } from '../../host/wire/ipv6.ts';
import { NEXT_HEADER, emitIpv6 } from '../../host/wire/ipv6.ts';

/** One golden folder: what `maar replay` is given. `file` is the entries file as it stands in JSON. */
export interface GoldenCase {
  readonly name: string;
  readonly file: Record<string, unknown>;
  readonly input: Capture;
}

const LOCATOR = '2001:db8:ffff::1';
const PEER = '2001:db8:ffff::2';
const OTHER_PEER = '2001:db8:ffff::3';
const STRANGER = '2001:db8:ffff::66';
/** The MN on our access link, and its correspondent elsewhere. */
const MN = '2001:db8:1::a';
const MN_MAC = '02:00:00:00:00:0a';
const CN = '2001:db8:2::b';
const FOREIGN = '2001:db8:3::c';
const OTHER_MAC = '02:00:00:00:00:66';
const ROUTER_MAC = '02:00:5e:00:00:01';
const ACCESS = 0;
const CORE = 1;
const EPOCH = 1_700_000_000_000_000_000n;
const MILLISECOND = 1_000_000n;

const ports = [{ interface: 'access0', port: 0 }, { port: 'core' }];
const source = { kind: 'source', prefix: '2001:db8:1::/64', link: 0, mac: MN_MAC };
const deliver = { kind: 'deliver', prefix: '2001:db8:1::/64', link: 0, nextHop: 'fe80::a', mac: MN_MAC };
const tunnel = { kind: 'tunnel', prefix: `${CN}/128`, locator: PEER };
const peers = [PEER, OTHER_PEER].map((address) => ({ kind: 'peer', address }));

interface Sent {
  readonly at?: number;
  readonly from: typeof ACCESS | typeof CORE;
  readonly data: Uint8Array;
  /** Sending station on the access link; the MN if absent. */
  readonly mac?: string;
}

/** A capture of an Ethernet access link and the core; without `at`, packets are a millisecond apart. */
function capture(sent: readonly Sent[]): Capture {
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
function udp(fields: Partial<Ipv6Fields> = {}, length = 64): Uint8Array {
  const ends = { src: MN, dst: CN, ...fields };
  const payload = new Uint8Array(length - 40);
  const view = new DataView(payload.buffer);
  view.setUint16(0, 40_000);
  view.setUint16(2, 9);
  view.setUint16(4, payload.length);
  fillChecksum(payload, 6, ends.src, ends.dst, NEXT_HEADER.udp);
  return emitIpv6({ nextHeader: NEXT_HEADER.udp, hopLimit: 64, ...ends }, payload);
}

function tunnelled(inner: Uint8Array, fields: Partial<Ipv6Fields> = {}): Uint8Array {
  return emitIpv6({ nextHeader: NEXT_HEADER.ipv6, hopLimit: 64, src: PEER, dst: LOCATOR, ...fields }, inner);
}

/** A TCP segment with these options and flags (SYN if not told otherwise), its checksum right. */
function syn(tcpOptions: readonly number[], flags = 0x02): Uint8Array {
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
function icmpError(type: number, code: number, packet: Uint8Array, parameter = 0): Uint8Array {
  const quoted = packet.subarray(0, 1232);
  const message = new Uint8Array(8 + quoted.length);
  message.set([type, code]);
  new DataView(message.buffer).setUint32(4, parameter);
  message.set(quoted, 8);
  fillChecksum(message, 2, STRANGER, LOCATOR, NEXT_HEADER.icmpv6);
  return emitIpv6({ nextHeader: NEXT_HEADER.icmpv6, hopLimit: 60, src: STRANGER, dst: LOCATOR }, message);
}

/** A part of a tunnelled packet, octets `from` to `to` of the inner one, as a peer fragments its outer packet. */
function fragment(inner: Uint8Array, from: number, to: number, fields: Partial<Ipv6Fields> = {}): Uint8Array {
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
const limited = (limit: number, next: number = NEXT_HEADER.ipv6): number[] => [next, 0, 4, 1, limit, 1, 1, 0];

/** The packet with a destination options header before its payload. */
function optioned(packet: Uint8Array, header: readonly number[]): Uint8Array {
  const result = Uint8Array.of(...packet.subarray(0, 40), ...header, ...packet.subarray(40));
  new DataView(result.buffer).setUint16(4, result.length - 40);
  result[6] = 60;
  return result;
}

function changed(packet: Uint8Array, offset: number, ...octets: number[]): Uint8Array {
  const result = packet.slice();
  result.set(octets, offset);
  return result;
}

/** Another destination, with the checksum that the packet has. */
function readdressed(packet: Uint8Array, dst: string): Uint8Array {
  return changed(packet, 24, ...addressBytes(dst));
}

const toMn = (fields: Partial<Ipv6Fields> = {}): Uint8Array => udp({ src: CN, dst: MN, ...fields });
const access = (data: Uint8Array, at?: number): Sent => ({
  from: ACCESS,
  data,
  ...(at === undefined ? {} : { at }),
});
const core = (data: Uint8Array, at?: number): Sent => ({
  from: CORE,
  data,
  ...(at === undefined ? {} : { at }),
});
const options = { locator: LOCATOR, seed: '5eed' };
const ecn = [0, 1, 2, 3];

/** Of the packets that `udp` makes. */
const flow = { kind: 'flow', src: MN, dst: CN, protocol: 17, sourcePort: 40_000, destinationPort: 9 };
const toOtherPeer = { kind: 'tunnel', locator: OTHER_PEER };

/** The packet with a header of 8 octets before its payload. */
function extended(type: number, header: Uint8Array, packet: Uint8Array): Uint8Array {
  header[0] = packet[6]!;
  const payload = Uint8Array.from([...header, ...packet.subarray(40)]);
  const result = Uint8Array.from([...packet.subarray(0, 40), ...payload]);
  result[6] = type;
  new DataView(result.buffer).setUint16(4, payload.length);
  return result;
}

const fragmented = (packet: Uint8Array, field: number): Uint8Array =>
  extended(NEXT_HEADER.fragment, Uint8Array.of(0, 0, field >> 8, field & 0xff, 0, 0, 0, 7), packet);

export const GOLDEN_CASES: readonly GoldenCase[] = [
  {
    name: 'encapsulate',
    file: { options, ports, entries: [source, tunnel] },
    input: capture([
      access(udp()),
      access(udp({ trafficClass: 0xb9, flowLabel: 0x12345 })),
      access(udp({ dst: FOREIGN })),
      core(udp({ src: FOREIGN })),
    ]),
  },
  {
    name: 'decapsulate',
    file: { options, ports, entries: [deliver, ...peers] },
    input: capture(
      ecn.flatMap((inner) =>
        ecn.map((outer) => core(tunnelled(toMn({ trafficClass: inner }), { trafficClass: 0xb8 | outer }))),
      ),
    ),
  },
  {
    name: 're-tunnel',
    file: { options, ports, entries: [{ ...tunnel, prefix: `${MN}/128`, locator: OTHER_PEER }, ...peers] },
    input: capture([
      core(tunnelled(toMn(), { hopLimit: 64 })),
      core(tunnelled(toMn(), { hopLimit: 9 })),
      core(tunnelled(toMn(), { hopLimit: 8 })),
      core(tunnelled(toMn(), { src: OTHER_PEER })),
    ]),
  },
  {
    name: 'reverse-tunnel',
    file: {
      options,
      ports,
      entries: [
        { ...source, reverse: PEER },
        { kind: 'source', prefix: '2001:db8:3::/64', link: 255 },
        ...peers,
      ],
    },
    input: capture([
      access(udp({ dst: FOREIGN })),
      core(tunnelled(udp({ src: FOREIGN, dst: CN }))),
      core(tunnelled(udp({ src: CN, dst: FOREIGN }))),
    ]),
  },
  {
    name: 'hold-release',
    file: {
      options,
      ports,
      entries: [
        { kind: 'hold', direction: 'from', prefix: '2001:db8:1::/64', packets: 2, millis: 500 },
        { kind: 'hold', direction: 'to', prefix: '::/0', packets: 8, millis: 100 },
        ...peers,
      ],
      commands: [
        { before: 6, command: { op: 'put', entry: source } },
        { before: 6, command: { op: 'put', entry: deliver } },
        { before: 6, command: { op: 'release', direction: 'from', prefix: '2001:db8:1::/64' } },
        { before: 6, command: { op: 'release', direction: 'to', prefix: '2001:db8:1::/64' } },
        { before: 9, command: { op: 'discard', direction: 'to', prefix: `${CN}/128` } },
      ],
    },
    input: capture([
      access(udp({ flowLabel: 1 }), 0),
      access(udp({ flowLabel: 2 }), 10),
      access(udp({ flowLabel: 3 }), 20),
      core(tunnelled(toMn()), 30),
      core(tunnelled(toMn({ dst: FOREIGN })), 40),
      access(udp({ flowLabel: 4 }), 50),
      access(udp({ flowLabel: 5 }), 200),
      core(tunnelled(udp({ src: FOREIGN, dst: CN })), 210),
      access(udp({ flowLabel: 6 }), 220),
    ]),
  },
  {
    name: 'hold-station',
    file: {
      options,
      ports,
      entries: [
        { kind: 'hold', direction: 'from', prefix: '::/0', packets: 2, millis: 500 },
        { kind: 'hold', direction: 'station', link: 0, mac: MN_MAC, packets: 2, millis: 500 },
        tunnel,
      ],
      commands: [
        { before: 6, command: { op: 'put', entry: source } },
        { before: 6, command: { op: 'release', direction: 'station', link: 0, mac: MN_MAC } },
        { before: 7, command: { op: 'delete', kind: 'hold', direction: 'station', link: 0, mac: MN_MAC } },
      ],
    },
    input: capture([
      access(udp({ flowLabel: 1 })),
      { ...access(udp({ src: FOREIGN, flowLabel: 2 })), mac: OTHER_MAC },
      { ...access(udp({ src: FOREIGN, flowLabel: 3 })), mac: OTHER_MAC },
      { ...access(udp({ src: FOREIGN, flowLabel: 4 })), mac: OTHER_MAC },
      access(udp({ flowLabel: 5 })),
      access(udp({ flowLabel: 6, src: FOREIGN })),
      access(udp({ flowLabel: 7, src: FOREIGN })),
    ]),
  },
  {
    name: 'flow',
    file: {
      options,
      ports,
      entries: [
        source,
        tunnel,
        deliver,
        ...peers,
        { ...flow, action: toOtherPeer },
        {
          ...flow,
          src: FOREIGN,
          dst: MN,
          action: { kind: 'deliver', link: 0, nextHop: 'fe80::b', mac: MN_MAC },
        },
        { ...flow, src: FOREIGN, dst: CN, action: toOtherPeer },
      ],
      commands: [
        { before: 11, command: { ...flow, op: 'delete' } },
        { before: 12, command: { op: 'delete', kind: 'destination', prefix: `${CN}/128` } },
        { before: 12, command: { op: 'put', entry: { ...flow, action: toOtherPeer } } },
      ],
    },
    input: capture([
      access(udp()),
      access(changed(udp(), 40, 0, 9, 0x9c, 0x40)),
      access(udp({ nextHeader: NEXT_HEADER.none })),
      access(extended(NEXT_HEADER.destinationOptions, Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0), udp())),
      access(fragmented(udp(), 0)),
      access(fragmented(udp(), 1)),
      access(fragmented(udp(), 8)),
      access(udp({ src: FOREIGN })),
      core(tunnelled(udp({ src: FOREIGN, dst: MN }))),
      core(tunnelled(udp({ src: FOREIGN, dst: CN }))),
      access(udp()),
      access(udp()),
      core(udp({ src: FOREIGN, dst: MN })),
    ]),
  },
  {
    name: 'fragment',
    file: { options: { ...options, coreMtu: 1300, seed: 'ffffffff' }, ports, entries: [source, tunnel] },
    input: capture([
      access(udp({}, 1260)),
      access(udp({}, 1261)),
      access(udp({ trafficClass: 2 }, 1280)),
      access(udp({}, 1281)),
      core(udp({ src: FOREIGN }, 1500)),
    ]),
  },
  {
    name: 'tunnel-errors',
    file: { options, ports, entries: [source, tunnel] },
    input: capture([
      access(udp({}, 1450)),
      core(icmpError(3, 0, tunnelled(udp(), { src: LOCATOR, dst: PEER }))),
      core(icmpError(1, 4, tunnelled(udp({}, 1400), { src: LOCATOR, dst: PEER }))),
      core(icmpError(2, 0, tunnelled(udp({}, 1450), { src: LOCATOR, dst: PEER }), 1400)),
      access(udp({}, 1450)),
      access(udp({}, 1280)),
      core(icmpError(2, 0, tunnelled(udp({}, 1280), { src: LOCATOR, dst: PEER }), 576)),
      access(udp({}, 1280)),
      // Not about a tunnel of ours, or of no consequence.
      core(icmpError(1, 0, tunnelled(udp(), { src: LOCATOR, dst: OTHER_PEER }))),
      core(icmpError(3, 1, tunnelled(udp(), { src: LOCATOR, dst: PEER }))),
      core(icmpError(2, 0, tunnelled(udp({}, 1280), { src: LOCATOR, dst: PEER }), 1500)),
      access(udp({}, 1280), 601_000),
    ]),
  },
  {
    name: 'mss',
    file: { options: { ...options, clampMss: true }, ports, entries: [source, tunnel] },
    input: capture([
      access(syn([2, 4, 0x05, 0xa0])),
      access(syn([1, 2, 4, 0x05, 0xa0, 1, 1, 1])),
      access(syn([4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 2, 4, 0xff, 0xff])),
      access(syn([2, 4, 0x05, 0x78])),
      access(syn([2, 4, 0x05, 0xa0], 0x10)),
    ]),
  },
  {
    name: 'encapsulation-limit',
    file: {
      options: { ...options, coreMtu: 1320 },
      ports,
      entries: [
        source,
        { ...tunnel, limit: 4 },
        { kind: 'tunnel', prefix: `${FOREIGN}/128`, locator: OTHER_PEER },
        ...peers,
      ],
    },
    input: capture([
      access(udp()),
      access(udp({}, 1272)),
      access(udp({}, 1280)),
      access(optioned(udp(), limited(9, NEXT_HEADER.udp))),
      access(optioned(udp({ dst: FOREIGN }), limited(9, NEXT_HEADER.udp))),
      access(optioned(udp({ dst: FOREIGN }), limited(0, NEXT_HEADER.udp))),
      core(optioned(tunnelled(udp({ src: CN, dst: FOREIGN })), limited(3))),
      core(optioned(tunnelled(udp({ src: CN, dst: FOREIGN })), limited(0))),
      core(optioned(tunnelled(udp({ src: CN, dst: FOREIGN })), [41, 0, 0x84, 1, 0, 1, 1, 0])),
      core(icmpError(4, 0, optioned(tunnelled(udp(), { src: LOCATOR, dst: PEER }), limited(0)), 44)),
    ]),
  },
  {
    name: 'reassembly',
    file: { options, ports, entries: [deliver, ...peers] },
    input: capture([
      core(fragment(toMn(), 0, 64)),
      core(fragment(udp({ src: CN, dst: MN }, 1280), 0, 1248)),
      core(fragment(udp({ src: CN, dst: MN }, 1280), 1248, 1280)),
      core(fragment(udp({ src: CN, dst: MN, trafficClass: 2 }, 200), 160, 200, { trafficClass: 2 })),
      core(
        fragment(udp({ src: CN, dst: MN, trafficClass: 2 }, 200), 0, 80, { trafficClass: 2, hopLimit: 7 }),
      ),
      core(fragment(udp({ src: CN, dst: MN, trafficClass: 2 }, 200), 80, 160, { trafficClass: 3 })),
      core(fragment(udp({ src: CN, dst: MN }, 300), 0, 160, { trafficClass: 3 })),
      core(fragment(udp({ src: CN, dst: MN }, 300), 160, 300)),
      core(fragment(udp({ src: CN, dst: MN }, 400), 0, 80)),
      core(fragment(udp({ src: CN, dst: MN }, 400), 72, 160)),
      core(fragment(udp({ src: CN, dst: MN }, 400), 80, 400)),
      core(fragment(udp({ src: CN, dst: MN }, 401), 0, 80, { src: OTHER_PEER })),
      core(fragment(udp({ src: CN, dst: MN }, 401), 0, 81), 60_000),
      core(fragment(udp({ src: CN, dst: MN }, 402), 0, 80, { src: STRANGER }), 60_001),
      core(fragment(udp({ src: CN, dst: MN }, 401), 80, 401, { src: OTHER_PEER }), 60_020),
    ]),
  },
  {
    name: 'rewrite',
    file: {
      options: { ...options, coreMtu: 1280 },
      ports,
      entries: [
        source,
        deliver,
        { kind: 'rewrite', prefix: '2001:db8:2::/64', locator: '2001:db8:fe:ff03::/64' },
        { kind: 'rewrite', prefix: '2001:db8:ff:ff01::/64', locator: '2001:db8:1::/64', restore: true },
        { kind: 'rewrite', prefix: '2001:db8:ff:ff02::/64', locator: '2001:db8:0:2::/64', restore: true },
        ...peers,
      ],
    },
    input: capture([
      access(udp()),
      access(udp({}, 1280)),
      access(udp({}, 1281)),
      access(udp({ hopLimit: 1 })),
      core(udp({ src: FOREIGN, dst: CN })),
      core(tunnelled(udp({ src: FOREIGN, dst: CN }))),
      core(udp({ src: CN, dst: MN })),
      core(readdressed(toMn(), '2001:db8:ff:ff01::a')),
      core(tunnelled(readdressed(toMn(), '2001:db8:ff:ff01::a'))),
      core(readdressed(toMn({ hopLimit: 1 }), '2001:db8:ff:ff01::a')),
      core(readdressed(toMn(), '2001:db8:ff:ff02::a')),
    ]),
  },
  {
    name: 'drops',
    file: {
      options,
      ports,
      entries: [
        source,
        { kind: 'source', prefix: '2001:db8:9::/64', link: 0, mac: '02:00:00:00:00:99' },
        tunnel,
        deliver,
        { ...tunnel, prefix: `${FOREIGN}/128`, locator: OTHER_PEER },
        ...peers,
      ],
    },
    input: capture([
      access(udp({}, 1901)),
      access(udp().subarray(0, 39)),
      access(udp().subarray(0, 60)),
      access(changed(udp(), 0, 0x45)),
      access(changed(udp(), 4, 0, 0, 0)),
      access(udp({ src: 'ff02::1' })),
      core(udp({ dst: '::1' })),
      access(
        emitIpv6({ src: MN, dst: CN, hopLimit: 64, nextHeader: 60 }, Uint8Array.of(17, 1, 1, 4, 0, 0, 0, 0)),
      ),
      access(tunnelled(udp(), { src: MN, dst: CN })),
      access(udp({ nextHeader: NEXT_HEADER.mobility })),
      access(udp({ src: FOREIGN })),
      access(udp({ src: '2001:db8:9::1' })),
      core(tunnelled(toMn(), { src: STRANGER })),
      core(tunnelled(toMn(), { trafficClass: 3 })),
      core(tunnelled(toMn({ src: 'fe80::1' }))),
      core(tunnelled(udp({ src: CN, dst: '2001:db8:77::1' }))),
      core(tunnelled(udp({ src: CN, dst: FOREIGN }), { src: OTHER_PEER })),
      core(tunnelled(udp({ src: CN, dst: FOREIGN }), { hopLimit: 1 })),
      access(udp({ hopLimit: 1 })),
      core(tunnelled(toMn({ hopLimit: 0 }))),
      access(udp({}, 1500)),
    ]),
  },
];
