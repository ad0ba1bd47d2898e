import type { DataPlaneOptions, Port } from '../../bindings/dataplane.ts';
import type { Address, Command, Entry, FlowKey, HoldKey, Mac, Prefix } from '../../bindings/entries.ts';
import { LINK_TUNNEL } from '../../bindings/entries.ts';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { NEXT_HEADER, emitIpv6 } from '../../host/wire/ipv6.ts';
import { neutralLocator } from '../../host/wire/neutral.ts';
import type { Random } from './random.ts';

/**
 * Few addresses, nested prefixes and few stations, so that generated packets and generated entries meet often.
 * What is special anywhere in the pipeline stands here at least once.
 */
export const LOCATOR = '2001:db8:ffff::1';
const PEERS = ['2001:db8:ffff::2', '2001:db8:ffff::3', '2001:db8:ffff::4'];
const HOSTS = [
  '2001:db8:1:1::a',
  '2001:db8:1:1::b',
  '2001:db8:1:2::a',
  '2001:db8:2:1::a',
  '2001:db8:2:1:8000::a',
  '2001:db8:3::1',
  '2002::1',
];
const PREFIXES = [
  '::/0',
  '2000::/3',
  '2001:db8::/32',
  '2001:db8:1::/48',
  '2001:db8:1:1::/64',
  '2001:db8:1:2::/64',
  '2001:db8:2:1::/64',
  '2001:db8:2:1:8000::/65',
  '2001:db8:2::/47',
  '2001:db8:1:1::a/127',
  ...HOSTS.map((host) => `${host}/128`),
];
/** Where rewritten packets go: word 1 makes up for what word 0 changes, so that prefixes of any length are neutral. */
const neutral = (original: Prefix): Prefix => neutralLocator('2002::/16', original) ?? original;
const REWRITABLE = ['2001:db8:1:1::/64', '2001:db8:2::/47', '2001:db8:1:1::a/127', `${HOSTS[0]!}/128`];
const REWRITTEN = HOSTS.map((host) => neutral(`${host}/128`).replace('/128', ''));
const ODD_ADDRESSES = [
  '::',
  '::1',
  'fe80::1',
  'febf::1',
  'fec0::1',
  'ff02::1',
  'ff0e::5',
  '::ffff:102:304',
  LOCATOR,
];
const ODD_PREFIXES = [
  'ff00::/7',
  'ff00::/8',
  'ff02::/16',
  '2001:db8::1/64',
  '2001:db8::/129',
  'host/64',
  '::1/0',
  'fe80::/10',
];
const MACS = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', 'aa:bb:cc:dd:ee:0f'];
const ODD_MACS = ['00:00:00:00:00:00', '01:00:00:00:00:01', '33:33:00:00:00:01', 'no:ma:c0:00:00:00'];
const LINKS = [0, 1, 254];

export function randomOptions(random: Random): DataPlaneOptions {
  const table = (): number => random.pick([1, 2, 5, 16, 64]);
  return {
    capacities: {
      batch: random.oneIn(12) ? 256 : random.pick([1, 7, 32]),
      destinations: table(),
      sources: table(),
      peers: table(),
      flows: random.pick([1, 4, 8, 64]),
      held: random.pick([1, 3, 8, 32]),
      flowEntries: random.pick([0, 1, 2, 5, 16]),
    },
    locator: LOCATOR,
    seed: (BigInt(random.u32()) << 32n) | BigInt(random.pick([0, 0xffff_ffff, random.u32()])),
    coreMtu: random.pick([1280, 1281, 1287, 1288, 1300, 1319, 1320, 1400, 1500, 1940, 65_535]),
    hopLimitDone: random.oneIn(4),
    clampMss: random.oneIn(2),
  };
}

function address(random: Random, usual: readonly Address[]): Address {
  return random.oneIn(20) ? random.pick([...ODD_ADDRESSES, 'not:an:address']) : random.pick(usual);
}

function prefix(random: Random): Prefix {
  return random.oneIn(20) ? random.pick(ODD_PREFIXES) : random.pick(PREFIXES);
}

function mac(random: Random): Mac {
  return random.oneIn(20) ? random.pick(ODD_MACS) : random.pick(MACS);
}

function link(random: Random): number {
  return random.oneIn(15) ? random.pick([LINK_TUNNEL, 256, -1, 0.5]) : random.pick(LINKS);
}

