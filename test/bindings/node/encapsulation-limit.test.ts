/** The Tunnel Encapsulation Limit option (RFC 2473 section 4.1.1). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane, DataPlaneOptions, PacketOut } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
import { readAddress } from '../../../bindings/node/text.ts';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { paired } from '../../dataplane/engines.ts';
import {
  CN,
  DELIVER,
  LOCATOR,
  MAC,
  MN,
  OPTIONS,
  PEER,
  PEERING,
  SOURCE,
  THIRD,
  fromAccess,
  fromCore,
  hex,
  outcome,
  packet,
  put,
  tunnelled,
} from './support.ts';

const OPTIONS_HEADER = 60;
const LIMITED = put({ kind: 'tunnel', prefix: `${CN}/128`, locator: PEER, limit: 4 });
const PLAIN = put({ kind: 'tunnel', prefix: `${CN}/128`, locator: PEER });
const TO_CN = put({ kind: 'deliver', prefix: `${CN}/128`, link: 0, nextHop: 'fe80::20', mac: MAC });
const MOVED = put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD });

function plane(commands: readonly Command[], options: Partial<DataPlaneOptions> = {}): DataPlane {
  const made = paired('maar', { ...OPTIONS, ...options });
  assert.deepEqual(
    made.apply(commands, 0),
    commands.map(() => 'ok'),
  );
  return made;
}

const limitHeader = (limit: number, next = 41): Uint8Array => Uint8Array.of(next, 0, 4, 1, limit, 1, 1, 0);

/** A packet whose destination options come before its payload. */
const carrying = (options: Uint8Array, inner: Uint8Array, src = MN, dst = CN): Uint8Array =>
  packet({ src, dst, next: OPTIONS_HEADER, payload: Uint8Array.of(...options, ...inner) });

const sent = (
  commands: readonly Command[],
  data: Uint8Array,
  options: Partial<DataPlaneOptions> = {},
): PacketOut[] => plane([SOURCE, ...commands], options).process([fromAccess(data)], 0);

const arrived = (commands: readonly Command[], options: Uint8Array, hops = 64): PacketOut[] =>
  plane([PEERING, ...commands]).process(
    [
      fromCore(
        tunnelled(Uint8Array.of(...options, ...packet({ src: CN, dst: MN })), {
          next: OPTIONS_HEADER,
          hops,
        }),
      ),
    ],
    0,
  );

test('the limit of an entry, or of a reverse locator, goes in an options header before the inner packet', () => {
  const reverse = put({ kind: 'source', prefix: `${MN}/128`, link: 0, reverse: PEER, limit: 0 });
  for (const [commands, limit] of [
    [[LIMITED], 4],
    [[reverse], 0],
  ] as const) {
    const [out] = sent(commands, packet());
    const inner = packet({ hops: 63 });
    assert.equal(out!.data[6], OPTIONS_HEADER);
    assert.equal(out!.data[5], 8 + inner.length);
    assert.equal(hex(out!.data.subarray(40)), hex(limitHeader(limit)) + hex(inner));
  }
});

test('limits are whole numbers from 0 to 254', () => {
  const made = plane([]);
  for (const limit of [255, 256, -1, 1.5]) {
    const tunnel = put({ kind: 'tunnel', prefix: `${CN}/128`, locator: PEER, limit });
    const source = put({ kind: 'source', prefix: `${MN}/128`, link: 0, reverse: PEER, limit });
    assert.deepEqual(made.apply([tunnel, source], 0), ['invalid', 'invalid']);
  }
});

test('a packet that is in a tunnel already passes on one less than its own limit, whatever the entry says', () => {
  for (const entry of [LIMITED, PLAIN]) {
    const [out] = sent([entry], carrying(limitHeader(9, 17), new Uint8Array(8)));
    assert.equal(hex(out!.data.subarray(40, 48)), hex(limitHeader(8)));
  }
  const [behind] = sent([PLAIN], carrying(Uint8Array.of(17, 0, 0, 0, 4, 1, 1, 0), new Uint8Array(8)));
  assert.equal(hex(behind!.data.subarray(40, 48)), hex(limitHeader(0)));
  const [none] = sent([PLAIN], carrying(Uint8Array.of(17, 0, 4, 2, 0, 0, 0, 0), new Uint8Array(8)));
  assert.equal(none!.data[6], 41);
});

test('with its limit at 0 it is dropped, and its source is told where the limit is', () => {
  const data = carrying(limitHeader(0, 17), new Uint8Array(8));
  const [dropped, problem, ...more] = sent([PLAIN], data);
  assert.deepEqual([outcome(dropped!), outcome(problem!), more], ['encapsulation-limit', 'pass', []]);
  assert.equal(readAddress(problem!.data, 24), MN);
  assert.equal(hex(problem!.data.subarray(40, 42)), '0400');
  assert.equal(hex(problem!.data.subarray(44, 48)), '0000002c');
  assert.equal(hex(problem!.data.subarray(48)), hex(dropped!.data));
  assert.equal(dropped!.data[44], 0);
});

test('tunnelled on, a packet carries one less than it came with; a limit of 0 ends it', () => {
  const [on] = arrived([MOVED], limitHeader(3), 40);
  assert.equal(outcome(on!), 'core');
  assert.deepEqual([on!.data[6], on!.data[7]], [OPTIONS_HEADER, 32]);
  assert.equal(hex(on!.data.subarray(40, 48)), hex(limitHeader(2)));
  assert.deepEqual(arrived([MOVED], limitHeader(0)).map(outcome), ['loop']);
});

