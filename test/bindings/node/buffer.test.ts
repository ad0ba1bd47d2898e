import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
import {
  CN,
  DELIVER,
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
  outcome,
  packet,
  put,
  tunnelled,
} from './support.ts';

const PREFIX = `${MN}/128`;
const buffer = (packets: number, bytes = 1 << 20, millis = 1000): Command =>
  put({ kind: 'buffer', prefix: PREFIX, packets, bytes, millis });
const onward = put({ kind: 'tunnel', prefix: PREFIX, locator: THIRD });

/** A packet to the MN that carries a number: natively from the core, and tunnelled by a peer. */
const native = (number: number): ReturnType<typeof fromCore> =>
  fromCore(packet({ src: CN, dst: MN, payload: Uint8Array.of(number) }));
const inTunnel = (number: number): ReturnType<typeof fromCore> =>
  fromCore(tunnelled(packet({ src: CN, dst: MN, payload: Uint8Array.of(number) }), { src: PEER }));

/** Outcome and number of every output. */
const run = (plane: DataPlane, batch: Parameters<DataPlane['process']>[0], now: number): string[] =>
  plane.process(batch, now).map((out) => `${outcome(out)} ${out.data.at(-1)}`);

test('a buffer keeps what would be delivered, whatever side it comes from, and gives it to the next action first', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, DELIVER, buffer(8)]);
  assert.equal(plane.dump().destinations.find(({ prefix }) => prefix === PREFIX)?.action, 'buffer');
  assert.deepEqual(
    plane.process([native(1), inTunnel(2), native(3)], 0).map(({ verdict }) => verdict.action),
    ['hold', 'hold', 'hold'],
  );
  assert.equal(plane.deadline(), 1000);
  apply(plane, [onward]);
  assert.equal(plane.deadline(), 0);
  assert.deepEqual(
    plane.process([native(4)], 1).map(({ verdict, input, data }) => [verdict.action, input, data.at(-1)]),
    [
      ['core', -1, 1],
      ['core', -1, 2],
      ['core', -1, 3],
      ['core', 0, 4],
    ],
  );
  const { held, released, tunnelled: made, retunnelled } = plane.counters();
  assert.deepEqual([held, released, made, retunnelled], [3, 3, 3, 1]);
});

test('a packet from an access link waits too, and passes source validation again', () => {
  const plane = dataPlane();
  const other = '2001:db8:1:7::9';
  apply(plane, [
    SOURCE,
    put({ kind: 'buffer', prefix: `${other}/128`, packets: 2, bytes: 4096, millis: 50 }),
  ]);
  plane.process([fromAccess(packet({ src: MN, dst: other, payload: Uint8Array.of(1) }))], 0);
  apply(plane, [put({ kind: 'tunnel', prefix: `${other}/128`, locator: THIRD })]);
  assert.deepEqual(
    plane.process([], 1).map(({ verdict }) => verdict.action),
    ['core'],
  );
});

test('over its packets, its octets or its time a buffer drops the oldest first', () => {
  const plane = dataPlane();
  apply(plane, [buffer(2)]);
  assert.deepEqual(run(plane, [native(1), native(2), native(3)], 0).slice(2), [
    'hold undefined',
    'hold-overflow 1',
  ]);
  const octets = packet({ src: CN, dst: MN, payload: Uint8Array.of(0) }).length;
  apply(plane, [buffer(8, 3 * octets, 20)]);
  assert.deepEqual(run(plane, [native(4), native(5)], 10).slice(1), ['hold undefined', 'hold-overflow 2']);
  assert.deepEqual(run(plane, [], 30), ['hold-expired 4', 'hold-expired 5']);
  assert.deepEqual(run(plane, [], 1000), ['hold-expired 3']);
  assert.ok(
    plane
      .events()
      .some((event) => event.kind === 'hold-drop' && event.direction === 'to' && event.prefix === PREFIX),
  );
});

test('one packet longer than the octets of a buffer is kept all the same', () => {
  const plane = dataPlane();
  apply(plane, [buffer(8, 1)]);
  run(plane, [native(1), native(2)], 0);
  apply(plane, [onward]);
  assert.deepEqual(
    plane.process([], 1).map(({ data }) => data.at(-1)),
    [2],
  );
});

test('deleting a buffer discards, releasing it before it is replaced keeps the order', () => {
  const plane = dataPlane();
  apply(plane, [buffer(8)]);
  run(plane, [native(1), native(2)], 0);
  apply(plane, [{ op: 'release', direction: 'to', prefix: PREFIX }]);
  assert.deepEqual(run(plane, [native(3)], 1), ['hold undefined']);
  assert.deepEqual(apply(plane, [{ op: 'delete', kind: 'destination', prefix: PREFIX }]), ['ok']);
  assert.equal(plane.counters()['hold-discarded'], 3);
  assert.equal(plane.deadline(), undefined);
  apply(plane, [TUNNEL]);
  assert.deepEqual(run(plane, [], 2), []);
});

test('what a longer prefix takes out of a buffer stays until the prefix itself is put', () => {
  const plane = dataPlane();
  const wide = put({ kind: 'buffer', prefix: '2001:db8:1:1::/64', packets: 8, bytes: 4096, millis: 1000 });
  apply(plane, [wide]);
  const to = '2001:db8:1:1::77';
  plane.process([fromCore(packet({ src: CN, dst: to }))], 0);
  apply(plane, [put({ kind: 'tunnel', prefix: `${to}/128`, locator: THIRD })]);
  assert.equal(plane.process([], 1).length, 0);
  apply(plane, [put({ kind: 'tunnel', prefix: '2001:db8:1:1::/64', locator: PEER })]);
  assert.deepEqual(
    plane.process([], 2).map(({ verdict }) => (verdict.action === 'core' ? verdict.locator : '')),
    [THIRD],
  );
});

test('a budget of nothing is refused, and hold and buffer entries share their limit', () => {
  const plane = dataPlane();
  assert.deepEqual(apply(plane, [buffer(0), buffer(1, 0), buffer(1, 1, 0)]), [
    'invalid',
    'invalid',
    'invalid',
  ]);
  assert.equal(plane.dump().destinations.length, 0);
});
