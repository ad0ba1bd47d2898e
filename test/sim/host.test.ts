import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AccessLink } from '../../host/sim/access-link.ts';
import { FirstHop } from '../../host/sim/first-hop.ts';
import { Host } from '../../host/sim/host/host.ts';
import type { Medium } from '../../host/sim/link.ts';
import { seededRandom } from '../../host/sim/random.ts';
import { Scheduler } from '../../host/sim/scheduler.ts';
import { Taps } from '../../host/sim/taps.ts';
import type { SeenPacket } from '../../host/sim/taps.ts';
import { ALL_NODES, eui64Address, linkLocalOf, multicastMac } from '../../host/wire/address.ts';
import { emitFrame } from '../../host/wire/ethernet.ts';
import { emitIcmpv6, parseIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import type { Echo, Icmpv6Message } from '../../host/wire/icmpv6/message.ts';
import type { NdOption } from '../../host/wire/icmpv6/options.ts';
import { NEXT_HEADER, parseIpv6, walkExtensions } from '../../host/wire/ipv6.ts';

const ROUTER = { address: 'fe80::1', mac: '02:00:00:00:00:01' };
const ONE = '2001:db8:1::/64';
const TWO = '2001:db8:2::/64';

/** One segment with a router whose Advertisements the test writes. */
class Segment {
  readonly scheduler = new Scheduler(() => setImmediate());
  readonly taps: Taps;
  readonly link: AccessLink;
  readonly #hop: FirstHop;

  constructor(delay = 1) {
    const { scheduler } = this;
    this.taps = new Taps(
      () => scheduler.now,
      () => undefined,
    );
    const medium: Medium = { scheduler, taps: this.taps, random: seededRandom(1, 'link'), delay, loss: 0 };
    this.#hop = new FirstHop('r', ROUTER.address, ROUTER.mac, (packet) => void this.#hop.deliver(packet));
    this.link = new AccessLink('access-r', medium, this.#hop);
    this.#hop.connect(this.link);
  }

  host(name: string, mac: string, aware = false): Host {
    const host = new Host({ name, mac, aware }, this.scheduler, seededRandom(1, name), this.taps);
    this.plug(host);
    host.setCarrier(true);
    return host;
  }

  plug(host: Host): void {
    this.link.plug(host.name, host);
    host.plug({ peer: 'r', transmit: (frame) => this.link.fromStation(host.name, frame) });
  }

  advertise(options: readonly NdOption[], routerLifetimeSeconds = 1800): void {
    const message = {
      kind: 'RA',
      curHopLimit: 64,
      managed: false,
      other: false,
      preference: 0,
      routerLifetimeSeconds,
      reachableTime: 0,
      retransTimer: 0,
      options: [{ kind: 'source-link-layer', mac: ROUTER.mac }, ...options],
    } as const;
    this.link.fromRouter(
      emitFrame({
        srcMac: ROUTER.mac,
        dstMac: multicastMac(ALL_NODES),
        src: ROUTER.address,
        dst: ALL_NODES,
        nextHeader: NEXT_HEADER.icmpv6,
        hopLimit: 255,
        payload: emitIcmpv6(message, ROUTER.address, ALL_NODES),
      }),
    );
  }

  /** ICMPv6 messages that `sender` put on the segment, with the time of each. */
  messages(sender: string): { at: number; src: string; dst: string; message: Icmpv6Message }[] {
    return this.taps.packets
      .filter((packet) => packet.link === 'access-r' && packet.sender === sender)
      .filter(({ data }) => data[6] === NEXT_HEADER.icmpv6 || data[6] === NEXT_HEADER.hopByHop)
      .map((packet) => ({ at: packet.at, ...icmpv6(packet) }));
  }
}

function icmpv6(packet: SeenPacket): { src: string; dst: string; message: Icmpv6Message } {
  const header = parseIpv6(packet.data);
  assert.ok(header.ok);
  const upper = walkExtensions(header.value);
  assert.ok(upper.ok);
  const { src, dst } = header.value;
  const message = parseIcmpv6(upper.value.payload, src, dst);
  assert.ok(message.ok);
  return { src, dst, message: message.value };
}

function prefixOption(prefix: string, preferredSeconds = 1800, validSeconds = 3600): NdOption {
  return {
    kind: 'prefix-information',
    prefix,
    onLink: false,
    autonomous: true,
    preferredSeconds,
    validSeconds,
  };
}

const MAC_A = '02:00:00:00:0a:0a';
const MAC_B = '02:00:00:00:0b:0b';

test('an interface that comes up probes for its link-local address and then solicits', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A);
  host.setUp(true);
  await segment.scheduler.sleep(4000);
  const messages = segment.messages('A');
  const kinds = messages.map(({ message }) => message.kind);
  assert.deepEqual(kinds, ['mld2-report', 'NS', 'RS']);
  const [report, probe, solicitation] = messages;
  assert.equal(report!.src, '::');
  assert.equal(probe!.src, '::');
  assert.equal(solicitation!.src, linkLocalOf(MAC_A));
  assert.ok(Math.abs(solicitation!.at - probe!.at - 1000) < 1e-6);
  assert.ok(solicitation!.at > 1700 && solicitation!.at < 2700, `solicitation at ${solicitation!.at}`);
});

