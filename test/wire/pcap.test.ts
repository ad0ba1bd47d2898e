import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Capture } from '../../host/wire/capture.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_IPV6, LINKTYPE_RAW, parseCapture } from '../../host/wire/capture.ts';
import { writePcap } from '../../host/wire/pcap.ts';
import { writePcapng } from '../../host/wire/pcapng.ts';
import { hasPath, hasTool, output } from '../support/tools.ts';

const zeek = new URL('../../../shared/vectors/zeek/', import.meta.url);
const time = 1_700_000_000_123_456_789n;

const linkTypes = fc.constantFrom(LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_IPV6);
const times = fc.bigInt({ min: 0n, max: (1n << 32n) * 1_000_000_000n - 1n });
const payload = fc.uint8Array({ maxLength: 90 });

/** A classic pcap file made by hand, so that the reader is not judged by the writer. */
function classic(little: boolean, magic: number, fraction: number): Uint8Array {
  const file = new Uint8Array(24 + 16 + 3);
  const view = new DataView(file.buffer);
  view.setUint32(0, magic, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, 65535, little);
  view.setUint32(20, LINKTYPE_IPV6, little);
  view.setUint32(24, 1_700_000_000, little);
  view.setUint32(28, fraction, little);
  view.setUint32(32, 3, little);
  view.setUint32(36, 60, little);
  file.set([1, 2, 3], 40);
  return file;
}

test('reads pcap of either byte order, with microseconds or nanoseconds', () => {
  for (const little of [true, false]) {
    for (const [magic, fraction, nanos] of [
      [0xa1b2c3d4, 123_456, 123_456_000n],
      [0xa1b23c4d, 123_456_789, 123_456_789n],
    ] as const) {
      const read = parseCapture(classic(little, magic, fraction));
      assert.ok(read.ok);
      assert.deepEqual(read.capture.interfaces, [{ linkType: LINKTYPE_IPV6, snapLength: 65535 }]);
      assert.deepEqual(read.capture.packets, [
        {
          interface: 0,
          time: 1_700_000_000_000_000_000n + nanos,
          data: Uint8Array.of(1, 2, 3),
          length: 60,
        },
      ]);
    }
  }
});

test('what pcap writes it reads again', () => {
  fc.assert(
    fc.property(linkTypes, fc.array(fc.tuple(times, payload, fc.nat(9000))), (linkType, rows) => {
      const capture: Capture = {
        interfaces: [{ linkType, snapLength: 262_144 }],
        packets: rows.map(([at, data, more]) => ({
          interface: 0,
          time: at,
          data,
          length: data.length + more,
        })),
      };
      assert.deepEqual(parseCapture(writePcap(capture)), { ok: true, capture });
    }),
  );
});

test('what pcapng writes it reads again, with interface names and comments', () => {
  const interfaces = fc.array(
    fc.record(
      { linkType: linkTypes, snapLength: fc.nat(), name: fc.string() },
      { noNullPrototype: true, requiredKeys: ['linkType', 'snapLength'] },
    ),
    { minLength: 1, maxLength: 5 },
  );
  const rows = fc.array(fc.tuple(fc.nat(), times, payload, fc.array(fc.string(), { maxLength: 3 })));
  fc.assert(
    fc.property(interfaces, rows, (described, packets) => {
      const capture: Capture = {
        interfaces: described,
        packets: packets.map(([pick, at, data, comments]) => ({
          interface: pick % described.length,
          time: at,
          data,
          length: data.length,
          ...(comments.length === 0 ? {} : { comments }),
        })),
      };
      assert.deepEqual(parseCapture(writePcapng(capture)), { ok: true, capture });
    }),
  );
});

/** A pcapng block made by hand, of either byte order. */
function block(little: boolean, type: number, body: readonly number[]): number[] {
  const u32 = (value: number): number[] => {
    const bytes = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
    return little ? bytes.reverse() : bytes;
  };
  return [...u32(type), ...u32(body.length + 12), ...body, ...u32(body.length + 12)];
}

test('reads a big-endian section after a little-endian one, skips unknown blocks, scales times', () => {
  const file = Uint8Array.from([
    ...block(true, 0x0a0d0d0a, [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, ...Array(8).fill(255)]),
    ...block(true, 1, [LINKTYPE_RAW, 0, 0, 0, 2, 0, 0, 0]),
    ...block(true, 0xbad, [1, 2, 3, 4]),
    ...block(true, 3, [3, 0, 0, 0, 0x61, 0x62, 0, 0]),
    ...block(false, 0x0a0d0d0a, [0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, ...Array(8).fill(255)]),
    // Resolution 2^-10 s, offset 5 s.
    ...block(
      false,
      1,
      [0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5],
    ),
    ...block(false, 6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0x7a, 0, 0, 0]),
  ]);
  const read = parseCapture(file);
  assert.ok(
    read.ok,
    JSON.stringify(read, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)),
  );
  assert.deepEqual(read.capture, {
    interfaces: [
      { linkType: LINKTYPE_RAW, snapLength: 2 },
      { linkType: LINKTYPE_ETHERNET, snapLength: 0 },
    ],
    packets: [
      { interface: 0, time: 0n, data: Uint8Array.of(0x61, 0x62), length: 3 },
      { interface: 1, time: 6_000_000_000n, data: Uint8Array.of(0x7a), length: 9 },
    ],
  });
});

