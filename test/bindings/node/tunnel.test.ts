import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketIn } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
import { readAddress } from '../../../bindings/node/text.ts';
import {
  CN,
  apply,
  DELIVER,
  LOCATOR,
  MAC,
  MN,
  PEER,
  PEERING,
  SOURCE,
  THIRD,
  TUNNEL,
  dataPlane,
  fromAccess,
  fromCore,
  hex,
  outcomes,
  packet,
  put,
  tunnelled,
} from './support.ts';

test('a packet with a tunnel entry leaves in an outer header, octet for octet', () => {
  const plane = dataPlane();
  apply(plane, [SOURCE, TUNNEL]);
  // Traffic class 0xba (EF, ECT(0)), flow label 0x12345.
  const [out] = plane.process([fromAccess(packet({ flow: 0xba12345 }))], 5000);
  assert.deepEqual(out!.verdict, { action: 'core', locator: PEER });
  assert.equal(out!.input, 0);
  const label = hex(out!.data).slice(3, 8);
  assert.equal(
    hex(out!.data),
    [
      `6ba${label}00302940`, // version 6, class 0xba, payload 48, next header 41, hop limit 64
      '20010db800ff00000000000000000001', // our locator
      '20010db800ff00000000000000000002', // the peer
      '6ba123450008' + '3b3f', // the packet as it was, hop limit 63
      '20010db8000100010000000000000010',
      '20010db8000200020000000000000020',
      '0102030405060708',
    ].join(''),
  );
  assert.deepEqual(plane.events(), [{ kind: 'flow', src: MN, dst: CN }]);
  assert.equal(plane.counters()['tunnelled'], 1);
});

test('the flow label of the outer header is that of the ABI page', () => {
  const plane = dataPlane();
  apply(plane, [
    put({ kind: 'source', prefix: '2001:db8::1/128', link: 0 }),
    put({ kind: 'tunnel', prefix: '2001:db8::2/128', locator: PEER }),
  ]);
  const [out] = plane.process([fromAccess(packet({ src: '2001:db8::1', dst: '2001:db8::2' }))], 0);
  assert.equal(hex(out!.data.subarray(0, 4)), '600ad72e');
});

test('a tunnelled packet leaves its outer header and goes to the station', () => {
  const plane = dataPlane();
  apply(plane, [DELIVER, PEERING]);
  const inner = packet({ src: CN, dst: MN, hops: 9 });
  const [out] = plane.process([fromCore(tunnelled(inner))], 7999);
  assert.deepEqual(out!.verdict, { action: 'deliver', link: 0, nextHop: 'fe80::10', mac: MAC });
  inner[7] = 8;
  assert.equal(hex(out!.data), hex(inner));
  assert.equal(plane.dump().destinations[0]!.lastUsed, 7000);
  assert.deepEqual(plane.events(), [{ kind: 'flow', src: CN, dst: MN }]);
});

test('a peer that is deleted between two batches is let in no longer', () => {
  const plane = dataPlane();
  apply(plane, [DELIVER, PEERING]);
  assert.deepEqual(outcomes(plane, [fromCore(tunnelled(packet({ src: CN, dst: MN })))]), ['deliver']);
  apply(plane, [{ op: 'delete', kind: 'peer', address: PEER }]);
  assert.deepEqual(outcomes(plane, [fromCore(tunnelled(packet({ src: CN, dst: MN })))]), ['peer-unknown']);
});

test('octets after the payload are cut off, in both headers', () => {
  const plane = dataPlane();
  apply(plane, [DELIVER, PEERING]);
  const inner = packet({ src: CN, dst: MN });
  const [out] = plane.process(
    [fromCore(Uint8Array.of(...tunnelled(Uint8Array.of(...inner, 1, 2, 3)), 4, 5))],
    0,
  );
  assert.equal(out!.data.length, inner.length);
});