/** Few ends, so that flow entries and packets meet. */
const PORTS = [9, 5000];
const FLOW_SOURCES = HOSTS.slice(0, 1);
const FLOW_DESTINATIONS = HOSTS.slice(2, 4);
const WITH_PORTS = [6, 17, 33, 132, 136];
const PROTOCOLS = [...WITH_PORTS, 58, 59, 41];

function flow(random: Random): FlowKey {
  const protocol = random.oneIn(30) ? random.pick([256, -1, 44]) : random.pick(PROTOCOLS);
  const port = (): number => (random.oneIn(30) ? random.pick([65_536, -1]) : random.pick(PORTS));
  const ported = WITH_PORTS.includes(protocol) || random.oneIn(30);
  return {
    src: address(random, random.oneIn(4) ? HOSTS : FLOW_SOURCES),
    dst: address(random, random.oneIn(4) ? HOSTS : FLOW_DESTINATIONS),
    protocol,
    sourcePort: ported ? port() : 0,
    destinationPort: ported ? port() : 0,
  };
}

function holdKey(random: Random): HoldKey {
  const direction = random.pick(['from', 'to', 'station'] as const);
  if (direction === 'station') return { direction, link: link(random), mac: mac(random) };
  return { direction, prefix: prefix(random) };
}

function entry(random: Random): Entry {
  switch (random.below(13)) {
    case 12:
      return rewriting(random);
    case 9:
    case 10:
    case 11:
      return {
        kind: 'flow',
        ...flow(random),
        action: random.oneIn(2)
          ? { kind: 'tunnel', locator: address(random, PEERS), ...limit(random) }
          : {
              kind: 'deliver',
              link: link(random),
              nextHop: address(random, ['fe80::a', ...HOSTS]),
              mac: mac(random),
            },
      };
    case 0:
    case 1:
      return {
        kind: 'deliver',
        prefix: prefix(random),
        link: link(random),
        nextHop: address(random, ['fe80::a', ...HOSTS]),
        mac: mac(random),
      };
    case 2:
    case 3:
      return { kind: 'tunnel', prefix: prefix(random), locator: address(random, PEERS), ...limit(random) };
    case 4:
    case 5:
      return {
        kind: 'source',
        prefix: prefix(random),
        link: random.oneIn(4) ? LINK_TUNNEL : link(random),
        ...(random.oneIn(2) ? { mac: mac(random) } : {}),
        ...(random.oneIn(3) ? { reverse: address(random, PEERS) } : {}),
        ...limit(random),
      };
    case 6:
      return { kind: 'peer', address: address(random, PEERS) };
    case 7:
      return {
        kind: 'buffer',
        prefix: prefix(random),
        packets: random.oneIn(20) ? random.pick([0, -1, 2 ** 32, 1.5]) : random.pick([1, 2, 4, 100]),
        bytes: random.oneIn(20) ? random.pick([0, 2 ** 32]) : random.pick([1, 120, 400, 0xffff_ffff]),
        millis: random.oneIn(20) ? 0 : random.pick([1, 50, 1000, 0xffff_ffff]),
      };
    default:
      return {
        kind: 'hold',
        ...holdKey(random),
        packets: random.oneIn(20) ? random.pick([0, -1, 2 ** 32, 1.5]) : random.pick([1, 2, 4, 100]),
        millis: random.oneIn(20) ? 0 : random.pick([1, 50, 1000, 0xffff_ffff]),
      };
  }
}

function limit(random: Random): { limit?: number } {
  return random.oneIn(3) ? { limit: random.pick([0, 1, 4, 4, 254, 255, 256]) } : {};
}

function rewriting(random: Random): Entry {
  const original = random.pick(REWRITABLE);
  const locator = neutral(original);
  const restore = random.oneIn(2) ? ({ restore: true } as const) : {};
  const [from, to] = random.oneIn(6) || 'restore' in restore ? [locator, original] : [original, locator];
  const odd = [
    prefix(random),
    '2001:db8::/32',
    '::/0',
    'fe80::/64',
    `${LOCATOR}/128`,
    `${to.replace(/\/.*/, '')}/120`,
  ];
  return {
    kind: 'rewrite',
    prefix: random.oneIn(15) ? prefix(random) : from,
    locator: random.oneIn(15) ? random.pick(odd) : to,
    ...restore,
  };
}

