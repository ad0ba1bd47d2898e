import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '../../../bindings/entries.ts';
import {
  CN,
  DELIVER,
  LOCATOR,
  MAC,
  MN,
  PEER,
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
} from './support.ts';

const address = (index: number): string => `2001:db8:100::${index.toString(16)}`;

test('a table takes its capacity and no more, replaces while full, and takes again after a delete', () => {
  const plane = dataPlane();
  const tunnel = (index: number, locator = PEER): Command =>
    put({ kind: 'tunnel', prefix: `${address(index)}/128`, locator });
  const source = (index: number): Command =>
    put({ kind: 'source', prefix: `${address(index)}/128`, link: 1, reverse: address(0x1000 + index) });
  const peer = (index: number): Command => put({ kind: 'peer', address: address(index) });
  const destination = (index: number): Command => ({
    op: 'delete',
    kind: 'destination',
    prefix: `${address(index)}/128`,
  });
  for (const [make, capacity] of [
    [tunnel, 16],
    [source, 16],
    [peer, 4],
  ] as const) {
    const commands = Array.from({ length: capacity + 1 }, (_, index) => make(index + 1));
    assert.deepEqual(apply(plane, commands), [...Array<string>(capacity).fill('ok'), 'full']);
    assert.deepEqual(apply(plane, [make(1), make(99)]), ['ok', 'full']);
  }
  assert.deepEqual(apply(plane, [tunnel(1, THIRD), destination(2), tunnel(99), tunnel(2)]), [
    'ok',
    'ok',
    'ok',
    'full',
  ]);
  const { destinations, sources, peers } = plane.dump();
  assert.deepEqual([destinations.length, sources.length, peers.length], [16, 16, 4]);
});

test('more commands than one call of the module takes', () => {
  const plane = dataPlane({
    capacities: { batch: 1, destinations: 600, sources: 1, peers: 1, flows: 1, held: 1, flowEntries: 4 },
  });
  const commands = Array.from({ length: 601 }, (_, index) =>
    put({ kind: 'tunnel', prefix: `${address(index)}/128`, locator: PEER }),
  );
  const statuses = apply(plane, commands);
  assert.equal(statuses.indexOf('full'), 600);
  assert.equal(statuses.length, 601);
});

test('deleting what is not there', () => {
  const plane = dataPlane();
  const gone: Command[] = [
    { op: 'delete', kind: 'destination', prefix: `${MN}/128` },
    { op: 'delete', kind: 'source', prefix: `${MN}/128`, link: 1 },
    { op: 'delete', kind: 'peer', address: PEER },
    { op: 'delete', kind: 'hold', direction: 'to', prefix: '::/0' },
  ];
  const entries = [SOURCE, put({ kind: 'hold', direction: 'from', prefix: '::/0', packets: 1, millis: 1 })];
  assert.deepEqual(apply(plane, [...entries, ...gone]), ['ok', 'ok', ...gone.map(() => 'absent')]);
  assert.deepEqual(apply(plane, [{ op: 'release', direction: 'to', prefix: '::/0' }]), ['ok']);
});

