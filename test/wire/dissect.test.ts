import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../host/wire/capture.ts';
import { avp } from '../../host/wire/diameter/avp.ts';
import { Dictionary } from '../../host/wire/diameter/dictionary.ts';
import { encodeMessage } from '../../host/wire/diameter/message.ts';
import { emitDhcp } from '../../host/wire/dhcpv6/message.ts';
import { dissect } from '../../host/wire/dissect.ts';
import { emitFrame } from '../../host/wire/ethernet.ts';
import { emitIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import { emitIpv6 } from '../../host/wire/ipv6.ts';
import { emitUdp } from '../../host/wire/udp.ts';
import { emitMobility } from '../../host/wire/mobility/message.ts';

const A = '2001:db8::a';
const B = '2001:db8::b';

function packet(nextHeader: number, payload: Uint8Array): Uint8Array {
  return emitIpv6({ src: A, dst: B, nextHeader, hopLimit: 64 }, payload);
}

function layersOf(data: Uint8Array, linkType = LINKTYPE_RAW): string[] {
  const { layers, fault } = dissect(data, linkType);
  const names = layers.map(({ protocol, name }) => (name === undefined ? protocol : `${protocol} ${name}`));
  return fault === undefined ? names : [...names, fault.reason];
}

/** A TCP segment to port 3868; the checksum is of no interest to the dissector. */
function segment(data: Uint8Array): Uint8Array {
  return Uint8Array.of(
    0xc0,
    0,
    0x0f,
    0x1c,
    ...new Array<number>(8).fill(0),
    0x50,
    ...new Array<number>(7).fill(0),
    ...data,
  );
}

function watchdog(request: boolean): Uint8Array {
  const identity = [avp('Origin-Host', 'maar.example'), avp('Origin-Realm', 'example')];
  const flags = { request, proxiable: false, error: false, retransmitted: false };
  const header = { ...flags, command: 280, application: 0, hopByHop: 1, endToEnd: 2 };
  return encodeMessage({ ...header, avps: identity }, new Dictionary());
}

test('tunnels show outer before inner, to a bound', () => {
  const echo = emitIcmpv6(
    { kind: 'echo-request', identifier: 1, sequence: 2, data: new Uint8Array(4) },
    A,
    B,
  );
  assert.deepEqual(layersOf(packet(41, packet(58, echo))), ['IPv6', 'IPv6', 'ICMPv6 echo-request']);
  let nested = packet(58, echo);
  for (let depth = 0; depth < 20; depth++) nested = packet(41, nested);
  assert.deepEqual(layersOf(nested), [...new Array<string>(8).fill('IPv6'), 'too-many']);
});

test('DHCPv6 is named in either direction, and what is none on its ports is a fault', () => {
  const renew = emitDhcp({ kind: 'renew', transaction: 1, options: [] });
  const udp = (from: number, to: number, data: Uint8Array): string[] =>
    layersOf(packet(17, emitUdp(from, to, data, A, B)));
  assert.deepEqual(udp(546, 547, renew), ['IPv6', 'UDP', 'DHCPv6 renew']);
  assert.deepEqual(udp(547, 546, renew), ['IPv6', 'UDP', 'DHCPv6 renew']);
  assert.deepEqual(udp(547, 53, renew), ['IPv6', 'UDP']);
  assert.deepEqual(udp(546, 547, Uint8Array.of(99, 0, 0, 0)), ['IPv6', 'UDP', 'type-unknown']);
});

test('neighbour discovery in a frame is named, and a forged one is a fault', () => {
  const solicitation = {
    srcMac: '02:00:00:00:00:01',
    dstMac: '33:33:00:00:00:02',
    src: 'fe80::1',
    dst: 'ff02::2',
    nextHeader: 58,
    payload: Uint8Array.of(133, 0, 0, 0, 0, 0, 0, 0),
  };
  assert.deepEqual(layersOf(emitFrame({ ...solicitation, hopLimit: 255 }), LINKTYPE_ETHERNET), [
    'Ethernet',
    'IPv6',
    'ICMPv6 RS',
  ]);
  assert.deepEqual(layersOf(emitFrame({ ...solicitation, hopLimit: 64 }), LINKTYPE_ETHERNET), [
    'Ethernet',
    'IPv6',
    'hop-limit',
  ]);
});

test('a Mobility Header is shown with letters, seconds and names, or as the scheme reads it', () => {
  const update = { kind: 'BU', sequence: 37, flags: 0xd000, lifetime: 3 } as const;
  const options = [
    { kind: 'mn-id', id: 'alice' },
    { kind: 'unknown', type: 33, data: Uint8Array.of(0, 0) },
  ] as const;
  const data = packet(135, emitMobility({ ...update, options }, A, B));
  assert.deepEqual(dissect(data, LINKTYPE_RAW).layers[1], {
    protocol: 'Mobility',
    name: 'BU',
    fields: {
      sequence: 37,
      flags: 'AHK',
      lifetimeSeconds: 12,
      options: [options[0], { name: 'GRE Key', data: Uint8Array.of(0, 0) }],
    },
  });
  const described = dissect(data, LINKTYPE_RAW, () => ({ kind: 'xBU', status: 133 }));
  assert.deepEqual(described.layers[1], {
    protocol: 'Mobility',
    name: 'xBU',
    fields: { status: 133, statusName: 'not home agent for this mobile node' },
  });
});

test('every Diameter message that begins in a segment is named, a cut one too', () => {
  const both = Uint8Array.of(...watchdog(true), ...watchdog(false));
  const names = ['IPv6', 'TCP', 'Diameter DWR', 'Diameter DWA'];
  assert.deepEqual(layersOf(packet(6, segment(both))), names);
  assert.deepEqual(layersOf(packet(6, segment(both.subarray(0, both.length - 4)))), names);
  assert.deepEqual(layersOf(packet(6, segment(both.subarray(4)))), ['IPv6', 'TCP'], 'a continuation');
  assert.deepEqual(layersOf(packet(6, segment(both).subarray(0, 19))), ['IPv6', 'truncated']);
});

test('what is none of ours is data, and a fragment is not read as a whole', () => {
  assert.deepEqual(layersOf(new Uint8Array(60), LINKTYPE_ETHERNET), ['Ethernet', 'data']);
  assert.deepEqual(layersOf(new Uint8Array(60), 147), ['data']);
  assert.deepEqual(layersOf(packet(132, new Uint8Array(12))), ['IPv6', 'data']);
  assert.deepEqual(layersOf(packet(44, Uint8Array.of(58, 0, 0, 1, 0, 0, 0, 1, 128, 0))), ['IPv6', 'data']);
  assert.deepEqual(layersOf(packet(44, Uint8Array.of(58, 0, 0, 8, 0, 0, 0, 1, 128, 0))), ['IPv6', 'data']);
});
