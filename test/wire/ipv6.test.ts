import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { upperLayerChecksum } from '../../host/wire/checksum.ts';
import { emitFrame, parseEthernet } from '../../host/wire/ethernet.ts';
import { emitIpv6, parseIpv6, parseIpv6Header, walkExtensions } from '../../host/wire/ipv6.ts';
import { address, mac, octets, record, uint8 } from './arbitraries.ts';

const SRC = '2001:db8::1';
const DST = '2001:db8::2';

test('a packet survives the way to octets and back, Ethernet padding is left out', () => {
  const fields = record({
    trafficClass: uint8,
    flowLabel: fc.integer({ min: 0, max: 0xfffff }),
    nextHeader: uint8,
    hopLimit: uint8,
    src: address,
    dst: address,
  });
  fc.assert(
    fc.property(fields, octets(0, 64), octets(0, 8), (header, payload, padding) => {
      const packet = emitIpv6(header, payload);
      const parsed = parseIpv6(Uint8Array.of(...packet, ...padding));
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.value, { ...header, payloadLength: payload.length, payload });
    }),
  );
});

test('a packet cut short still shows its header', () => {
  const packet = emitIpv6({ nextHeader: 17, hopLimit: 64, src: SRC, dst: DST }, new Uint8Array(100));
  const whole = parseIpv6(packet.subarray(0, 100));
  assert.deepEqual(whole, {
    ok: false,
    fault: { reason: 'truncated', offset: 100, what: 'payload of 100' },
  });
  const header = parseIpv6Header(packet.subarray(0, 40));
  assert.ok(header.ok && header.value.src === SRC);
  const short = parseIpv6Header(packet.subarray(0, 39));
  assert.ok(!short.ok && short.fault.reason === 'truncated');
  packet[0] = 0x45;
  const v4 = parseIpv6Header(packet);
  assert.ok(!v4.ok && v4.fault.reason === 'version');
});

test('extension headers are walked to the upper layer', () => {
  const hopByHop = [60, 0, 5, 2, 0, 0, 1, 0];
  const destination = [44, 1, 1, 12, ...new Array<number>(12).fill(0)];
  const fragment = [58, 0, 0, 1, 0, 0, 0, 7];
  const walk = walkExtensions({
    nextHeader: 0,
    payload: Uint8Array.of(...hopByHop, ...destination, ...fragment, 128, 0),
  });
  assert.ok(walk.ok);
  assert.equal(walk.value.nextHeader, 58);
  assert.equal(walk.value.offset, 40 + 32);
  assert.deepEqual([...walk.value.payload], [128, 0]);
  assert.deepEqual(walk.value.fragment, { offset: 0, more: true, identification: 7 });
  assert.deepEqual(
    walk.value.extensions.map(({ type, length }) => [type, length]),
    [
      [0, 8],
      [60, 16],
      [44, 8],
    ],
  );
});

test('the middle of a fragmented packet is not taken for an extension header', () => {
  const walk = walkExtensions({
    nextHeader: 44,
    payload: Uint8Array.of(60, 0, 0, 8, 0, 0, 0, 7, 58, 0),
  });
  assert.ok(walk.ok);
  assert.equal(walk.value.nextHeader, 60);
  assert.equal(walk.value.fragment?.offset, 8);
  assert.deepEqual([...walk.value.payload], [58, 0]);
});

test('a chain of extension headers is bounded, and never read beyond its end', () => {
  const empty = [60, 0, 1, 4, 0, 0, 0, 0];
  const long = walkExtensions({
    nextHeader: 60,
    payload: Uint8Array.from(new Array(17).fill(empty).flat()),
  });
  assert.ok(!long.ok && long.fault.reason === 'too-many');
  const cut = walkExtensions({ nextHeader: 60, payload: Uint8Array.of(58, 1, 0, 0, 0, 0, 0, 0) });
  assert.ok(!cut.ok && cut.fault.reason === 'truncated' && cut.fault.offset === 40);
});

test('the checksum is that of a packet computed by hand', () => {
  // Pseudo-header: 2 * (2001 + 0db8) + 1 + 2 + 8 + 3a = 5bb7; message: 8000 + 0001 = 8001; sum dbb8.
  const echo = Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 1);
  assert.equal(upperLayerChecksum(SRC, DST, 58, echo), 0xffff - 0xdbb8);
  // The last octet of an odd length is the upper half of a word.
  assert.equal(upperLayerChecksum('::', '::', 0, Uint8Array.of(1)), 0xffff - (0x0100 + 1));
});

test('a frame carries the packet and, for ICMPv6, a checksum that verifies', () => {
  fc.assert(
    fc.property(mac, mac, address, address, octets(4, 64), (srcMac, dstMac, src, dst, payload) => {
      const frame = emitFrame({ srcMac, dstMac, src, dst, hopLimit: 255, nextHeader: 58, payload });
      const ethernet = parseEthernet(frame);
      assert.ok(ethernet.ok);
      assert.deepEqual([ethernet.value.srcMac, ethernet.value.dstMac], [srcMac, dstMac]);
      assert.equal(ethernet.value.etherType, 0x86dd);
      const packet = parseIpv6(ethernet.value.payload);
      assert.ok(packet.ok);
      assert.equal(upperLayerChecksum(src, dst, 58, packet.value.payload), 0);
    }),
  );
  const short = parseEthernet(new Uint8Array(13));
  assert.ok(!short.ok && short.fault.reason === 'truncated');
});