test('malformed commands change nothing', () => {
  const plane = dataPlane();
  const deliver = { kind: 'deliver', prefix: `${MN}/128`, link: 0, nextHop: 'fe80::1', mac: MAC } as const;
  const tunnel = { kind: 'tunnel', prefix: `${MN}/128`, locator: PEER } as const;
  const source = { kind: 'source', prefix: `${MN}/128`, link: 0 } as const;
  const hold = { kind: 'hold', direction: 'to', prefix: '::/0', packets: 1, millis: 1 } as const;
  const commands: Command[] = [
    put({ ...deliver, prefix: '2001:db8::1/127' }),
    put({ ...deliver, prefix: '2001:db8::1/129' }),
    put({ ...deliver, prefix: '2001:db8::1' }),
    put({ ...deliver, prefix: '2001:db8:::1/128' }),
    put({ ...deliver, prefix: 'ff02::1/128' }),
    put({ ...deliver, prefix: 'ff00::/8' }),
    put({ ...deliver, link: 255 }),
    put({ ...deliver, link: 256 }),
    put({ ...deliver, link: -1 }),
    put({ ...deliver, nextHop: '::' }),
    put({ ...deliver, nextHop: 'ff02::1' }),
    put({ ...deliver, mac: '01:00:5e:00:00:01' }),
    put({ ...deliver, mac: '00:00:00:00:00:00' }),
    put({ ...deliver, mac: '02:00:00:00:00' }),
    ...['::', '::1', 'ff02::1', 'fe80::1', LOCATOR, 'x'].flatMap((locator) => [
      put({ ...tunnel, locator }),
      put({ ...source, reverse: locator }),
      put({ kind: 'peer', address: locator }),
    ]),
    put({ ...source, mac: '01:00:5e:00:00:01' }),
    put({ ...hold, packets: 0 }),
    put({ ...hold, millis: 0 }),
    put({ ...hold, millis: 1.5 }),
    put({ ...hold, packets: 2 ** 32 }),
    { op: 'delete', kind: 'destination', prefix: '2001:db8::1/64' },
    { op: 'release', direction: 'to', prefix: '2001:db8::1/64' },
  ];
  assert.deepEqual(
    apply(plane, commands),
    commands.map(() => 'invalid'),
  );
  assert.deepEqual(plane.dump(), { destinations: [], sources: [], peers: [], flowEntries: [] });
});

test('the longest destination prefix counts, and a later put of a prefix replaces either action', () => {
  const plane = dataPlane();
  const towards = (dst: string): string => outcomes(plane, [fromCore(packet({ dst }))])[0]!;
  apply(plane, [DELIVER, put({ kind: 'tunnel', prefix: '2001:db8:1::/48', locator: PEER })]);
  assert.deepEqual([MN, '2001:db8:1:1::11', CN].map(towards), ['deliver', 'core', 'pass']);
  apply(plane, [put({ kind: 'tunnel', prefix: '::/0', locator: THIRD })]);
  assert.deepEqual([MN, '2001:db8:1:1::11', CN].map(towards), ['deliver', 'core', 'core']);
  apply(plane, [put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD })]);
  assert.equal(towards(MN), 'core');
  assert.equal(plane.dump().destinations.length, 3);
  apply(plane, [{ op: 'delete', kind: 'destination', prefix: '2001:db8:1::/48' }]);
  const [out] = plane.process([fromCore(packet({ dst: '2001:db8:1:1::11' }))], 0);
  assert.deepEqual(out!.verdict, { action: 'core', locator: THIRD });
});

test('sources belong to a link, and an entry without MAC serves any station', () => {
  const plane = dataPlane();
  apply(plane, [
    put({ kind: 'source', prefix: '2001:db8:1::/48', link: 1 }),
    put({ kind: 'source', prefix: `${MN}/128`, link: 2, mac: MAC }),
    put({ kind: 'source', prefix: `${MN}/128`, link: 2 }),
  ]);
  const other = '02:00:00:00:00:99';
  const batch = [
    fromAccess(packet(), other, 1),
    fromAccess(packet(), other, 2),
    fromAccess(packet(), MAC, 3),
  ];
  assert.deepEqual(outcomes(plane, batch), ['pass', 'pass', 'source-unknown']);
});

test('a replaced entry keeps the time of its last use', () => {
  const plane = dataPlane();
  apply(plane, [TUNNEL]);
  plane.process([fromCore(packet())], 12_345);
  apply(plane, [put({ kind: 'tunnel', prefix: '2001:db8:2:2::/64', locator: THIRD })]);
  assert.deepEqual(plane.dump().destinations, [
    { prefix: '2001:db8:2:2::/64', action: 'tunnel', lastUsed: 12_000 },
  ]);
});
