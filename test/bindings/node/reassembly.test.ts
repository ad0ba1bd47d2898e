import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane } from '../../../bindings/dataplane.ts';
import { LIMIT_PACKET_MAX, REASSEMBLIES, REASSEMBLY_MILLIS } from '../../../bindings/generated/abi.ts';
import { fragment } from './fragments.ts';
import type { FragmentFields } from './fragments.ts';
import {
  BUILDS,
  CN,
  DELIVER,
  MN,
  OPTIONS,
  PEER,
  PEERING,
  SOURCE,
  THIRD,
  TUNNEL,
  apply,
  dataPlane,
  fromAccess,
  fromCore,
  hex,
  outcomes,
  packet,
  put,
} from './support.ts';

const inner = packet({ src: CN, dst: MN, payload: Uint8Array.from({ length: 260 }, (_, index) => index) });
const delivered = inner.slice();
delivered[7]! -= 1;

function plane(build?: string): DataPlane {
  const result = dataPlane({}, build);
  apply(result, [PEERING, DELIVER]);
  return result;
}

/** Outcomes of fragments of `inner`, each in a batch of its own. */
function run(on: DataPlane, fragments: readonly FragmentFields[], now = 0): string[] {
  return fragments.flatMap((fields) => outcomes(on, [fromCore(fragment(inner, fields))], now));
}

/** What counts as lost, and as put together. */
function counted(on: DataPlane): [lost: number, whole: number] {
  const counters = on.counters();
  return [counters['drop-reassembly']!, counters['reassembled']!];
}

const parts: readonly FragmentFields[] = [{ to: 104 }, { from: 104, to: 208 }, { from: 208 }];
const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

for (const build of BUILDS) {
  test(`${build}: fragments in any order give back the inner packet`, () => {
    for (const order of orders) {
      const on = plane(build);
      const batch = order.map((index) => fromCore(fragment(inner, parts[index])));
      const out = on.process(batch, 0);
      assert.deepEqual(
        out.map(({ verdict, input }) => [verdict.action, input]),
        [
          ['hold', 0],
          ['hold', 1],
          ['deliver', 2],
        ],
      );
      assert.equal(hex(out[2]!.data), hex(delivered));
      assert.deepEqual(counted(on), [0, 1]);
      assert.equal(on.counters()['held'], 0);
      assert.equal(on.deadline(), undefined);
    }
  });
}

test('what one end fragments, the other puts together', () => {
  const entry = dataPlane({ locator: PEER, coreMtu: 1280 });
  apply(entry, [SOURCE, TUNNEL, put({ kind: 'tunnel', prefix: `${CN}/128`, locator: OPTIONS.locator })]);
  const sent = packet({ payload: Uint8Array.from({ length: 1240 }, (_, index) => index * 7) });
  const core = entry.process([fromAccess(sent)], 0);
  assert.equal(core.length, 2);
  const exit = dataPlane();
  apply(exit, [PEERING, put({ kind: 'tunnel', prefix: `${CN}/128`, locator: THIRD })]);
  const [kept, out] = exit.process(
    core.map(({ data }) => fromCore(data)),
    0,
  );
  assert.deepEqual(kept!.verdict, { action: 'hold' });
  assert.deepEqual(out!.verdict, { action: 'core', locator: THIRD });
  sent[7] = 63;
  assert.equal(hex(out!.data.subarray(40)), hex(sent));
});

test('any overlap loses the whole datagram, and all of it that is still to come', () => {
  const overlaps: readonly FragmentFields[][] = [
    [{ to: 104 }, { to: 104 }],
    [{ to: 104 }, { from: 96, to: 208 }],
    [{ from: 104, to: 208 }, { to: 112 }],
    [
      { from: 104, to: 208 },
      { to: 300 - (300 % 8), more: true },
    ],
    [{ from: 208 }, { from: 208 }],
    [{ from: 208 }, { from: 296, more: true, to: 296 + 8 }],
    [{ from: 208 }, { from: 104, to: 160, more: false }],
    [
      { from: 104, to: 208 },
      { to: 104, from: 96, more: false },
    ],
  ];
  for (const [first, second] of overlaps) {
    const on = plane();
    assert.deepEqual(run(on, [first!, second!, ...parts]), [
      'hold',
      'reassembly',
      'reassembly',
      'reassembly',
      'reassembly',
    ]);
    assert.deepEqual(counted(on), [4, 0]);
    // It is not counted again when its time is over, and then begins anew.
    assert.deepEqual(run(on, parts, REASSEMBLY_MILLIS), ['hold', 'hold', 'deliver']);
    assert.deepEqual(counted(on), [4, 1]);
  }
});

test('fragments that fit nowhere are dropped alone', () => {
  const on = plane();
  const long = new Uint8Array(LIMIT_PACKET_MAX);
  const end = LIMIT_PACKET_MAX - 40;
  const odd = [
    fragment(inner, { from: 104, to: 104, more: true }),
    fragment(inner, { from: 104, to: 104, more: false }),
    fragment(inner, { to: 103 }),
    fragment(long, { from: end - 4, to: end + 1, more: false }),
    fragment(new Uint8Array(65_535), { from: 65_528, to: 65_535 }),
  ];
  for (const data of odd) assert.deepEqual(outcomes(on, [fromCore(data)]), ['reassembly']);
  assert.deepEqual(run(on, parts), ['hold', 'hold', 'deliver']);
  assert.deepEqual(counted(on), [odd.length, 1]);
});

