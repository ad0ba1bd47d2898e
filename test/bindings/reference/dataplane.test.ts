import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlaneOptions, PacketIn } from '../../../bindings/dataplane.ts';
import type { Command, Entry } from '../../../bindings/entries.ts';
import { ReferenceDataPlane } from '../../../bindings/reference/dataplane.ts';
import { Disagreement, PairedDataPlane } from '../../../bindings/reference/paired.ts';
import type { Ipv6Fields } from '../../../host/wire/ipv6.ts';
import { emitIpv6 } from '../../../host/wire/ipv6.ts';

const MN = '2001:db8:1::a';
const CN = '2001:db8:2::b';
const MAC = '02:00:00:00:00:0a';
const options: DataPlaneOptions = {
  capacities: { batch: 16, destinations: 2, sources: 4, peers: 4, flows: 4, held: 3, flowEntries: 4 },
  locator: '2001:db8:ffff::1',
  seed: 1n,
  coreMtu: 1500,
  hopLimitDone: false,
};
const source: Entry = { kind: 'source', prefix: '2001:db8:1::/64', link: 0 };
const deliver = (prefix: string): Entry => ({
  kind: 'deliver',
  prefix,
  link: 0,
  nextHop: 'fe80::a',
  mac: MAC,
});

function put(...entries: Entry[]): Command[] {
  return entries.map((entry) => ({ op: 'put', entry }));
}

function packet(fields: Partial<Ipv6Fields> = {}): Uint8Array {
  return emitIpv6({ nextHeader: 59, hopLimit: 64, src: MN, dst: CN, ...fields }, new Uint8Array(8));
}

const fromAccess = (data: Uint8Array): PacketIn => ({ data, port: { side: 'access', link: 0 }, mac: MAC });

function verdicts(plane: ReferenceDataPlane, now: number, ...batch: PacketIn[]): string[] {
  return plane
    .process(batch, now)
    .map(({ verdict }) => ('reason' in verdict ? verdict.reason : verdict.action));
}

test('the longest prefix wins, and a full table refuses only new keys', () => {
  const plane = new ReferenceDataPlane(options);
  const tunnel: Entry = { kind: 'tunnel', prefix: '2001:db8:2::/64', locator: '2001:db8:ffff::2' };
  const third = deliver('2001:db8:5::/64');
  assert.deepEqual(plane.apply(put(source, tunnel, deliver(`${CN}/128`), third), 0), [
    'ok',
    'ok',
    'ok',
    'full',
  ]);
  assert.deepEqual(verdicts(plane, 0, fromAccess(packet())), ['deliver']);
  assert.deepEqual(plane.apply(put({ ...tunnel, locator: '2001:db8:ffff::3' }), 0), ['ok']);
  const [out] = plane.process([fromAccess(packet({ dst: '2001:db8:2::c' }))], 0);
  assert.deepEqual(out?.verdict, { action: 'core', locator: '2001:db8:ffff::3' });
  // Hop limit 64 less one on the inner packet, 64 on the outer.
  assert.equal(out.data[47], 63);
  assert.equal(out.data[7], 64);
});

test('a budget displaces the oldest, release keeps the order, a new hold has no output', () => {
  const plane = new ReferenceDataPlane(options);
  const hold: Entry = { kind: 'hold', direction: 'from', prefix: '::/0', packets: 2, millis: 100 };
  plane.apply(put(hold), 0);
  const sent = [1, 2, 3].map((flowLabel) => fromAccess(packet({ flowLabel })));
  assert.deepEqual(verdicts(plane, 0, ...sent), ['hold', 'hold', 'hold', 'hold-overflow']);
  assert.equal(plane.deadline(), 100);
  plane.apply([{ op: 'release', direction: 'from', prefix: '::/0' }], 0);
  assert.equal(plane.deadline(), 0);
  assert.deepEqual(verdicts(plane, 50), []);
  assert.equal(plane.deadline(), 150);
  plane.apply([...put(source), { op: 'release', direction: 'from', prefix: '2001:db8:1::/64' }], 50);
  const released = plane.process([], 60);
  assert.deepEqual(
    released.map(({ data, input }) => [data[3], input]),
    [
      [2, -1],
      [3, -1],
    ],
  );
});

test('an expired packet is dropped and its entry named', () => {
  const plane = new ReferenceDataPlane(options);
  plane.apply(put({ kind: 'hold', direction: 'from', prefix: '::/0', packets: 2, millis: 100 }), 0);
  verdicts(plane, 0, fromAccess(packet()));
  assert.deepEqual(verdicts(plane, 99), []);
  assert.deepEqual(verdicts(plane, 100), ['hold-expired']);
  assert.deepEqual(plane.events(), [
    { kind: 'unknown-source', src: MN, link: 0, mac: MAC },
    { kind: 'hold-drop', direction: 'from', prefix: '::/0' },
  ]);
});

test('a flow is reported when new and after silence of more than a second', () => {
  const plane = new ReferenceDataPlane(options);
  plane.apply(put(source), 0);
  const flows = (now: number): number => {
    plane.process([fromAccess(packet())], now);
    return plane.events().length;
  };
  assert.deepEqual([0, 900, 1900, 2000, 4000].map(flows), [1, 0, 0, 0, 1]);
});

test('a repeated unknown source is reported once in 100 ms', () => {
  const plane = new ReferenceDataPlane(options);
  const events = (now: number): number => {
    plane.process([fromAccess(packet()), fromAccess(packet())], now);
    return plane.events().length;
  };
  assert.deepEqual([0, 99, 100, 150].map(events), [1, 0, 1, 0]);
});

test('Packet Too Big is limited to a burst of 20, then one in 10 ms', () => {
  const plane = new ReferenceDataPlane(options);
  const tunnel: Entry = { kind: 'tunnel', prefix: '::/0', locator: '2001:db8:ffff::2' };
  plane.apply(put(source, tunnel), 0);
  const large = fromAccess(
    emitIpv6({ nextHeader: 59, hopLimit: 64, src: MN, dst: CN }, new Uint8Array(1421)),
  );
  const made = (now: number, packets: number): number =>
    plane.process(Array<PacketIn>(packets).fill(large), now).length - packets;
  assert.equal(made(0, 30), 20);
  assert.equal(made(9, 5), 0);
  assert.equal(made(10, 5), 1);
  assert.equal(made(60, 10), 5);
});

test('options that the module refuses are refused', () => {
  assert.throws(() => new ReferenceDataPlane({ ...options, locator: 'fe80::1' }), /locator fe80::1/);
  assert.throws(() => new ReferenceDataPlane({ ...options, coreMtu: 1279 }), /coreMtu 1279/);
});

test('a pair tells the packet and the field in which its sides differ', () => {
  const pair = new PairedDataPlane(
    { name: 'left', plane: new ReferenceDataPlane(options) },
    { name: 'right', plane: new ReferenceDataPlane({ ...options, hopLimitDone: true }) },
  );
  pair.apply(put(source, deliver(`${CN}/128`)), 0);
  assert.throws(
    () => pair.process([fromAccess(packet({ dst: 'fe80::1' })), fromAccess(packet())], 0),
    (error) => error instanceof Disagreement && error.input === 1 && error.field === 'output 1 octets',
  );
});