test('ECN comes out of the tunnel as RFC 6040 section 4.2 says', () => {
  const plane = dataPlane();
  apply(plane, [DELIVER, PEERING]);
  const rows: [inner: number, byOuter: (number | 'ecn')[]][] = [
    [0, [0, 0, 0, 'ecn']],
    [1, [1, 1, 1, 3]],
    [2, [2, 1, 2, 3]],
    [3, [3, 3, 3, 3]],
  ];
  for (const [inner, byOuter] of rows) {
    for (const [outer, expected] of byOuter.entries()) {
      const data = packet({ src: CN, dst: MN, flow: 0xb800000 | (inner << 20) });
      const [out] = plane.process([fromCore(tunnelled(data, { flow: outer << 20 }))], 0);
      const found = out!.verdict.action === 'drop' ? out!.verdict.reason : (out!.data[1]! >> 4) & 3;
      assert.equal(found, expected, `inner ${inner}, outer ${outer}`);
      if (found !== 'ecn') assert.equal((((out!.data[0]! << 4) | (out!.data[1]! >> 4)) & 0xfc) >> 2, 0x2e);
    }
  }
});

test('a packet for a moved station is tunnelled on with 8 less of outer hop limit, and reported', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD })]);
  const inner = packet({ src: CN, dst: MN, hops: 1 });
  const [out] = plane.process([fromCore(tunnelled(inner, { hops: 17 }))], 0);
  assert.deepEqual(out!.verdict, { action: 'core', locator: THIRD });
  assert.equal(out!.data[7], 9);
  assert.equal(readAddress(out!.data, 8), LOCATOR);
  assert.equal(hex(out!.data.subarray(40)), hex(inner));
  const redirect = { kind: 'redirect', peer: PEER, src: CN, dst: MN };
  assert.deepEqual(plane.events(), [redirect]);
  const again = [fromCore(tunnelled(inner, { hops: 8 }))];
  assert.deepEqual(outcomes(plane, again, 99), ['loop']);
  assert.deepEqual(plane.events(), []);
  apply(plane, [put({ kind: 'tunnel', prefix: `${MN}/128`, locator: PEER })]);
  assert.deepEqual(outcomes(plane, again, 100), ['bounce']);
  assert.deepEqual(plane.events(), [redirect]);
});

test('a packet that is tunnelled round and round goes through 8 tunnels', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD })]);
  const inner = packet({ src: CN, dst: MN });
  let tunnels = 1;
  for (let hops = 64; ; tunnels++) {
    const [out] = plane.process([fromCore(tunnelled(inner, { hops }))], 0);
    if (out!.verdict.action === 'drop') break;
    hops = out!.data[7]!;
  }
  assert.equal(tunnels, 8);
  assert.equal(plane.counters()['drop-loop'], 1);
});

test('a packet whose hops are used up is answered with Time Exceeded, an error is not', () => {
  const plane = dataPlane();
  apply(plane, [SOURCE, DELIVER, PEERING, TUNNEL]);
  const inner = packet({ src: CN, dst: MN, hops: 1 });
  const [dropped, answer] = plane.process([fromCore(tunnelled(inner))], 0);
  assert.deepEqual(dropped!.verdict, { action: 'drop', reason: 'hop-limit' });
  assert.deepEqual(answer!.verdict, { action: 'pass' });
  assert.equal(answer!.input, -1);
  assert.equal(readAddress(answer!.data, 8), LOCATOR);
  assert.equal(readAddress(answer!.data, 24), CN);
  assert.equal(hex(answer!.data.subarray(0, 8)), '6000000000383a40');
  assert.equal(hex(answer!.data.subarray(40, 42)), '0300');
  assert.equal(hex(answer!.data.subarray(44)), `00000000${hex(inner)}`);
  assert.equal(onesComplementSum(answer!.data), 0xffff);
  assert.equal(plane.counters()['time-exceeded-sent'], 1);
  assert.equal(plane.counters()['passed'], 0);
  const error = packet({ next: 58, hops: 1, payload: Uint8Array.of(1, 3, 0, 0, 0, 0, 0, 0) });
  assert.deepEqual(outcomes(plane, [fromAccess(error)]), ['hop-limit']);
  // One bucket for errors of all types.
  const large = packet({ payload: new Uint8Array(1421) });
  for (let round = 0; round < 30; round++) plane.process([fromAccess(large), fromCore(tunnelled(inner))], 0);
  const { 'too-big-sent': tooBig, 'time-exceeded-sent': exceeded } = plane.counters();
  assert.equal(tooBig! + exceeded!, 20);
});

