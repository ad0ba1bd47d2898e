import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
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
  outcome,
  outcomes,
  packet,
  put,
  tunnelled,
} from './support.ts';

const hold = (direction: 'from' | 'to', prefix: string, packets: number, millis = 1000): Command =>
  put({ kind: 'hold', direction, prefix, packets, millis });
const release = (direction: 'from' | 'to', prefix = '::/0'): Command => ({
  op: 'release',
  direction,
  prefix,
});

/** A packet from an unknown station that carries a number. */
const numbered = (number: number, src = MN): ReturnType<typeof fromAccess> =>
  fromAccess(packet({ src, payload: Uint8Array.of(number) }), MAC);

/** Outcome and number of every output. */
const run = (plane: DataPlane, batch: Parameters<DataPlane['process']>[0], now: number): string[] =>
  plane.process(batch, now).map((out) => `${outcome(out)} ${out.data.at(-1)}`);

test('packets held for their source come out in order of arrival, before the batch', () => {
  const plane = dataPlane();
  apply(plane, [TUNNEL, hold('from', '::/0', 5)]);
  const held = plane.process([numbered(1), numbered(2)], 0);
  assert.deepEqual(
    held.map(({ verdict, data }) => [verdict.action, data.length]),
    [
      ['hold', 0],
      ['hold', 0],
    ],
  );
  plane.process([numbered(3)], 1);
  assert.equal(plane.deadline(), 1000);
  assert.deepEqual(apply(plane, [SOURCE, release('from')]), ['ok', 'ok']);
  assert.equal(plane.deadline(), 0);
  const out = plane.process([numbered(4)], 2);
  assert.deepEqual(
    out.map(({ verdict, input, data }) => [verdict.action, input, data.at(-1)]),
    [
      ['core', -1, 1],
      ['core', -1, 2],
      ['core', -1, 3],
      ['core', 0, 4],
    ],
  );
  assert.equal(plane.deadline(), undefined);
  const { held: count, released, tunnelled: left, 'rx-access': arrived } = plane.counters();
  assert.deepEqual([count, released, left, arrived], [3, 3, 4, 4]);
});

test('a decapsulated packet is held for its destination and goes on with its outer header in mind', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, hold('to', '2001:db8:1::/48', 5)]);
  const inner = packet({ src: CN, dst: MN });
  assert.deepEqual(outcomes(plane, [fromCore(tunnelled(inner, { hops: 14 }))]), ['hold']);
  assert.deepEqual(plane.events(), [{ kind: 'unknown-destination', peer: PEER, src: CN, dst: MN }]);
  apply(plane, [release('to', '2001:db8:1::/48')]);
  assert.deepEqual(plane.process([], 1), []);
  apply(plane, [put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD }), release('to', `${MN}/128`)]);
  const [out] = plane.process([], 2);
  assert.deepEqual(out!.verdict, { action: 'core', locator: THIRD });
  assert.equal(out!.data[7], 6);
  assert.deepEqual(plane.events(), [{ kind: 'redirect', peer: PEER, src: CN, dst: MN }]);
  const { decapsulated, held, released } = plane.counters();
  assert.deepEqual([decapsulated, held, released], [1, 2, 2]);
});

test('over the budget of its entry the oldest packet goes', () => {
  const plane = dataPlane();
  apply(plane, [hold('from', '::/0', 2)]);
  assert.deepEqual(run(plane, [numbered(1), numbered(2), numbered(3)], 0), [
    'hold undefined',
    'hold undefined',
    'hold undefined',
    'hold-overflow 1',
  ]);
  const events = plane.events().filter(({ kind }) => kind === 'hold-drop');
  assert.deepEqual(events, [{ kind: 'hold-drop', direction: 'from', prefix: '::/0' }]);
});

test('with a full pool the oldest of the entry goes, or of all where the entry keeps none', () => {
  const plane = dataPlane();
  const other = '2001:db8:5::5';
  const third = '2001:db8:6::6';
  apply(
    plane,
    [MN, other, third].map((address) => hold('from', `${address}/128`, 10)),
  );
  const six = [1, 2, 3].map((n) => numbered(n)).concat([4, 5, 6].map((n) => numbered(n, other)));
  assert.deepEqual(new Set(outcomes(plane, six)), new Set(['hold']));
  assert.deepEqual(run(plane, [numbered(7, other)], 1), ['hold undefined', 'hold-overflow 4']);
  assert.deepEqual(run(plane, [numbered(8, third)], 2), ['hold undefined', 'hold-overflow 1']);
  apply(plane, [release('from')]);
  const out = run(plane, [], 3);
  assert.deepEqual(out, []);
  apply(plane, [
    put({ kind: 'source', prefix: '::/0', link: 0 }),
    { op: 'delete', kind: 'hold', direction: 'from', prefix: `${other}/128` },
    release('from'),
  ]);
  assert.deepEqual(run(plane, [], 4), ['pass 2', 'pass 3', 'pass 8']);
  assert.equal(plane.counters()['hold-discarded'], 3);
});

