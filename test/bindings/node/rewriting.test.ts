import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketOut } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
import { LOCATOR_PREFIX, PREFIX, RESTORE, REWRITE, rewritten } from './rewriting.ts';
import {
  BUILDS,
  CN,
  DELIVER,
  LOCATOR,
  MAC,
  MN,
  PEER,
  PEERING,
  SOURCE,
  THIRD,
  apply,
  dataPlane,
  fromAccess,
  fromCore,
  hex,
  outcome,
  outcomes,
  packet,
  put,
  tunnelled,
} from './support.ts';

const toMn = packet({ src: CN, dst: MN });
const hops = (data: Uint8Array, less: number): Uint8Array => {
  const result = data.slice();
  result[7]! -= less;
  return result;
};

for (const build of BUILDS) {
  test(`${build}: a rewritten packet is restored bit for bit, whatever it carries`, () => {
    const ingress = dataPlane({}, build);
    const egress = dataPlane({}, build);
    apply(ingress, [REWRITE]);
    apply(egress, [RESTORE, DELIVER]);
    const esp = packet({ src: CN, dst: MN, next: 50, payload: new Uint8Array(33).fill(7) });
    const later = packet({ src: CN, dst: MN, next: 44, payload: Uint8Array.of(17, 0, 5, 0, 0, 0, 0, 1, 9) });
    for (const sent of [toMn, esp, later]) {
      const [core] = ingress.process([fromCore(sent)], 0);
      assert.deepEqual(core!.verdict, { action: 'core', locator: LOCATOR_PREFIX.replace('/64', '') });
      assert.equal(hex(core!.data), hex(hops(rewritten(sent), 1)));
      const [out] = egress.process([fromCore(core!.data)], 0);
      assert.equal(out!.verdict.action, 'deliver');
      assert.equal(hex(out!.data), hex(hops(sent, 2)));
    }
    assert.equal(ingress.counters()['rewritten'], 3);
    assert.equal(egress.counters()['restored'], 3);
    assert.deepEqual(
      ingress.dump().destinations.map(({ action }) => action),
      ['rewrite'],
    );
    assert.ok(egress.dump().destinations.some(({ action }) => action === 'restore'));
  });
}

test('a host here sends to a rewritten destination, and to one that is restored here', () => {
  const plane = dataPlane();
  const there = '2001:db8:2:2::/64';
  apply(plane, [SOURCE, put({ kind: 'rewrite', prefix: there, locator: '2001:db8:fe:ff05::/64' })]);
  const [out] = plane.process([fromAccess(packet(), MAC)], 0);
  assert.equal(hex(out!.data.subarray(24, 40)), '20010db800feff050000000000000020');
  assert.deepEqual(plane.events(), [{ kind: 'flow', src: MN, dst: CN }]);
  apply(plane, [RESTORE, DELIVER]);
  assert.deepEqual(outcomes(plane, [fromAccess(rewritten(packet({ dst: MN })), MAC)]), ['deliver']);
});

test('a restored packet goes by the entry of its original destination', () => {
  const cases: [Command[], string[]][] = [
    [[], ['destination-unknown']],
    [
      [put({ kind: 'rewrite', prefix: PREFIX, locator: LOCATOR_PREFIX, restore: true })],
      ['destination-unknown'],
    ],
    [[DELIVER], ['deliver']],
    [[put({ kind: 'tunnel', prefix: PREFIX, locator: PEER })], ['core']],
    [[put({ kind: 'rewrite', prefix: PREFIX, locator: '2001:db8:fd:ff04::/64' })], ['core']],
    [[put({ kind: 'buffer', prefix: PREFIX, packets: 1, bytes: 100, millis: 10 })], ['hold']],
  ];
  for (const [entries, expected] of cases) {
    const plane = dataPlane();
    assert.ok(apply(plane, [RESTORE, ...entries]).every((status) => status === 'ok'));
    assert.deepEqual(outcomes(plane, [fromCore(rewritten(toMn))]), expected);
    assert.equal(plane.counters()['restored'], 1);
  }
});

test('rewriting and tunnels in turn: 8 in a row at the most, whatever hop limit the host chose', () => {
  for (const hopLimitDone of [false, true]) {
    for (const sent of [64, 255]) {
      // One tunnels to the other and restores what that one rewrites.
      const planes = [dataPlane({ hopLimitDone }), dataPlane({ hopLimitDone, locator: PEER })] as const;
      apply(planes[0], [PEERING, RESTORE, put({ kind: 'tunnel', prefix: PREFIX, locator: PEER })]);
      apply(planes[1], [put({ kind: 'peer', address: LOCATOR }), REWRITE]);
      let [data, last, passes] = [packet({ src: CN, dst: MN, hops: sent }), 'core', 0];
      for (; last === 'core' && passes < 300; passes++) {
        const [out, ...more] = planes[passes % 2 === 0 ? 0 : 1].process([fromCore(data)], 0);
        assert.deepEqual(more, []);
        data = out!.data;
        last = outcome(out!);
      }
      assert.deepEqual([last, passes], ['loop', 9], `${sent}, ${hopLimitDone}`);
      assert.ok(planes[1].events().some((event) => event.kind === 'redirect'));
    }
  }
});