test('a source with a reverse locator sends there what no destination entry claims', () => {
  const plane = dataPlane();
  apply(plane, [TUNNEL, put({ kind: 'source', prefix: `${MN}/128`, link: 3, reverse: THIRD })]);
  const out = plane.process(
    [fromAccess(packet(), MAC, 3), fromAccess(packet({ dst: '2001:db8:9::9' }), MAC, 3)],
    0,
  );
  assert.deepEqual(
    out.map(({ verdict }) => verdict),
    [
      { action: 'core', locator: PEER },
      { action: 'core', locator: THIRD },
    ],
  );
  assert.equal(plane.counters()['reverse-tunnelled'], 1);
});

test('what comes reverse tunnelled from an MN anchored here goes on natively, untouched', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, put({ kind: 'source', prefix: '2001:db8:1:1::/64', link: 255 })]);
  const inner = packet({ hops: 1 });
  const [out] = plane.process([fromCore(tunnelled(inner))], 0);
  assert.deepEqual(out!.verdict, { action: 'pass' });
  assert.equal(hex(out!.data), hex(inner));
});

test('what might come back from the anchor of its destination is not routed natively', () => {
  const plane = dataPlane();
  const theirs = '2001:db8:9::/48';
  const anchor = (prefix: string, reverse: string): Command =>
    put({ kind: 'source', prefix, link: 255, reverse });
  const deliver = (prefix: string): Command =>
    put({ kind: 'deliver', prefix, link: 1, nextHop: 'fe80::a', mac: MAC });
  apply(plane, [
    ...[PEERING, put({ kind: 'peer', address: THIRD })],
    ...[put({ kind: 'source', prefix: '2001:db8:1::/48', link: 255 }), anchor(theirs, THIRD)],
    ...[anchor('2001:db8:8::/48', PEER), deliver('2001:db8:1:2::/64')],
    put({ kind: 'hold', direction: 'to', prefix: '::/0', packets: 9, millis: 1000 }),
  ]);
  const [there, outside, foreign] = ['2001:db8:9::9', '2001:db8:a::1', '2001:db8:8::8'] as const;
  const present = '2001:db8:1:2::2';
  const arrives = (src: string, dst: string, from: string): PacketIn =>
    fromCore(tunnelled(packet({ src, dst }), { src: from }));
  assert.deepEqual(
    outcomes(plane, [
      ...[arrives(MN, there, PEER), arrives(MN, there, THIRD), arrives(MN, outside, THIRD)],
      ...[arrives(present, there, PEER), arrives(present, outside, PEER), arrives(foreign, outside, PEER)],
    ]),
    ['pass', 'hold', 'pass', 'hold', 'pass', 'hold'],
  );
  assert.deepEqual(
    plane.events().filter(({ kind }) => kind === 'unknown-destination'),
    [
      { kind: 'unknown-destination', peer: THIRD, src: MN, dst: there },
      { kind: 'unknown-destination', peer: PEER, src: present, dst: there },
      { kind: 'unknown-destination', peer: PEER, src: foreign, dst: outside },
    ],
  );
  apply(plane, [deliver(theirs), { op: 'release', direction: 'to', prefix: theirs }]);
  assert.deepEqual(outcomes(plane, []), ['deliver', 'deliver']);
});