test('each packet waits as long as its entry says, to the millisecond', () => {
  const plane = dataPlane();
  apply(plane, [hold('from', '::/0', 5, 300), hold('from', `${MN}/128`, 5, 100)]);
  plane.process([numbered(1, '2001:db8:5::5'), numbered(2)], 50);
  assert.equal(plane.deadline(), 150);
  assert.deepEqual(run(plane, [], 149), []);
  assert.deepEqual(run(plane, [], 150), ['hold-expired 2']);
  assert.equal(plane.deadline(), 350);
  assert.deepEqual(run(plane, [numbered(3)], 350), ['hold-expired 1', 'hold undefined']);
});

test('a released packet does not expire, is not discarded, and survives its entry', () => {
  const plane = dataPlane();
  apply(plane, [hold('from', '::/0', 5, 100)]);
  plane.process([numbered(1), numbered(2, '2001:db8:5::5')], 0);
  apply(plane, [
    SOURCE,
    release('from', `${MN}/128`),
    { op: 'discard', direction: 'from', prefix: '::/0' },
    { op: 'delete', kind: 'hold', direction: 'from', prefix: '::/0' },
  ]);
  assert.deepEqual(run(plane, [], 5000), ['pass 1']);
  assert.equal(plane.counters()['hold-discarded'], 1);
});

test('a hold keeps its order and the time of its next expiry whatever leaves it first', () => {
  const other = '2001:db8:5::5';
  const plane = dataPlane();
  apply(plane, [hold('from', '::/0', 6)]);
  for (let n = 0; n < 6; n++)
    plane.process([numbered(n, n === 1 || n === 2 || n === 5 ? other : MN)], 100 * n);
  assert.equal(plane.deadline(), 1000);
  // Two in the middle, and the last.
  apply(plane, [{ op: 'discard', direction: 'from', prefix: `${other}/128` }]);
  assert.equal(plane.deadline(), 1000);
  assert.deepEqual(outcomes(plane, [numbered(6, other)], 600), ['hold']);
  assert.deepEqual(run(plane, [], 1000), ['hold-expired 0']);
  assert.equal(plane.deadline(), 1300);
  // The first, by a release: it takes the earliest expiry along.
  apply(plane, [SOURCE, release('from', `${MN}/128`)]);
  assert.equal(plane.deadline(), 0);
  assert.deepEqual(run(plane, [], 1000), ['pass 3', 'pass 4']);
  assert.equal(plane.deadline(), 1600);
  assert.deepEqual(run(plane, [], 1600), ['hold-expired 6']);
  assert.equal(plane.deadline(), undefined);
});

test('the longest hold entry counts, and directions are apart', () => {
  const plane = dataPlane();
  apply(plane, [PEERING, hold('from', '::/0', 1), hold('to', '::/0', 1), hold('from', `${MN}/128`, 1)]);
  const batch = [numbered(1), numbered(2, CN), fromCore(tunnelled(packet({ src: CN, dst: MN })))];
  assert.deepEqual(outcomes(plane, batch), ['hold', 'hold', 'hold']);
  apply(plane, [DELIVER, release('to', `${MN}/128`)]);
  assert.deepEqual(outcomes(plane, []), ['deliver']);
  apply(plane, [SOURCE, release('from', `${MN}/128`)]);
  assert.deepEqual(run(plane, [], 0), ['pass 1']);
});

test('frames of held packets are used again without end', () => {
  const plane = dataPlane();
  apply(plane, [TUNNEL, hold('from', '::/0', 6)]);
  for (let round = 0; round < 1000; round++) {
    const numbers = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => (round + n) & 0xff);
    plane.process(
      numbers.map((n) => numbered(n)),
      round,
    );
    apply(plane, [SOURCE, release('from')]);
    assert.deepEqual(
      run(plane, [], round),
      numbers.slice(2).map((n) => `core ${n}`),
    );
    apply(plane, [{ op: 'delete', kind: 'source', prefix: `${MN}/128`, link: 0 }]);
  }
});
