import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketIn } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
import { REASON_NAMES } from '../../../bindings/generated/abi.ts';
import { fragment } from './fragments.ts';
import {
  CN,
  DELIVER,
  MAC,
  MN,
  PEER,
  PEERING,
  SOURCE,
  THIRD,
  TUNNEL,
  apply,
  dataPlane,
  fromAccess,
  fromCore,
  outcomes,
  packet,
  put,
  tunnelled,
} from './support.ts';

const TO_MN = packet({ src: CN, dst: MN });

/** An extension header of 8 octets for each number, which names the header after it. */
const chain = (...nexts: number[]): Uint8Array =>
  Uint8Array.from(nexts.flatMap((next) => [next, 0, 0, 0, 0, 0, 0, 0]));
const octets = (data: Uint8Array, at: number, value: number): Uint8Array => {
  const copy = data.slice();
  copy[at] = value;
  return copy;
};
const moved = put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD });

/** For each reason the packets that are dropped for it, and the entries that this takes. */
const CASES: Record<
  string,
  { readonly packets: readonly PacketIn[]; readonly entries?: readonly Command[] }
> = {
  oversized: { packets: [fromAccess(packet({ payload: new Uint8Array(1861) }))] },
  truncated: {
    packets: [
      fromAccess(new Uint8Array()),
      fromCore(packet().subarray(0, 39)),
      fromAccess(packet().subarray(0, 47)),
      fromCore(tunnelled(TO_MN.subarray(0, 39))),
      fromCore(tunnelled(TO_MN.subarray(0, 47))),
      fromCore(tunnelled(new Uint8Array())),
    ],
    entries: [PEERING],
  },
  version: {
    packets: [fromAccess(octets(packet(), 0, 0x45)), fromCore(tunnelled(octets(TO_MN, 0, 0x45)))],
    entries: [PEERING],
  },
  jumbogram: { packets: [fromAccess(packet({ next: 0, payload: new Uint8Array() }))] },
  address: {
    packets: [
      fromCore(packet({ src: 'ff02::1' })),
      fromCore(packet({ src: '::1' })),
      fromCore(packet({ dst: '::' })),
      fromAccess(packet({ dst: '::1' })),
      fromCore(tunnelled(packet({ src: 'fe80::1', dst: MN }))),
      fromCore(tunnelled(packet({ src: '::', dst: MN }))),
      fromCore(tunnelled(packet({ dst: 'ff02::1' }))),
      fromCore(tunnelled(packet({ dst: 'febf::1' }))),
    ],
    entries: [PEERING],
  },
  extension: {
    packets: [
      fromAccess(packet({ next: 0, payload: Uint8Array.of(59, 1, 0, 0, 0, 0, 0, 0) })),
      fromAccess(packet({ next: 44, payload: Uint8Array.of(59, 0, 0, 0) })),
      fromAccess(packet({ next: 60, payload: chain(60, 60, 60, 60, 60, 60, 60, 60, 59) })),
    ],
    entries: [SOURCE],
  },
  'access-tunnel': {
    packets: [
      fromAccess(packet({ next: 41, payload: TO_MN })),
      fromAccess(packet({ next: 0, payload: chain(60, 43, 44, 41) })),
      fromAccess(packet({ next: 60, payload: chain(60, 60, 60, 60, 60, 60, 60, 41) })),
    ],
    entries: [SOURCE],
  },
  'access-mobility': {
    packets: [fromAccess(packet({ next: 135 })), fromAccess(packet({ next: 60, payload: chain(135) }))],
    entries: [SOURCE],
  },
  'source-unknown': {
    packets: [fromAccess(packet()), fromAccess(packet(), MAC)],
    entries: [put({ kind: 'source', prefix: `${MN}/128`, link: 1 })],
  },
  'source-mac': { packets: [fromAccess(packet(), '02:00:00:00:00:11')], entries: [SOURCE] },
  'peer-unknown': { packets: [fromCore(tunnelled(TO_MN, { src: THIRD }))], entries: [PEERING, DELIVER] },
  ecn: { packets: [fromCore(tunnelled(TO_MN, { flow: 3 << 20 }))], entries: [PEERING, DELIVER] },
  bounce: {
    packets: [fromCore(tunnelled(TO_MN))],
    entries: [PEERING, put({ kind: 'tunnel', prefix: `${MN}/128`, locator: PEER })],
  },
  loop: {
    packets: [fromCore(tunnelled(TO_MN, { hops: 8 })), fromCore(tunnelled(TO_MN, { hops: 0 }))],
    entries: [PEERING, moved],
  },
  'destination-unknown': { packets: [fromCore(tunnelled(TO_MN))], entries: [PEERING] },
  reassembly: {
    entries: [PEERING, DELIVER],
    packets: [fromCore(fragment(TO_MN, { to: 7 }))],
  },
  'encapsulation-limit': {
    packets: [
      fromAccess(packet({ next: 60, payload: Uint8Array.of(59, 0, 4, 1, 0, 1, 1, 0) })),
      fromCore(packet({ next: 60, payload: Uint8Array.of(41, 0, 1, 0, 4, 1, 0, 0, ...TO_MN) })),
    ],
    entries: [SOURCE, TUNNEL],
  },
  'hop-limit': {
    packets: [
      fromAccess(packet({ hops: 1 })),
      fromCore(packet({ src: CN, dst: MN, hops: 0 })),
      fromCore(tunnelled(packet({ src: CN, dst: MN, hops: 1 }))),
    ],
    entries: [SOURCE, DELIVER, TUNNEL, PEERING],
  },
  'too-big': {
    packets: [fromCore(packet({ src: PEER, next: 58, payload: new Uint8Array(1421) }))],
    entries: [TUNNEL],
  },
};