test('two hosts configure themselves from an RA and echo through the router', async () => {
  const segment = new Segment();
  const a = segment.host('A', MAC_A);
  const b = segment.host('B', MAC_B);
  for (const host of [a, b]) host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  const from = eui64Address(ONE, MAC_A);
  const to = eui64Address(ONE, MAC_B);
  assert.equal(a.addresses.source('2001:db8:ffff::1', segment.scheduler.now), from);
  // The router learns a station from its first packet.
  b.send(to, '2001:db8:ffff::1', NEXT_HEADER.none, new Uint8Array(0));
  const replies: Echo[] = [];
  a.echoReplies.set(7, (reply) => replies.push(reply));
  const request: Echo = { kind: 'echo-request', identifier: 7, sequence: 1, data: new Uint8Array([1, 2, 3]) };
  assert.ok(a.send(from, to, NEXT_HEADER.icmpv6, emitIcmpv6(request, from, to)));
  await segment.scheduler.sleep(20);
  assert.deepEqual(replies, [{ ...request, kind: 'echo-reply' }]);
});

test('the first address of a new prefix is preferred, the deprecated one stays for its sessions', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A);
  host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  segment.advertise([prefixOption(TWO), prefixOption(ONE, 0, 3600)]);
  const { scheduler } = segment;
  await scheduler.sleep(100);
  // While the new address is tentative the deprecated one has no rival.
  assert.equal(host.addresses.source('2001:db8:ffff::1', scheduler.now), eui64Address(ONE, MAC_A));
  await scheduler.sleep(2500);
  assert.equal(host.addresses.source('2001:db8:ffff::1', scheduler.now), eui64Address(TWO, MAC_A));
  assert.ok(host.owns(eui64Address(ONE, MAC_A)));
});

test('a valid lifetime below two hours is not shortened', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A);
  host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE, 1800, 3600)]);
  await segment.scheduler.sleep(2500);
  segment.advertise([prefixOption(ONE, 0, 10)]);
  await segment.scheduler.sleep(60_000);
  assert.ok(host.owns(eui64Address(ONE, MAC_A)));
  segment.advertise([prefixOption(ONE, 0, 20_000)]);
  await segment.scheduler.sleep(10);
  segment.advertise([prefixOption(ONE, 0, 10)]);
  await segment.scheduler.sleep(10);
  const own = host.addresses.find(eui64Address(ONE, MAC_A), segment.scheduler.now)!;
  assert.equal(Math.round((own.validUntil - segment.scheduler.now) / 1000), 7200);
});

test('two stations that probe for one address: neither keeps it', async () => {
  const segment = new Segment();
  const first = segment.host('A', MAC_A);
  const second = segment.host('B', MAC_A);
  first.setUp(true);
  second.setUp(true);
  await segment.scheduler.sleep(4000);
  const kept = [first, second].filter((host) => host.owns(linkLocalOf(MAC_A)));
  assert.ok(kept.length < 2, 'duplicate address not detected');
});

test('a silent router is probed, dropped and resolved again', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A);
  host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  const source = eui64Address(ONE, MAC_A);
  segment.link.unplug('A');
  const before = segment.messages('A').length;
  host.plug({ peer: 'r', transmit: () => undefined });
  for (let second = 0; second < 80; second++) {
    host.send(source, '2001:db8:ffff::1', NEXT_HEADER.none, new Uint8Array(0));
    await segment.scheduler.sleep(1000);
  }
  assert.equal(segment.messages('A').length, before);
  const solicitations = segment.taps.packets
    .filter((packet) => packet.link === 'host-A' && packet.at > 5500 && packet.data[6] === NEXT_HEADER.icmpv6)
    .map(icmpv6);
  const unicast = solicitations.filter(({ dst }) => dst === ROUTER.address);
  assert.ok(unicast.length >= 3, `${unicast.length} unicast probes`);
  assert.ok(solicitations.length > unicast.length, 'no multicast resolution after the probes failed');
});

test('a carrier flap: addresses stay, frames wait, a report comes after 15 ms', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A);
  host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  const source = eui64Address(ONE, MAC_A);
  host.setCarrier(false);
  assert.ok(host.send(source, '2001:db8:ffff::1', NEXT_HEADER.none, new Uint8Array(0)));
  await segment.scheduler.sleep(200);
  const up = segment.scheduler.now;
  const quiet = segment.taps.packets.length;
  host.setCarrier(true);
  assert.ok(host.owns(source));
  await segment.scheduler.sleep(100);
  const after = segment.taps.packets.slice(quiet).filter((packet) => packet.link === 'host-A');
  assert.equal(after[0]!.at, up);
  assert.equal(after[0]!.data[6], NEXT_HEADER.none);
  const report = after.find((packet) => packet.data[6] === NEXT_HEADER.hopByHop)!;
  assert.equal(report.at, up + 15);
  assert.equal(icmpv6(report).src, linkLocalOf(MAC_A));
});

test('an administrative flap flushes every address', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A);
  host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  const source = eui64Address(ONE, MAC_A);
  host.setUp(false);
  assert.equal(host.addresses.list(segment.scheduler.now).length, 0);
  host.setUp(true);
  assert.equal(host.send(source, '2001:db8:ffff::1', NEXT_HEADER.none, new Uint8Array(0)), false);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  assert.ok(host.owns(source));
});

test('an aware host names its home and correspondent addresses when its carrier returns', async () => {
  const segment = new Segment();
  const host = segment.host('A', MAC_A, true);
  host.setUp(true);
  await segment.scheduler.sleep(3000);
  segment.advertise([prefixOption(ONE)]);
  await segment.scheduler.sleep(2500);
  const source = eui64Address(ONE, MAC_A);
  host.send(source, '2001:db8:ffff::1', NEXT_HEADER.none, new Uint8Array(0));
  const before = segment.messages('A').length;
  host.setCarrier(false);
  host.setCarrier(true);
  await segment.scheduler.sleep(50);
  const solicitation = segment
    .messages('A')
    .slice(before)
    .map(({ message }) => message)
    .find((message) => message.kind === 'RS');
  assert.deepEqual(
    solicitation?.options.find((option) => option.kind === 'address-list'),
    { kind: 'address-list', homes: [source], correspondents: ['2001:db8:ffff::1'] },
  );
});