test('held in between, it keeps its limit', () => {
  const hold = put({ kind: 'hold', direction: 'to', prefix: '::/0', packets: 2, millis: 1000 });
  const made = plane([PEERING, hold]);
  const data = Uint8Array.of(...limitHeader(3), ...packet({ src: CN, dst: MN }));
  const kept = made.process([fromCore(tunnelled(data, { next: OPTIONS_HEADER }))], 0);
  assert.deepEqual(kept.map(outcome), ['hold']);
  made.apply([MOVED, { op: 'release', direction: 'to', prefix: '::/0' }], 1);
  const [on] = made.process([], 2);
  assert.equal(hex(on!.data.subarray(40, 48)), hex(limitHeader(2)));
});

test('at the exit, options come off that may be skipped; others, and what is truncated, drop', () => {
  const inner = packet({ src: CN, dst: MN, hops: 63 });
  const skipped = [
    limitHeader(0),
    Uint8Array.of(41, 0, 1, 4, 0, 0, 0, 0),
    Uint8Array.of(41, 1, 0x3e, 4, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 4, 1, 7, 0),
  ];
  for (const options of skipped) {
    const [out] = arrived([DELIVER], options);
    assert.equal(outcome(out!), 'deliver');
    assert.equal(hex(out!.data), hex(inner));
  }
  const refused = [
    Uint8Array.of(41, 0, 0x41, 4, 0, 0, 0, 0),
    Uint8Array.of(41, 0, 0x81, 4, 0, 0, 0, 0),
    Uint8Array.of(41, 0, 4, 1, 7, 1, 2, 0),
    Uint8Array.of(41, 0, 0, 0, 0, 0, 0, 4),
    Uint8Array.of(41, 200, 4, 1, 7, 1, 1, 0),
  ];
  for (const options of refused) assert.deepEqual(arrived([DELIVER], options).map(outcome), ['extension']);
});

test('8 octets more count in MTU, Packet Too Big, fragments and MSS', () => {
  const [fits] = sent([LIMITED], packet({ payload: new Uint8Array(1412) }));
  assert.equal(fits!.data.length, 1500);
  const [dropped, tooBig] = sent([LIMITED], packet({ payload: new Uint8Array(1413) }));
  assert.equal(outcome(dropped!), 'too-big');
  assert.equal(dropped!.data.length, 1453);
  assert.equal(hex(tooBig!.data.subarray(44, 48)), '000005ac');

  const inner = packet({ payload: new Uint8Array(1240).fill(5) });
  const [first, second] = sent([LIMITED], inner, { coreMtu: 1320, hopLimitDone: true });
  assert.deepEqual([first!.data.length, second!.data.length], [1320, 64]);
  for (const { data } of [first!, second!]) assert.deepEqual([data[6], data[40]], [44, OPTIONS_HEADER]);
  const exit = plane([put({ kind: 'peer', address: LOCATOR }), TO_CN], {
    locator: PEER,
    hopLimitDone: true,
  });
  const out = exit.process([fromCore(second!.data), fromCore(first!.data)], 0);
  assert.deepEqual(out.map(outcome), ['hold', 'deliver']);
  assert.equal(hex(out[1]!.data), hex(inner));

  const syn = new Uint8Array(24);
  syn.set([6 << 4, 2], 12);
  syn.set([2, 4, 0x05, 0xb4], 20);
  const [clamped] = sent([LIMITED], packet({ next: 6, payload: syn }), { clampMss: true });
  assert.equal(hex(clamped!.data.subarray(-2)), '0570');
});

/** What a router within the tunnel to PEER says of a packet that carries a limit. */
function reported(type: number, parameter: number, limit: number, inner = packet()): Uint8Array {
  const outer = carrying(limitHeader(limit), inner, LOCATOR, PEER);
  const message = Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, ...outer.subarray(0, 1200));
  new DataView(message.buffer).setUint32(4, parameter);
  fillChecksum(message, 2, THIRD, LOCATOR, 58);
  return packet({ src: THIRD, dst: LOCATOR, next: 58, payload: message });
}

test('a Parameter Problem that points at our limit becomes an address unreachable; no other is told on', () => {
  const relayed = plane([LIMITED]).process([fromCore(reported(4, 44, 0))], 0);
  assert.deepEqual(relayed.map(outcome), ['pass', 'pass']);
  assert.equal(readAddress(relayed[1]!.data, 24), MN);
  assert.equal(hex(relayed[1]!.data.subarray(40, 42)), '0103');
  for (const [pointer, limit] of [
    [44, 1],
    [43, 0],
    [6, 0],
    [0xffff_ffff, 0],
  ] as const) {
    const alone = plane([LIMITED]).process([fromCore(reported(4, pointer, limit))], 0);
    assert.deepEqual(alone.map(outcome), ['pass']);
  }
});

test('Packet Too Big from inside lowers the MTU of every tunnel to the locator', () => {
  const made = plane([SOURCE, LIMITED, put({ kind: 'tunnel', prefix: '2001:db8:9::/64', locator: PEER })]);
  const long = packet({ payload: new Uint8Array(1400) });
  const [, told] = made.process([fromCore(reported(2, 1400, 4, long))], 0);
  assert.equal(hex(told!.data.subarray(44, 48)), '00000548');
  for (const [dst, most] of [
    [CN, 1352],
    ['2001:db8:9::1', 1360],
  ] as const) {
    const [fits] = made.process([fromAccess(packet({ dst, payload: new Uint8Array(most - 40) }))], 0);
    assert.equal(fits!.data.length, 1400);
    const [dropped] = made.process([fromAccess(packet({ dst, payload: new Uint8Array(most - 39) }))], 0);
    assert.equal(outcome(dropped!), 'too-big');
  }
});