test('native packets are delivered, tunnelled or passed', () => {
  const plane = dataPlane();
  apply(plane, [DELIVER, TUNNEL]);
  const batch = [
    packet({ src: CN, dst: MN }),
    packet({ src: '2001:db8:9::9' }),
    packet({ src: CN, dst: '2001:db8:9::9' }),
    packet({ src: CN, dst: LOCATOR }),
    packet({ src: 'fe80::1', dst: MN }),
  ].map(fromCore);
  assert.deepEqual(outcomes(plane, batch), ['deliver', 'core', 'pass', 'pass', 'pass']);
});

test('hop limits stay as they are where others decrement them', () => {
  const plane = dataPlane({ hopLimitDone: true });
  apply(plane, [SOURCE, TUNNEL, DELIVER]);
  const [up, down] = plane.process(
    [fromAccess(packet({ hops: 1 })), fromCore(packet({ src: CN, dst: MN, hops: 1 }))],
    0,
  );
  assert.equal(up!.data[47], 1);
  assert.equal(down!.data[7], 1);
});

test('a packet of up to 1,280 octets goes in two outer fragments where the core is too narrow', () => {
  const plane = dataPlane({ coreMtu: 1300 });
  apply(plane, [SOURCE, TUNNEL]);
  const payload = Uint8Array.from({ length: 1240 }, (_, index) => index);
  const sent = packet({ payload });
  const out = plane.process([fromAccess(sent), fromAccess(packet())], 0);
  assert.deepEqual(
    out.map(({ input }) => input),
    [0, -1, 1],
  );
  const [first, second] = out;
  assert.deepEqual(second!.verdict, { action: 'core', locator: PEER });
  assert.equal(first!.data.length, 40 + 8 + 1248);
  assert.equal(second!.data.length, 40 + 8 + 32);
  assert.equal(hex(first!.data.subarray(4, 8)), '04e82c40');
  assert.equal(hex(first!.data.subarray(40, 48)), '2900000155667788');
  assert.equal(hex(second!.data.subarray(40, 48)), '290004e055667788');
  assert.equal(hex(first!.data.subarray(0, 4)), hex(second!.data.subarray(0, 4)));
  sent[7] = 63;
  assert.equal(hex(first!.data.subarray(48)) + hex(second!.data.subarray(48)), hex(sent));
  assert.equal(plane.counters()['fragments'], 2);
});

test('a packet that does not fit is answered with Packet Too Big at a limited rate', () => {
  const plane = dataPlane();
  apply(plane, [SOURCE, TUNNEL]);
  const sent = packet({ payload: new Uint8Array(1421).fill(7) });
  const [dropped, answer] = plane.process([fromAccess(sent)], 0);
  assert.deepEqual(dropped!.verdict, { action: 'drop', reason: 'too-big' });
  assert.deepEqual(answer!.verdict, { action: 'pass' });
  assert.equal(answer!.data.length, 1280);
  assert.equal(readAddress(answer!.data, 8), LOCATOR);
  assert.equal(readAddress(answer!.data, 24), MN);
  assert.equal(hex(answer!.data.subarray(0, 8)), '6000000004d83a40');
  assert.equal(hex(answer!.data.subarray(40, 42)), '0200');
  assert.equal(hex(answer!.data.subarray(44, 48)), '000005b4'); // MTU 1,460
  assert.equal(onesComplementSum(answer!.data), 0xffff);
  for (let round = 1; round < 25; round++) plane.process([fromAccess(sent)], 0);
  assert.equal(plane.counters()['too-big-sent'], 20);
  assert.equal(plane.counters()['icmp-limited'], 5);
  plane.process([fromAccess(sent)], 10);
  assert.equal(plane.counters()['too-big-sent'], 21);
  const error = packet({ next: 58, payload: new Uint8Array(1421).fill(1) });
  assert.deepEqual(outcomes(plane, [fromAccess(error)], 5000), ['too-big']);
});

/** Over the pseudo-header and payload of an ICMPv6 packet; 0xffff where the checksum is right. */
function onesComplementSum(data: Uint8Array): number {
  let sum = data.length - 40 + 58;
  for (let at = 8; at < data.length; at += 2) sum += (data[at]! << 8) | (data[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