test('names the fault and keeps what stood before it', () => {
  const one = { interface: 0, time, data: Uint8Array.of(1, 2, 3, 4), length: 4 };
  const capture: Capture = {
    interfaces: [{ linkType: LINKTYPE_RAW, snapLength: 0 }],
    packets: [one, one],
  };
  for (const [file, record] of [
    [writePcap(capture), 20],
    [writePcapng(capture), 36],
  ] as const) {
    const read = parseCapture(file.subarray(0, file.length - 1));
    assert.ok(!read.ok);
    assert.match(read.fault, /cut short/);
    assert.equal(read.offset, file.length - record);
    assert.deepEqual(read.capture.packets, [one]);
  }
  const noise = parseCapture(new TextEncoder().encode('this is certainly no capture'));
  assert.ok(!noise.ok && noise.fault === 'neither pcap nor pcapng: unknown magic number');
});

test('never throws on hostile files', () => {
  const capture: Capture = {
    interfaces: [{ linkType: LINKTYPE_RAW, snapLength: 96, name: 'core' }],
    packets: [{ interface: 0, time, data: new Uint8Array(61), length: 61, comments: ['drop: truncated'] }],
  };
  const seeds = [writePcap(capture), writePcapng(capture), classic(false, 0xa1b2c3d4, 0)];
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...seeds), edits, fc.nat(), (seed, changes, cut) => {
      const file = seed.slice(0, seed.length - (cut % seed.length));
      for (const [at, value] of changes) file[at % file.length] = value;
      parseCapture(file);
    }),
    { numRuns: 20_000 },
  );
  parseCapture(new Uint8Array());
});

test('refuses to write what the format cannot express', () => {
  const itf = { linkType: LINKTYPE_RAW, snapLength: 0 };
  assert.throws(() => writePcap({ interfaces: [itf, itf], packets: [] }), /one interface, not 2/);
  const late = { interface: 0, time: 1n << 64n, data: new Uint8Array(), length: 0 };
  assert.throws(() => writePcap({ interfaces: [itf], packets: [late] }), RangeError);
  assert.throws(() => writePcapng({ interfaces: [itf], packets: [late] }), RangeError);
});

test('tshark reads our files as we meant them', (t) => {
  if (!hasTool(t, 'tshark')) return;
  const folder = mkdtempSync(join(tmpdir(), 'maar-pcap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  // An empty IPv6 packet, next header 59.
  const data = Uint8Array.of(0x60, 0, 0, 0, 0, 0, 59, 64, ...Array(31).fill(0), 1);
  const packets = [{ interface: 0, time, data, length: data.length }];
  const named = packets.map((packet) => ({ ...packet, interface: 1, comments: ['drop: address'] }));
  const itf = { linkType: LINKTYPE_IPV6, snapLength: 262_144 };
  writeFileSync(join(folder, 'a.pcap'), writePcap({ interfaces: [itf], packets }));
  const interfaces = [
    { ...itf, name: 'core' },
    { linkType: LINKTYPE_RAW, snapLength: 262_144, name: 'access0' },
  ];
  writeFileSync(join(folder, 'a.pcapng'), writePcapng({ interfaces, packets: named }));
  const fields = [
    '-T',
    'fields',
    '-e',
    'frame.time_epoch',
    '-e',
    'ipv6.nxt',
    '-e',
    'frame.interface_name',
    '-e',
    'frame.comment',
  ];
  const shown = (file: string): string[] =>
    output('tshark', ['-r', join(folder, file), ...fields])
      .trimEnd()
      .split('\t');
  assert.deepEqual(shown('a.pcap'), ['1700000000.123456789', '59']);
  assert.deepEqual(shown('a.pcapng'), ['1700000000.123456789', '59', 'access0', 'drop: address']);
});

test('reads what others captured as tshark does', (t) => {
  if (!hasPath(t, zeek) || !hasTool(t, 'tshark')) return;
  for (const name of readdirSync(zeek).filter((file) => file.endsWith('.pcap'))) {
    const read = parseCapture(readFileSync(new URL(name, zeek)));
    assert.ok(read.ok, name);
    const lengths = output('tshark', [
      '-r',
      new URL(name, zeek).pathname,
      '-T',
      'fields',
      '-e',
      'frame.len',
      '-e',
      'frame.time_epoch',
    ]);
    const seen = read.capture.packets.map(({ length, time: at }) => {
      const fraction = String(at % 1_000_000_000n).padStart(9, '0');
      return `${length}\t${at / 1_000_000_000n}.${fraction}`;
    });
    assert.deepEqual(seen, lengths.trimEnd().split('\n'), name);
  }
});
