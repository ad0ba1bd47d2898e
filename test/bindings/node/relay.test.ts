/** ICMPv6 errors from inside a tunnel (RFC 2473 section 8). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane } from '../../../bindings/dataplane.ts';
import { readAddress } from '../../../bindings/node/text.ts';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import {
  LOCATOR,
  MN,
  PEER,
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

const ROUTER = '2001:db8:ee::1';

interface Error {
  readonly type: number;
  readonly code?: number;
  readonly mtu?: number;
  /** Octets quoted of the outer packet. */
  readonly quoted?: number;
  readonly outer?: Uint8Array;
}

const ours = (inner: Uint8Array): Uint8Array => packet({ src: LOCATOR, dst: PEER, next: 41, payload: inner });

function error(inner: Uint8Array, { type, code = 0, mtu = 0, quoted = 1232, outer }: Error): Uint8Array {
  const message = Uint8Array.of(type, code, 0, 0, 0, 0, 0, 0, ...(outer ?? ours(inner)).subarray(0, quoted));
  new DataView(message.buffer).setUint32(4, mtu);
  fillChecksum(message, 2, ROUTER, LOCATOR, 58);
  return packet({ src: ROUTER, dst: LOCATOR, next: 58, payload: message });
}

function tunnelling(): DataPlane {
  const plane = dataPlane();
  apply(plane, [SOURCE, TUNNEL]);
  return plane;
}

const inner = packet();
const long = packet({ payload: new Uint8Array(1400) });
const minimum = packet({ payload: new Uint8Array(1240) });

test('what could not be reached through the tunnel is an address unreachable to the inner source', () => {
  const plane = tunnelling();
  for (const one of [{ type: 1 }, { type: 1, code: 4 }, { type: 3 }]) {
    const [passed, answer, ...more] = plane.process([fromCore(error(inner, one))], 0);
    assert.deepEqual(more, []);
    assert.deepEqual([passed!.verdict, answer!.verdict], [{ action: 'pass' }, { action: 'pass' }]);
    assert.deepEqual([passed!.input, answer!.input], [0, -1]);
    assert.equal(readAddress(answer!.data, 8), LOCATOR);
    assert.equal(readAddress(answer!.data, 24), MN);
    assert.equal(hex(answer!.data.subarray(40, 42)), '0103');
    assert.equal(hex(answer!.data.subarray(44)), `00000000${hex(inner)}`);
  }
  assert.equal(plane.counters()['errors-relayed'], 3);
  assert.equal(plane.counters()['passed'], 3);
});

test('Packet Too Big lowers the path MTU, never under 1,280, and never raises it', () => {
  const plane = tunnelling();
  const [, answer] = plane.process([fromCore(error(long, { type: 2, mtu: 1420 }))], 5000);
  assert.equal(hex(answer!.data.subarray(40, 42)), '0200');
  assert.equal(hex(answer!.data.subarray(44, 48)), '00000564'); // 1,380
  assert.deepEqual(outcomes(plane, [fromAccess(long)], 5000), ['too-big', 'pass']);
  assert.deepEqual(outcomes(plane, [fromCore(error(long, { type: 2, mtu: 1500 }))], 5000), ['pass', 'pass']);
  assert.deepEqual(outcomes(plane, [fromAccess(long)], 5000), ['too-big', 'pass']);
  assert.deepEqual(outcomes(plane, [fromAccess(minimum)], 5000), ['core']);
  assert.deepEqual(outcomes(plane, [fromCore(error(minimum, { type: 2, mtu: 0 }))], 6000), ['pass']);
  const [first, second] = plane.process([fromAccess(minimum)], 6000);
  assert.equal(first!.data.length, 1280);
  assert.equal(second!.data.length, 48 + 48);
  assert.equal(plane.counters()['errors-relayed'], 2);
});