test('the longest packet that the module takes is put together', () => {
  const on = plane();
  const longest = packet({ src: CN, dst: MN, payload: new Uint8Array(LIMIT_PACKET_MAX - 80).fill(9) });
  const cut = [{ to: 1000 }, { from: 1000 }];
  const out = cut.flatMap((fields) => on.process([fromCore(fragment(longest, fields))], 0));
  assert.equal(out[1]!.data.length, LIMIT_PACKET_MAX - 40);
  assert.equal(out[1]!.data.at(-1), 9);
});

test('atomic fragments go on at once, beside a datagram with their identification', () => {
  const on = plane();
  assert.deepEqual(run(on, [parts[0]!, {}, parts[1]!, parts[2]!]), ['hold', 'deliver', 'hold', 'deliver']);
  const [out] = on.process([fromCore(fragment(inner))], 0);
  assert.equal(hex(out!.data), hex(delivered));
  assert.deepEqual(counted(on), [0, 1]);
});

test('datagrams are told apart by source and identification', () => {
  const on = plane();
  apply(on, [put({ kind: 'peer', address: THIRD })]);
  const each = [{}, { identification: 2 }, { src: THIRD }];
  for (const part of parts.slice(0, 2))
    run(
      on,
      each.map((other) => ({ ...part, ...other })),
    );
  assert.deepEqual(
    run(
      on,
      each.map((other) => ({ ...parts[2], ...other })),
    ),
    ['deliver', 'deliver', 'deliver'],
  );
});

test('of strangers, and with another next header, fragments pass', () => {
  const on = plane();
  const others = [{ src: THIRD }, { next: 17 }, { next: 44 }];
  assert.deepEqual(
    run(
      on,
      others.map((other) => ({ ...parts[0], ...other })),
    ),
    ['pass', 'pass', 'pass'],
  );
  const short = fragment(inner).slice(0, 47);
  short.set([0, 7], 4);
  assert.deepEqual(outcomes(on, [fromCore(short)]), ['pass']);
});

test('a flood begins no more than there is room for: the first to come go first', () => {
  const on = plane();
  const flood = Array.from({ length: 1000 }, (_, identification) => ({ to: 104, identification }));
  assert.deepEqual(new Set(run(on, flood)), new Set(['hold']));
  assert.deepEqual(counted(on), [1000 - REASSEMBLIES, 0]);
  const rest = (identification: number): FragmentFields[] => [
    { ...parts[1], identification },
    { ...parts[2], identification },
  ];
  assert.deepEqual(run(on, rest(999)), ['hold', 'deliver']);
  // The places are taken in order of age where several began in one millisecond: by their number.
  const later = Array.from({ length: REASSEMBLIES }, (_, index) => ({
    to: 104,
    identification: 2000 + index,
  }));
  for (const [index, fields] of later.entries()) run(on, [fields], 1 + index);
  assert.deepEqual(run(on, rest(2000), 100), ['hold', 'deliver']);
  assert.deepEqual(run(on, rest(2000 + REASSEMBLIES - 1), 100), ['hold', 'deliver']);
});

test('a datagram that is not whole after its time is lost, and counted once another fragment comes', () => {
  const on = plane();
  run(on, [parts[0]!]);
  assert.deepEqual(run(on, [parts[1]!], REASSEMBLY_MILLIS - 1), ['hold']);
  assert.deepEqual(run(on, [parts[2]!], REASSEMBLY_MILLIS), ['hold']);
  assert.deepEqual(counted(on), [1, 0]);
  assert.deepEqual(run(on, parts.slice(0, 2), 2 * REASSEMBLY_MILLIS - 1), ['hold', 'deliver']);
});

test('congestion on the way of one fragment marks the packet, RFC 3168 section 5.3', () => {
  const capable = packet({ src: CN, dst: MN, flow: 2 << 20, payload: new Uint8Array(260) });
  const ecn = (...marks: number[]): string => {
    const on = plane();
    const batch = marks.map((mark, index) => fromCore(fragment(capable, { ...parts[index], ecn: mark })));
    const out = on.process(batch, 0).at(-1)!;
    return out.verdict.action === 'deliver' ? String((out.data[1]! >> 4) & 3) : 'dropped';
  };
  assert.equal(ecn(2, 2, 2), '2');
  assert.equal(ecn(2, 3, 2), '3');
  assert.equal(ecn(1, 3, 2), '3');
  assert.equal(ecn(0, 3, 2), 'dropped');
  assert.equal(ecn(3, 2, 0), 'dropped');
  // Without CE the first one counts: ECT(1) outside makes ECT(1) of ECT(0).
  assert.equal(ecn(1, 2, 2), '1');
  assert.equal(ecn(2, 1, 1), '2');
});

test('the packet goes on with the smallest hop limit of its fragments', () => {
  const on = dataPlane();
  apply(on, [PEERING, put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD })]);
  const batch = [60, 50, 55].map((hops, index) => fromCore(fragment(inner, { ...parts[index], hops })));
  assert.equal(on.process(batch, 0).at(-1)!.data[7], 50 - 8);
});