export function randomCommand(random: Random): Command {
  switch (random.below(13)) {
    case 12:
      return { op: 'delete', kind: 'flow', ...flow(random) };
    case 0:
      return { op: 'delete', kind: 'destination', prefix: prefix(random) };
    case 1:
      return { op: 'delete', kind: 'source', prefix: prefix(random), link: link(random) };
    case 2:
      return { op: 'delete', kind: 'peer', address: address(random, PEERS) };
    case 3:
      return { op: 'delete', kind: 'hold', ...holdKey(random) };
    case 4:
    case 5:
      return {
        op: random.pick(['release', 'release', 'discard']),
        ...holdKey(random),
      };
    default:
      return { op: 'put', entry: entry(random) };
  }
}

/** Inner packets that arrive in three outer fragments. */
const DATAGRAMS = [0, 1, 8, 1700].map((longer, index) =>
  emitIpv6(
    { nextHeader: NEXT_HEADER.udp, hopLimit: 64, src: HOSTS[index]!, dst: HOSTS[index + 1]! },
    new Uint8Array(100 + longer).fill(index + 1),
  ),
);

export interface GeneratedPacket {
  readonly data: Uint8Array;
  readonly port: Port;
  readonly mac?: Mac;
}

/** One packet: well-formed most of the time, tunnelled to us three times of four when from the core. */
export function randomPacket(random: Random, large = false): GeneratedPacket {
  const access = random.oneIn(2);
  const port: Port = access ? { side: 'access', link: random.pick(LINKS) } : { side: 'core' };
  const plain = innerPacket(random, access ? 4 : 8, large);
  const data =
    access || random.oneIn(4)
      ? plain
      : random.oneIn(8)
        ? tunnelError(random, plain)
        : random.oneIn(4)
          ? fragment(random)
          : tunnelled(random, plain);
  const station = random.oneIn(3) ? {} : { mac: random.pick([...MACS, '00:00:00:00:00:00']) };
  return { data: damaged(random, data), port, ...station };
}

function tunnelled(random: Random, inner: Uint8Array): Uint8Array {
  const options = random.oneIn(4) ? tunnelOptions(random) : undefined;
  const outer = {
    nextHeader:
      options !== undefined ? 60 : random.oneIn(30) ? random.pick([0, 6, 44, 58, 60]) : NEXT_HEADER.ipv6,
    trafficClass: random.below(256),
    flowLabel: random.below(1 << 20),
    hopLimit: hopLimit(random),
    src: address6(random, PEERS),
    dst: random.oneIn(20) ? random.pick([...HOSTS, ...PEERS]) : LOCATOR,
  };
  return emitIpv6(outer, Uint8Array.of(...(options ?? []), ...inner));
}

/** A destination options header as tunnels have it: with a limit, with more before or after it, or malformed. */
function tunnelOptions(random: Random): number[] {
  const value = random.pick([0, 0, 1, 2, 4, 255]);
  const usual = [4, 1, value, 1, 1, 0];
  const options = random.oneIn(3)
    ? random.pick([
        [0, 4, 1, value, 1, 0],
        [1, 4, 0, 0, 0, 0],
        [4, 2, value, 0, 4, 1],
        [4, 1, value, 4, 1, 0],
        [random.below(256), random.below(4), 4, 1, value, 0],
        [5, 2, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 4, 1],
        [4, 1, value, 0xc1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 4, 1, value, 0, 0, 0, 0, 0, 0, random.below(256)],
        [4, 1, value, 0, 0, random.below(3)],
      ])
    : usual;
  const length = random.oneIn(20) ? random.below(256) : (options.length + 2) / 8 - 1;
  return [random.oneIn(20) ? random.pick([17, 58, 60]) : NEXT_HEADER.ipv6, length, ...options];
}