test('a path MTU is forgotten after ten minutes, and with the last entry of its tunnel', () => {
  const plane = tunnelling();
  plane.process([fromCore(error(minimum, { type: 2, mtu: 1280 }))], 7000);
  assert.deepEqual(outcomes(plane, [fromAccess(minimum)], 606_999), ['core', 'core']);
  assert.deepEqual(outcomes(plane, [fromAccess(minimum)], 607_000), ['core']);
  plane.process([fromCore(error(minimum, { type: 2, mtu: 1280 }))], 607_000);
  apply(plane, [TUNNEL]);
  assert.deepEqual(outcomes(plane, [fromAccess(minimum)], 607_000), ['core', 'core']);
  apply(plane, [{ op: 'delete', kind: 'destination', prefix: '2001:db8:2:2::/64' }, TUNNEL]);
  assert.deepEqual(outcomes(plane, [fromAccess(minimum)], 607_000), ['core']);
});

test('a packet that fits its tunnel is not told to be smaller, and no message is spent on it', () => {
  const plane = tunnelling();
  const fits = packet({ payload: new Uint8Array(1300) });
  for (let round = 0; round < 200; round++) {
    for (const mtu of [1500, 9000]) {
      assert.deepEqual(outcomes(plane, [fromCore(error(fits, { type: 2, mtu }))]), ['pass']);
    }
  }
  const [, answer] = plane.process([fromCore(error(fits, { type: 2, mtu: 1379 }))], 0);
  assert.equal(hex(answer!.data.subarray(44, 48)), '0000053b'); // 1,339
  const { 'errors-relayed': relayed, 'icmp-limited': limited } = plane.counters();
  assert.deepEqual([relayed, limited], [1, 0]);
});

test('an error of a peer in an atomic fragment, behind destination options', () => {
  const plane = tunnelling();
  apply(plane, [put({ kind: 'peer', address: PEER })]);
  const message = Uint8Array.of(2, 0, 0, 0, 0, 0, 0x05, 0x78, ...ours(long).subarray(0, 1100));
  fillChecksum(message, 2, PEER, LOCATOR, 58);
  const options = Uint8Array.of(58, 0, 1, 4, 0, 0, 0, 0, ...message);
  const payload = Uint8Array.of(60, 0, 0, 0, 0, 0, 0, 9, ...options);
  const fragment = packet({ src: PEER, dst: LOCATOR, next: 44, payload });
  assert.deepEqual(outcomes(plane, [fromCore(fragment)]), ['pass', 'pass']);
  assert.equal(plane.counters()['errors-relayed'], 1);
});

test('an error about the first of two outer fragments is one about the packet', () => {
  const plane = tunnelling();
  const fragment = packet({
    src: LOCATOR,
    dst: PEER,
    next: 44,
    payload: Uint8Array.of(41, 0, 0, 1, 0, 0, 0, 7, ...minimum.subarray(0, 1232)),
  });
  const one = error(minimum, { type: 3, outer: fragment });
  assert.deepEqual(outcomes(plane, [fromCore(one)]), ['pass', 'pass']);
});

test('nothing comes of an error that is forged, cut too short, or not about a tunnel', () => {
  const plane = tunnelling();
  apply(plane, [put({ kind: 'peer', address: THIRD })]);
  const wrong = error(inner, { type: 1 });
  wrong[43]! ^= 1;
  const others: Uint8Array[] = [
    wrong,
    error(inner, { type: 3, code: 1 }),
    error(inner, { type: 4 }),
    error(inner, { type: 128 }),
    error(inner, { type: 1, quoted: 79 }),
    error(inner, { type: 1, outer: packet({ src: LOCATOR, dst: THIRD, next: 41, payload: inner }) }),
    error(inner, { type: 1, outer: packet({ src: PEER, dst: PEER, next: 41, payload: inner }) }),
    error(inner, { type: 1, outer: packet({ src: LOCATOR, dst: PEER, next: 58, payload: inner }) }),
    error(packet({ src: 'fe80::1' }), { type: 1 }),
    error(packet({ src: 'ff02::1' }), { type: 1 }),
    error(packet({ next: 58, payload: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) }), { type: 1 }),
  ];
  for (const [index, one] of others.entries()) {
    assert.deepEqual(outcomes(plane, [fromCore(one)]), ['pass'], `error ${index}`);
  }
  assert.equal(plane.counters()['errors-relayed'], 0);
});
