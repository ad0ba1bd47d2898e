import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { TraceEffect } from '../../host/core/machine.ts';
import { CoreRouter } from '../../host/sim/core-router.ts';
import { PointToPointLink } from '../../host/sim/link.ts';
import type { LinkEnd, Medium } from '../../host/sim/link.ts';
import { seededRandom } from '../../host/sim/random.ts';
import { Scheduler } from '../../host/sim/scheduler.ts';
import { Taps } from '../../host/sim/taps.ts';
import { emitIpv6, NEXT_HEADER, parseIpv6 } from '../../host/wire/ipv6.ts';

const PREFIXES = { a: '2001:db8:a::/48', b: '2001:db8:b::/48', inner: '2001:db8:b:1::/64' };

function packet(src: string, dst: string, hopLimit = 64): Uint8Array {
  return emitIpv6({ nextHeader: NEXT_HEADER.none, hopLimit, src, dst }, new Uint8Array(0));
}

class Node implements LinkEnd {
  readonly node: string;
  readonly received: { at: number; hopLimit: number; src: string }[] = [];
  readonly #scheduler: Scheduler;

  constructor(node: string, scheduler: Scheduler) {
    this.node = node;
    this.#scheduler = scheduler;
  }

  receive(data: Uint8Array): void {
    const header = parseIpv6(data);
    assert.ok(header.ok);
    const { hopLimit, src } = header.value;
    this.received.push({ at: this.#scheduler.now, hopLimit, src });
  }
}

function setup(loss = 0) {
  const scheduler = new Scheduler(() => setImmediate());
  const faults: string[] = [];
  const taps = new Taps(
    () => scheduler.now,
    (fault) => faults.push(fault),
  );
  const medium: Medium = { scheduler, taps, random: seededRandom(1, 'links'), delay: 10, loss };
  const traced: TraceEffect[] = [];
  const core = new CoreRouter('2001:db8::c', (effect) => traced.push(effect));
  const attach = (name: keyof typeof PREFIXES): { node: Node; link: PointToPointLink } => {
    const node = new Node(name, scheduler);
    const coreEnd: LinkEnd = { node: 'core', receive: (data) => core.receive(link, data) };
    const link: PointToPointLink = new PointToPointLink(`core-${name}`, medium, [coreEnd, node]);
    core.addRoute(PREFIXES[name], link);
    return { node, link };
  };
  return { scheduler, taps, faults, core, traced, a: attach('a'), b: attach('b'), inner: attach('inner') };
}

test("a route for what comes from one link is no other link's", async () => {
  const { scheduler, core, a, b, inner } = setup();
  core.addRouteFrom(a.link, PREFIXES.b, inner.link);
  a.link.send('a', packet('2001:db8:a::1', '2001:db8:b::1'));
  b.link.send('b', packet('2001:db8:b::1', '2001:db8:a::1'));
  await scheduler.sleep(100);
  // Where a source belongs is told by the routes for all: b is not taken for a stranger.
  assert.deepEqual([inner.node.received.length, b.node.received.length, a.node.received.length], [1, 0, 1]);
});

test('a packet crosses two links and one router', async () => {
  const { scheduler, taps, a, b } = setup();
  a.link.send('a', packet('2001:db8:a::1', '2001:db8:b::1'));
  await scheduler.sleep(100);
  assert.deepEqual(b.node.received, [{ at: 20, hopLimit: 63, src: '2001:db8:a::1' }]);
  assert.deepEqual(
    taps.packets.map(({ at, link, sender }) => `${at} ${link} ${sender}`),
    ['0 core-a a', '10 core-b core'],
  );
});

test('the longest prefix decides, for the source too', async () => {
  const { scheduler, core, a, b, inner } = setup();
  a.link.send('a', packet('2001:db8:a::1', '2001:db8:b:1::1'));
  b.link.send('b', packet('2001:db8:b:1::1', '2001:db8:a::1'));
  inner.link.send('inner', packet('2001:db8:b:1::1', '2001:db8:a::2'));
  await scheduler.sleep(100);
  assert.equal(inner.node.received.length, 1);
  assert.equal(b.node.received.length, 0);
  assert.equal(a.node.received.length, 1);
  assert.equal(core.dropped['reverse-path'], 1);
});

test('what the core drops is counted by reason, and traced once for each source', async () => {
  const { scheduler, core, traced, a, b } = setup();
  for (let count = 0; count < 3; count++) a.link.send('a', packet('2001:db8:b::1', '2001:db8:b::2'));
  a.link.send('a', packet('2001:db8:a::1', '2001:db8:c::1'));
  a.link.send('a', packet('2001:db8:a::1', '2001:db8:b::1', 1));
  a.link.send('a', new Uint8Array(39));
  await scheduler.sleep(100);
  const dropped = { malformed: 1, 'too-big': 0, 'reverse-path': 3, 'hop-limit': 1, 'no-route': 1 };
  assert.deepEqual(core.dropped, dropped);
  assert.equal(traced.length, 4);
  assert.equal(b.node.received.length, 0);
});

test('a cut link loses what is on its way', async () => {
  const { scheduler, a, b } = setup();
  const send = (): void => a.link.send('a', packet('2001:db8:a::1', '2001:db8:b::1'));
  send();
  await scheduler.sleep(5);
  a.link.cut = true;
  await scheduler.sleep(20);
  send();
  a.link.cut = false;
  await scheduler.sleep(20);
  send();
  await scheduler.sleep(100);
  assert.deepEqual(
    b.node.received.map(({ at }) => at),
    [65],
  );
});

test('loss takes its share', async () => {
  const { scheduler, a, b } = setup(0.1);
  for (let count = 0; count < 1000; count++) a.link.send('a', packet('2001:db8:a::1', '2001:db8:b::1'));
  await scheduler.sleep(100);
  // Two links of 10 % each: 810 expected, standard deviation 12.
  assert.ok(Math.abs(b.node.received.length - 810) < 60, `${b.node.received.length} of 1000 arrived`);
});

test('a fault drops the next packets that match, and no more', async () => {
  const { scheduler, taps, faults, a, b } = setup();
  taps.drop('first two to b', ({ link, sender }) => link === 'core-b' && sender === 'core', 2);
  for (let count = 0; count < 5; count++)
    a.link.send('a', packet(`2001:db8:a::${count + 1}`, '2001:db8:b::1'));
  await scheduler.sleep(100);
  assert.deepEqual(
    b.node.received.map(({ src }) => src),
    ['2001:db8:a::3', '2001:db8:a::4', '2001:db8:a::5'],
  );
  assert.deepEqual(faults, ['first two to b', 'first two to b']);
});

test('what is longer than a route carries is answered with Packet Too Big, but for an error', async () => {
  const { scheduler, taps, core, a, b, inner } = setup();
  core.addRoute('2001:db8:b:2::/64', b.link, 1_280);
  const long = (nextHeader: number): Uint8Array =>
    emitIpv6(
      { nextHeader, hopLimit: 64, src: '2001:db8:a::1', dst: '2001:db8:b:2::1' },
      new Uint8Array(1_300 - 40),
    );
  a.link.send('a', long(NEXT_HEADER.udp));
  a.link.send('a', long(NEXT_HEADER.icmpv6));
  await scheduler.sleep(100);
  assert.equal(core.dropped['too-big'], 2);
  assert.deepEqual([b.node.received, inner.node.received], [[], []]);
  assert.deepEqual(a.node.received, [{ at: 20, hopLimit: 64, src: '2001:db8::c' }]);
  const [answer] = taps.packets.filter(({ sender }) => sender === 'core');
  // Type 2, code 0, and the MTU in the second four octets [RFC 4443 3.2].
  assert.deepEqual([...answer!.data.subarray(40, 42), ...answer!.data.subarray(44, 48)], [2, 0, 0, 0, 5, 0]);
  assert.equal(answer!.data.length, 1_280);
});