/** An ICMPv6 error to us about a packet that we might have tunnelled, now and then with a fault. */
function tunnelError(random: Random, inner: Uint8Array): Uint8Array {
  const fragment = Uint8Array.of(NEXT_HEADER.ipv6, 0, 0, random.pick([0, 1, 1, 8]), 0, 0, 0, 1);
  const fragmented = random.oneIn(4);
  const options = !fragmented && random.oneIn(3) ? tunnelOptions(random) : [];
  const outer = emitIpv6(
    {
      nextHeader:
        options.length > 0 ? 60 : fragmented ? NEXT_HEADER.fragment : random.oneIn(20) ? 6 : NEXT_HEADER.ipv6,
      hopLimit: hopLimit(random),
      src: random.oneIn(20) ? random.pick(PEERS) : LOCATOR,
      dst: random.pick(PEERS),
    },
    Uint8Array.of(...(fragmented ? fragment : options), ...inner),
  );
  const quoted = outer.subarray(0, random.oneIn(3) ? random.below(outer.length + 1) : 1232);
  const message = new Uint8Array(8 + quoted.length);
  message.set([random.pick([0, 1, 1, 2, 2, 2, 3, 4, 4, 128]), random.pick([0, 0, 0, 1, 4])]);
  const mtu = random.pick([0, 1279, 1280, 1300, 1320, 1400, 1500, 0x10000, 0xffff_ffff]);
  const pointer = random.oneIn(8) ? random.below(64) : 44;
  new DataView(message.buffer).setUint32(4, message[0] === 4 ? pointer : mtu);
  message.set(quoted, 8);
  const ends = { src: random.pick(HOSTS), dst: LOCATOR };
  fillChecksum(message, 2, ends.src, ends.dst, NEXT_HEADER.icmpv6);
  if (random.oneIn(20)) message[3]! ^= 1;
  const first = random.oneIn(10) ? 60 : NEXT_HEADER.icmpv6;
  const header = first === 60 ? [NEXT_HEADER.icmpv6, 0, 1, 4, 0, 0, 0, 0] : [];
  return emitIpv6({ nextHeader: first, hopLimit: 64, ...ends }, Uint8Array.of(...header, ...message));
}

/**
 * One of three parts of one of four datagrams of a peer, so that parts meet their like; now and then one that does not fit.
 */
function fragment(random: Random): Uint8Array {
  const number = random.below(4);
  const inner = DATAGRAMS[number]!;
  const cuts = [0, 64, 128, inner.length];
  const part = random.below(3);
  const odd = random.oneIn(12);
  const from = cuts[part]! + (odd ? random.pick([0, 8, 1800, 65_528]) : 0);
  const to = odd ? from + random.pick([0, 1, 8, 24]) : cuts[part + 1]!;
  const more = odd ? random.below(2) : Number(part < 2);
  const payload = new Uint8Array(8 + Math.max(0, to - from));
  payload.set(inner.subarray(from, to), 8);
  const view = new DataView(payload.buffer);
  view.setUint8(0, random.oneIn(30) ? random.pick([17, 60, 44]) : NEXT_HEADER.ipv6);
  view.setUint16(2, random.oneIn(40) ? 0 : from | (random.below(4) << 1) | more);
  view.setUint32(4, random.oneIn(8) ? random.below(40) : number);
  const outer = {
    nextHeader: NEXT_HEADER.fragment,
    trafficClass: random.oneIn(4) ? random.below(256) : 0,
    hopLimit: hopLimit(random),
    src: address6(random, PEERS.slice(0, 2)),
    dst: LOCATOR,
  };
  return emitIpv6(outer, random.oneIn(30) ? payload.subarray(0, random.below(9)) : payload);
}

function hopLimit(random: Random): number {
  return random.oneIn(5) ? random.pick([0, 1, 2, 8, 9, 16, 255]) : 64;
}

/** Like `address`, of those alone that are addresses. */
function address6(random: Random, usual: readonly Address[]): Address {
  return random.oneIn(25) ? random.pick(ODD_ADDRESSES) : random.pick(usual);
}