for (const [reason, { packets, entries }] of Object.entries(CASES)) {
  test(`drop ${reason}`, () => {
    const plane = dataPlane();
    assert.ok(apply(plane, entries ?? []).every((status) => status === 'ok'));
    for (const [index, one] of packets.entries()) {
      // An ICMPv6 error may follow.
      assert.equal(outcomes(plane, [one])[0], reason, `packet ${index}`);
    }
    const drops = Object.entries(plane.counters()).filter(
      ([name, count]) => name.startsWith('drop-') && count > 0,
    );
    assert.deepEqual(drops, [[`drop-${reason}`, packets.length]]);
  });
}

test('every drop reason has a case, here or where it belongs', () => {
  const elsewhere = ['none', 'descriptor', 'hold-overflow', 'hold-expired'];
  const reasons = Object.values(REASON_NAMES);
  assert.deepEqual(Object.keys(CASES).concat(elsewhere).sort(), reasons.sort());
});

test('what an access link keeps to itself passes without an entry', () => {
  const plane = dataPlane();
  const local = [
    packet({ src: '::', dst: 'ff02::2', next: 58 }),
    packet({ src: 'fe80::9', dst: '2001:db8::1', next: 41 }),
    packet({ dst: 'fe80::1', next: 135 }),
    packet({ dst: 'ff05::2' }),
  ].map((data) => fromAccess(data));
  assert.deepEqual(outcomes(plane, local), ['pass', 'pass', 'pass', 'pass']);
  assert.deepEqual(plane.events(), []);
  assert.equal(plane.counters()['passed'], 4);
});

test('a later fragment hides what it carries, so the walk ends there', () => {
  const plane = dataPlane();
  apply(plane, [SOURCE]);
  const fragment = packet({ next: 44, payload: Uint8Array.of(41, 0, 0, 8, 0, 0, 0, 1) });
  assert.deepEqual(outcomes(plane, [fromAccess(fragment)]), ['pass']);
});

test('an unknown source is reported once in 100 ms, with its station', () => {
  const plane = dataPlane();
  const one = [fromAccess(packet(), MAC, 2)];
  plane.process(one, 1000);
  plane.process(one, 1099);
  plane.process([fromAccess(packet(), undefined, 2)], 1099);
  plane.process(one, 1100);
  const event = { kind: 'unknown-source', src: MN, link: 2 };
  assert.deepEqual(plane.events(), [{ ...event, mac: MAC }, event, { ...event, mac: MAC }]);
  assert.deepEqual(plane.events(), []);
});

test('events past 256 are counted as lost', () => {
  const plane = dataPlane();
  for (let index = 0; index < 300; index++) {
    plane.process([fromAccess(packet({ src: `2001:db8:7::${index.toString(16)}` }))], 1000 * index);
  }
  assert.equal(plane.events().length, 256);
  assert.equal(plane.counters()['events-lost'], 44);
});

test('a pair of addresses is reported when new and after more than a second of silence', () => {
  const plane = dataPlane();
  apply(plane, [SOURCE]);
  const seen = (now: number): number => {
    plane.process([fromAccess(packet())], now);
    return plane.events().length;
  };
  assert.deepEqual([0, 900, 1999, 2999, 3000, 5000, 6999, 8999].map(seen), [1, 0, 0, 0, 0, 1, 0, 1]);
});
