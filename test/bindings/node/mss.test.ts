/** TCP MSS (RFC 9293 section 3.7.1), lowered on the way into a tunnel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane, DataPlaneOptions } from '../../../bindings/dataplane.ts';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { CN, MN, SOURCE, TUNNEL, apply, dataPlane, fromAccess, hex, packet } from './support.ts';

const TCP = 6;
const OUTER = 40;

function tunnelling(options: Partial<DataPlaneOptions> = { clampMss: true }): DataPlane {
  const plane = dataPlane(options);
  apply(plane, [SOURCE, TUNNEL]);
  return plane;
}

function syn(options: readonly number[], { flags = 2, before = [] as number[], words = 0 } = {}): Uint8Array {
  const segment = new Uint8Array(20 + options.length);
  segment[12] = (words || 5 + options.length / 4) << 4;
  segment[13] = flags;
  segment.set(options, 20);
  fillChecksum(segment, 16, MN, CN, TCP);
  return packet({ next: before.length > 0 ? 60 : TCP, payload: Uint8Array.of(...before, ...segment) });
}

/** What the packet is within its tunnel, with the hop that it lost given back. */
function sent(plane: DataPlane, data: Uint8Array): Uint8Array {
  const [out] = plane.process([fromAccess(data)], 0);
  const inner = out!.data.slice(OUTER);
  inner[7]! += 1;
  return inner;
}

test('the MSS of a SYN is lowered to what fits, wherever the option stands, and its checksum with it', () => {
  const before = [TCP, 0, 1, 4, 0, 0, 0, 0];
  const most = [1400 >> 8, 1400 & 255];
  for (const value of [
    [0x05, 0x79],
    [0xff, 0xff],
  ]) {
    for (const around of [
      (mss: number[]): Uint8Array => syn([2, 4, ...mss]),
      (mss: number[]): Uint8Array => syn([1, 2, 4, ...mss, 1, 0, 0]),
      (mss: number[]): Uint8Array => syn([3, 3, 7, 1, 4, 2, 2, 4, ...mss, 1, 1], { flags: 0x12 }),
      (mss: number[]): Uint8Array => syn([2, 4, ...mss], { before }),
    ]) {
      const plane = tunnelling();
      assert.equal(hex(sent(plane, around(value))), hex(around(most)));
      assert.equal(plane.counters()['mss-clamped'], 1);
    }
  }
});

test('nothing else is touched', () => {
  const left: readonly [string, Uint8Array][] = [
    ['an MSS that fits', syn([2, 4, 0x05, 0x78])],
    ['no SYN', syn([2, 4, 0xff, 0xff], { flags: 0x10 })],
    ['after the end of the options', syn([0, 2, 4, 0xff, 0xff, 0, 0, 0])],
    ['an MSS of a wrong length', syn([2, 6, 0xff, 0xff, 0xff, 0xff, 1, 1])],
    ['behind an option of length 0', syn([8, 0, 2, 4, 0xff, 0xff, 1, 1])],
    ['behind an option that is too long', syn([8, 7, 2, 4])],
    ['a last octet that begins an option', syn([1, 1, 1, 2])],
    ['a data offset past the end', syn([2, 4, 0xff, 0xff], { words: 7 })],
    ['a data offset within the header', syn([2, 4, 0xff, 0xff], { words: 4 })],
    ['a segment cut short', packet({ next: TCP, payload: new Uint8Array(19).fill(0xff) })],
    [
      'a later fragment',
      packet({
        next: 44,
        payload: Uint8Array.of(TCP, 0, 0, 8, 0, 0, 0, 1, ...syn([2, 4, 255, 255]).subarray(40)),
      }),
    ],
  ];
  const plane = tunnelling();
  for (const [what, data] of left) assert.equal(hex(sent(plane, data)), hex(data), what);
  const large = syn([2, 4, 0xff, 0xff]);
  assert.equal(hex(sent(tunnelling({}), large)), hex(large), 'not asked for');
});

test('a wrong checksum stays as wrong as it was', () => {
  const wrong = syn([2, 4, 0xff, 0xff]);
  wrong[57]! ^= 0x11;
  const right = sent(tunnelling(), syn([2, 4, 0xff, 0xff]));
  const after = sent(tunnelling(), wrong);
  const checksum = (data: Uint8Array): number => (data[56]! << 8) | data[57]!;
  const original = syn([2, 4, 0xff, 0xff]);
  const moved = (from: Uint8Array, to: Uint8Array): number =>
    (checksum(to) - checksum(from) + 0xffff) % 0xffff;
  assert.equal(moved(original, right), moved(wrong, after));
});

test('where a tunnel carries less than 1,280 octets whole, segments of minimum MTU go in fragments', () => {
  const plane = tunnelling({ clampMss: true, coreMtu: 1280 });
  assert.equal(hex(sent(plane, syn([2, 4, 0xff, 0xff]))), hex(syn([2, 4, 1220 >> 8, 1220 & 255])));
});