test('what goes on by rewriting, or was restored, carries the lesser hop limit less 8, and with 8 is lost', () => {
  const plane = dataPlane({ hopLimitDone: true });
  apply(plane, [PEERING, REWRITE]);
  const outOfTunnel = (inner: number, outer: number): PacketOut =>
    plane.process([fromCore(tunnelled(packet({ src: CN, dst: MN, hops: inner }), { hops: outer }))], 0)[0]!;
  assert.equal(outOfTunnel(30, 64).data[7], 22);
  assert.equal(outOfTunnel(255, 50).data[7], 42);
  assert.equal(outOfTunnel(9, 64).data[7], 1);
  assert.equal(outcome(outOfTunnel(8, 64)), 'loop');
  assert.equal(outcome(outOfTunnel(64, 8)), 'loop');
  assert.equal(plane.counters()['rewritten'], 3);
  apply(plane, [RESTORE, put({ kind: 'tunnel', prefix: PREFIX, locator: THIRD })]);
  const restored = (hopLimit: number): PacketOut =>
    plane.process([fromCore(rewritten(packet({ src: CN, dst: MN, hops: hopLimit })))], 0)[0]!;
  for (const [before, after] of [
    [30, 22],
    [255, 56],
  ] as const) {
    const { data } = restored(before);
    assert.deepEqual([data[7], data[47]], [after, after]);
  }
  assert.equal(outcome(restored(8)), 'loop');
  apply(plane, [DELIVER]);
  assert.equal(outcome(restored(1)), 'deliver');
});

test('what waits in a buffer is restored once, and remains a restored one', () => {
  const plane = dataPlane();
  apply(plane, [RESTORE, put({ kind: 'buffer', prefix: PREFIX, packets: 1, bytes: 100, millis: 10 })]);
  assert.deepEqual(outcomes(plane, [fromCore(rewritten(toMn))]), ['hold']);
  apply(plane, [REWRITE]);
  const [out] = plane.process([], 1);
  assert.equal(hex(out!.data), hex(hops(rewritten(toMn), 8)));
  const { restored, rewritten: sent, released } = plane.counters();
  assert.deepEqual([restored, sent, released], [1, 1, 1]);
});

test('out of a tunnel: restored, or on by rewriting, which tells the peer', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, RESTORE, DELIVER]);
  const [out] = plane.process([fromCore(tunnelled(rewritten(toMn)))], 0);
  assert.equal(hex(out!.data), hex(hops(toMn, 1)));
  assert.deepEqual(plane.events(), [{ kind: 'flow', src: CN, dst: MN }]);
  apply(plane, [{ op: 'delete', kind: 'destination', prefix: `${MN}/128` }, REWRITE]);
  const [core] = plane.process([fromCore(tunnelled(toMn))], 0);
  assert.equal(hex(core!.data), hex(hops(rewritten(toMn), 8)));
  assert.deepEqual(plane.events(), [{ kind: 'redirect', peer: PEER, src: CN, dst: MN }]);
  // A restored packet that came out of a tunnel is still one: never back to where it came from.
  apply(plane, [put({ kind: 'tunnel', prefix: PREFIX, locator: PEER })]);
  assert.deepEqual(outcomes(plane, [fromCore(tunnelled(rewritten(toMn)))]), ['bounce']);
  apply(plane, [put({ kind: 'tunnel', prefix: PREFIX, locator: THIRD })]);
  assert.deepEqual(outcomes(plane, [fromCore(tunnelled(rewritten(toMn), { hops: 8 }))]), ['loop']);
});

test("the whole core MTU is the host's: no outer header takes of it", () => {
  const plane = dataPlane({ coreMtu: 1400 });
  apply(plane, [REWRITE]);
  const fits = packet({ src: CN, dst: MN, payload: new Uint8Array(1360) });
  const long = packet({ src: CN, dst: MN, payload: new Uint8Array(1361) });
  const [core, dropped, answer] = plane.process([fromCore(fits), fromCore(long)], 0);
  assert.equal(core!.data.length, 1400);
  assert.equal(outcome(dropped!), 'too-big');
  assert.equal(hex(dropped!.data.subarray(24, 40)), hex(toMn.subarray(24, 40)));
  assert.equal(hex(answer!.data.subarray(40, 42)), '0200');
  assert.equal(hex(answer!.data.subarray(44, 48)), '00000578');
  assert.deepEqual(outcomes(plane, [fromCore(hops(toMn, 63))]), ['hop-limit', 'pass']);
});

test('entries that would break a checksum, or lead nowhere, are refused', () => {
  const plane = dataPlane();
  const status = (prefix: string, locator: string): string | undefined =>
    apply(plane, [put({ kind: 'rewrite', prefix, locator })])[0];
  assert.equal(status(PREFIX, '2001:db8:fe:ff05::/64'), 'invalid');
  assert.equal(status(PREFIX, LOCATOR_PREFIX.replace('/64', '/65')), 'invalid');
  assert.equal(status(PREFIX, LOCATOR_PREFIX.replace('::', '::1')), 'invalid');
  assert.equal(status('2000::/15', '2000::/15'), 'invalid');
  assert.equal(status('2000::/16', '2000::/16'), 'ok');
  assert.equal(status('fe80::/16', 'fe80::/16'), 'invalid');
  assert.equal(status('ff02::/16', 'ff02::/16'), 'invalid');
  // All ones and zero are the same in ones' complement.
  assert.equal(status('2001:db8:0:ffff::/64', '2001:db8::/64'), 'ok');
  // Lengths that end within a word: bits past them are zero on both sides.
  assert.equal(status('2001:db8:2::/47', '2001:db6:4::/47'), 'ok');
  assert.equal(status('2001:db8:2::/47', '2001:db6:2::/47'), 'invalid');
});