function innerPacket(random: Random, oddEvery: number, large: boolean): Uint8Array {
  const upper = random.pick([17, 17, 6, 6, 58, 58, 59, ...WITH_PORTS.slice(2)]);
  const special = [NEXT_HEADER.ipv6, NEXT_HEADER.mobility, 50, 51, 255];
  const last = random.oneIn(oddEvery * 3) ? random.pick(special) : upper;
  const [first, extensions] = random.oneIn(oddEvery)
    ? extensionHeaders(random, last)
    : [last, new Uint8Array()];
  const body = new Uint8Array(
    Math.max(0, (large ? random.between(1300, 1850) : payloadSize(random)) - extensions.length),
  );
  for (let index = 0; index < Math.min(body.length, 12); index++) body[index] = random.u32();
  if (body.length > 0 && last === NEXT_HEADER.icmpv6)
    body[0] = random.pick([0, 1, 2, 3, 127, 128, 135, 137, 143]);
  if (last === NEXT_HEADER.tcp && body.length > 20) segment(random, body);
  if (body.length >= 4 && WITH_PORTS.includes(last)) {
    const view = new DataView(body.buffer);
    for (const at of [0, 2]) view.setUint16(at, random.pick(PORTS));
  }
  const usual = random.oneIn(3);
  const payload = new Uint8Array(extensions.length + body.length);
  payload.set(extensions);
  payload.set(body, extensions.length);
  return emitIpv6(
    {
      nextHeader: first,
      trafficClass: random.below(256),
      flowLabel: random.oneIn(2) ? 0 : random.below(1 << 20),
      hopLimit: hopLimit(random),
      src: address6(random, usual ? FLOW_SOURCES : HOSTS),
      dst: address6(random, usual ? FLOW_DESTINATIONS : random.oneIn(4) ? REWRITTEN : [...HOSTS, ...PEERS]),
    },
    payload,
  );
}

/** A TCP header with options, of which some are malformed. */
function segment(random: Random, body: Uint8Array): void {
  body[12] = random.pick([0, 4, 5, 6, 8, 8, 10, 15]) << 4;
  body[13] = random.pick([0x02, 0x02, 0x12, 0x10, 0xff]);
  for (let index = 16; index < 18; index++) body[index] = random.u32();
  const options = Array.from({ length: random.between(1, 5) }, () =>
    random.pick([
      [1],
      [2, 4, random.pick([0, 4, 5, 255]), random.below(256)],
      [2, 4, 255, 255],
      [3, 3, 7],
      [8, 10, 0, 0, 0, 1, 0, 0, 0, 0],
      [random.pick([0, 2, 4]), random.pick([0, 1, 2, 3, 5, 40])],
    ]),
  ).flat();
  body.set(options.slice(0, body.length - 20), 20);
}

/** Payloads from nothing to too much, half of the long ones within a few octets of a limit of the pipeline. */
function payloadSize(random: Random): number {
  if (!random.oneIn(3)) return random.below(120);
  if (random.oneIn(2)) return random.below(1900);
  const limit = random.pick([1240, 1280, 1320, 1400, 1460, 1500, 1860, 1900]);
  return Math.max(0, limit - 40 + random.between(-9, 9));
}

function extensionHeaders(random: Random, last: number): [first: number, octets: Uint8Array] {
  const count = random.oneIn(4) ? random.between(7, 10) : random.between(1, 4);
  const types = Array.from({ length: count }, () => random.pick([0, 43, 44, 60, 60]));
  const chain = types.flatMap((type, index) => {
    const header = new Uint8Array(type === NEXT_HEADER.fragment ? 8 : 8 * random.pick([1, 1, 2, 3]));
    header[0] = types[index + 1] ?? last;
    header[1] = header.length / 8 - 1;
    if (type === 60 && random.oneIn(2)) header.set(tunnelOptions(random).slice(2, header.length), 2);
    if (type === NEXT_HEADER.fragment) {
      // A reserved octet, which is no length.
      header[1] = random.below(256);
      const view = new DataView(header.buffer);
      view.setUint16(2, random.oneIn(3) ? random.below(0x10000) : random.pick([0, 1, 6, 7]));
    } else if (random.oneIn(20)) {
      header[1] = random.below(256);
    }
    return [...header];
  });
  return [types[0] ?? last, Uint8Array.from(chain)];
}

function damaged(random: Random, data: Uint8Array): Uint8Array {
  if (!random.oneIn(12)) return data;
  const result = random.oneIn(3) ? data.slice(0, random.below(data.length + 1)) : data.slice();
  switch (random.below(3)) {
    case 0:
      if (result.length > 7) new DataView(result.buffer).setUint16(4, random.pick([0, 1, 39, 40, 0xffff]));
      return result;
    case 1:
      for (let edits = random.between(1, 4); edits > 0; edits--) {
        if (result.length > 0) result[random.below(result.length)] = random.u32();
      }
      return result;
    default: {
      const padded = new Uint8Array(result.length + random.below(60));
      padded.set(result);
      return padded;
    }
  }
}
