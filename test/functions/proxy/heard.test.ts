import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFrame } from '../../../host/functions/proxy/heard.ts';
import { seededRandom } from '../../../host/sim/random.ts';
import { linkLocalOf, multicastMac, solicitedNode } from '../../../host/wire/address.ts';
import { emitFrame } from '../../../host/wire/ethernet.ts';
import { emitIcmpv6, type Icmpv6Message } from '../../../host/wire/icmpv6/message.ts';
import { NEXT_HEADER } from '../../../host/wire/ipv6.ts';
import { emitUdp } from '../../../host/wire/udp.ts';

const MAC = '02:00:00:00:00:0a';
const HOME = '2001:db8:12:1::a';
const ROUTER = '02:00:5e:10:00:00';

function discovery(message: Icmpv6Message, src: string, dst: string, hopLimit = 255): Uint8Array {
  return emitFrame({
    srcMac: MAC,
    dstMac: dst.startsWith('ff') ? multicastMac(dst) : ROUTER,
    src,
    dst,
    hopLimit,
    nextHeader: NEXT_HEADER.icmpv6,
    payload: emitIcmpv6(message, src, dst),
  });
}

function read(data: Uint8Array): ReturnType<typeof readFrame> {
  return readFrame(0, 'pA', data);
}

test('a data frame tells the station and its address, also when it is cut short', () => {
  const frame = emitFrame({
    srcMac: MAC,
    dstMac: ROUTER,
    src: HOME,
    dst: '2001:db8:99::1',
    hopLimit: 64,
    nextHeader: NEXT_HEADER.udp,
    payload: new Uint8Array(1000),
  });
  const result = read(frame.subarray(0, 128));
  assert.ok(result.ok);
  assert.deepEqual([result.value.mac, result.value.trigger, result.value.address], [MAC, 'frame', HOME]);
});

test('what is for DHCPv6 servers is taken out of its datagram, and only that', () => {
  const src = linkLocalOf(MAC);
  const frame = (dst: string, port: number, damage = 0): ReturnType<typeof readFrame> => {
    const payload = emitUdp(546, port, Uint8Array.of(1, 2, 3), src, dst);
    payload[8]! ^= damage;
    const dstMac = dst.startsWith('ff') ? multicastMac(dst) : ROUTER;
    return read(
      emitFrame({ srcMac: MAC, dstMac, src, dst, hopLimit: 1, nextHeader: NEXT_HEADER.udp, payload }),
    );
  };
  const heard = frame('ff02::1:2', 547);
  assert.deepEqual(heard.ok && [heard.value.trigger, heard.value.address, heard.value.dhcp], [
    'frame',
    src,
    Uint8Array.of(1, 2, 3),
  ]);
  for (const other of [frame('ff02::1:2', 53), frame('2001:db8:99::1', 547)]) {
    assert.ok(other.ok && other.value.dhcp === undefined);
  }
  assert.equal(frame('ff02::1:2', 547, 1).ok, false);
});

test('duplicate address detection tells the address that the station is about to use', () => {
  const result = read(discovery({ kind: 'NS', target: HOME, options: [] }, '::', solicitedNode(HOME)));
  assert.ok(result.ok);
  assert.deepEqual([result.value.trigger, result.value.address], ['neighbour', HOME]);
});

test("an aware MN's Solicitation names its homes and correspondents", () => {
  const list = { kind: 'address-list', homes: [HOME], correspondents: ['2001:db8:13:1::b'] } as const;
  const result = read(discovery({ kind: 'RS', options: [list] }, linkLocalOf(MAC), 'ff02::2'));
  assert.ok(result.ok);
  assert.equal(result.value.trigger, 'rs');
  assert.deepEqual(result.value.homes, [HOME]);
  assert.deepEqual(result.value.correspondents, ['2001:db8:13:1::b']);
});

test('neighbour discovery that has crossed a router is no sign of anybody', () => {
  const result = read(discovery({ kind: 'RS', options: [] }, linkLocalOf(MAC), 'ff02::2', 254));
  assert.ok(!result.ok);
  assert.equal(result.fault.reason, 'hop-limit');
});

test('group addresses as a source, and what is not IPv6, are faults', () => {
  const frame = discovery({ kind: 'RS', options: [] }, linkLocalOf(MAC), 'ff02::2');
  const group = frame.slice();
  group[6]! |= 1;
  const arp = frame.slice();
  arp[13] = 0x06;
  assert.equal(read(group).ok, false);
  assert.equal(read(arp).ok, false);
});

test('no frame, however damaged, throws', () => {
  const random = seededRandom(7, 'frames');
  const frame = discovery({ kind: 'RS', options: [] }, linkLocalOf(MAC), 'ff02::2');
  for (let round = 0; round < 20_000; round++) {
    const damaged = frame.slice(0, Math.floor(random() * (frame.length + 1)));
    for (let flips = 0; flips < 3 && damaged.length > 0; flips++) {
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    }
    read(damaged);
  }
});
