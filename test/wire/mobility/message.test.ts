import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { emitMobility, parseMobility } from '../../../host/wire/mobility/message.ts';
import type { MobilityMessage } from '../../../host/wire/mobility/message.ts';
import { emitMobilityOptions, parseMobilityOptions } from '../../../host/wire/mobility/options.ts';
import { MOBILITY_OPTIONS } from '../../../host/wire/mobility/registry.ts';
import { address, mobilityOption, octets, record, uint16, uint8 } from '../arbitraries.ts';

const SRC = '2001:db8:ffff::1';
const DST = '2001:db8:ffff::2';
const options = fc.array(mobilityOption, { maxLength: 12 });

const message: fc.Arbitrary<MobilityMessage> = fc.oneof(
  record({ kind: fc.constant('BRR' as const), options }),
  record({
    kind: fc.constant('BU' as const),
    sequence: uint16,
    flags: uint16,
    lifetime: uint16,
    options,
  }),
  record({
    kind: fc.constant('BA' as const),
    status: uint8,
    flags: uint8,
    sequence: uint16,
    lifetime: uint16,
    options,
  }),
  record({ kind: fc.constant('BE' as const), status: uint8, home: address, options }),
  record({
    kind: fc.constantFrom('HI' as const, 'HAck' as const),
    sequence: uint16,
    flags: uint8,
    code: uint8,
    options,
  }),
  record({ kind: fc.constant('LRI' as const), sequence: uint16, lifetime: uint16, options }),
  record({
    kind: fc.constant('LRA' as const),
    sequence: uint16,
    unsolicited: fc.boolean(),
    status: uint8,
    lifetime: uint16,
    options,
  }),
  record({
    kind: fc.constant('UPN' as const),
    sequence: uint16,
    reason: uint16,
    acknowledge: fc.boolean(),
    retransmission: fc.boolean(),
    options,
  }),
  record({ kind: fc.constant('UPA' as const), sequence: uint16, status: uint8, options }),
  record({
    kind: fc.constant('EXP' as const),
    data: fc.integer({ min: 0, max: 8 }).chain((units) => octets(2 + 8 * units, 2 + 8 * units)),
    options: fc.constant([]),
  }),
);

test('every message survives the way to octets and back, in whole units of 8 octets', () => {
  fc.assert(
    fc.property(message, address, address, (sent, src, dst) => {
      const data = emitMobility(sent, src, dst);
      assert.equal(data.length % 8, 0);
      assert.equal(data.length, (data[1]! + 1) * 8);
      assert.deepEqual(parseMobility(data, src, dst), { ok: true, value: sent });
    }),
    { numRuns: 500 },
  );
});

test('every option stands at its alignment', () => {
  const rows = Object.values(MOBILITY_OPTIONS);
  fc.assert(
    fc.property(options, fc.constantFrom(8, 12, 24), (list, start) => {
      const data = emitMobilityOptions(list, start);
      for (let at = 0; at < data.length; at += data[at] === 0 ? 1 : 2 + data[at + 1]!) {
        const row = rows.find(({ number }) => number === data[at]);
        if (row !== undefined) assert.equal((start + at) % row.modulus, row.remainder, row.name);
      }
    }),
  );
});

test('alignments and bodies of the options that carry addresses, octet by octet', () => {
  const hex = (list: Parameters<typeof emitMobilityOptions>[0]): string =>
    Buffer.from(emitMobilityOptions(list, 12)).toString('hex');
  const address16 = '20010db8000000000000000000000001';
  // 12 is 8n + 4, where a prefix option may begin at once and needs no padding after it.
  assert.equal(hex([{ kind: 'home-network-prefix', prefix: '2001:db8::1/128' }]), `16120080${address16}`);
  assert.equal(hex([{ kind: 'serving-maar', address: '2001:db8::1' }]), `01004410${address16}`);
  assert.equal(
    hex([{ kind: 'timestamp', millis: 1_500 }]),
    '010400000000' + '1b080000000000018000' + '01020000',
  );
  assert.equal(hex([{ kind: 'mn-id', id: 'a' }]), '08020161');
  assert.equal(
    hex([{ kind: 'vendor', enterprise: 32473, subtype: 7, data: Uint8Array.of(255) }]),
    '0100' + '1306' + '00007ed907ff' + '0100',
  );
  assert.equal(hex([{ kind: 'alternate-coa', address: '2001:db8::1' }]), `01000310${address16}`);
});

test('fixed fields of the messages beyond RFC 6275, octet by octet', () => {
  const body = (message: MobilityMessage): string =>
    Buffer.from(emitMobility(message, SRC, DST).subarray(2))
      .toString('hex')
      .replace(/^(..)00..../, '$1 ');
  const common = { sequence: 0x1234, options: [] };
  assert.equal(body({ kind: 'HI', flags: 0x20, code: 3, ...common }), '0e 1234200301040000' + '0000');
  assert.equal(body({ kind: 'HAck', flags: 0x40, code: 5, ...common }), '0f 1234400501040000' + '0000');
  assert.equal(body({ kind: 'LRI', lifetime: 600, ...common }), '11 1234' + '00000258' + '01020000');
  const routed = { kind: 'LRA', unsolicited: true, status: 129, lifetime: 0 } as const;
  assert.equal(body({ ...routed, ...common }), '12 1234' + '80810000' + '01020000');
  const notified = { kind: 'UPN', reason: 2, acknowledge: true, retransmission: true } as const;
  assert.equal(body({ ...notified, ...common }), '13 1234' + '0002c000' + '01020000');
  assert.equal(body({ kind: 'UPA', status: 128, ...common }), '14 1234' + '80000000' + '01020000');
  const experiment = { kind: 'EXP', data: Uint8Array.of(0xab, 0xcd), options: [] } as const;
  assert.equal(body(experiment), '0b abcd');
  assert.throws(() => emitMobility({ ...experiment, data: new Uint8Array(3) }, SRC, DST), /no multiple of 8/);
});

test('an authenticator of 16 octets ends the header; a Context Request that ends inside a request is refused', () => {
  const proof = { subtype: 1, spi: 256, authenticator: new Uint8Array(16).fill(0xaa) };
  for (const list of [[], [{ kind: 'mn-id', id: 'a' }] as const]) {
    const data = emitMobility(
      { kind: 'UPA', sequence: 1, status: 0, options: [...list, { kind: 'authentication', ...proof }] },
      SRC,
      DST,
    );
    const end = Buffer.from(data.subarray(-23)).toString('hex');
    assert.equal(end, '091501' + '00000100' + 'aa'.repeat(16));
  }
  const requests = [
    { type: 1, data: new Uint8Array(0) },
    { type: 2, data: Uint8Array.of(7) },
  ];
  const option = emitMobilityOptions([{ kind: 'context-request', requests }], 12);
  assert.equal(Buffer.from(option).toString('hex'), '28070000' + '0100' + '020107' + '010100');
  for (const body of [
    [0, 0, 1],
    [0, 0, 1, 2, 0],
  ]) {
    const result = parseMobilityOptions(Uint8Array.of(40, body.length, ...body), 0);
    assert.equal(result.ok ? 'sound' : result.fault.reason, 'option-value');
  }
  const ipv4 = parseMobilityOptions(Uint8Array.of(55, 18, 0x80, 32, ...new Array<number>(16).fill(0)), 0);
  assert.equal(ipv4.ok ? 'sound' : ipv4.fault.reason, 'option-value');
});

/** The fault of a Mobility Header with these octets from its first, checksum made right. */
function faultOf(...octets: number[]): string {
  const data = Uint8Array.from(octets);
  fillChecksum(data, 4, SRC, DST, 135);
  const result = parseMobility(data, SRC, DST);
  return result.ok ? 'ok' : `${result.fault.reason} at ${result.fault.offset}`;
}

test('malformed messages are refused by name and place', () => {
  const bu = (length: number, ...list: number[]): number[] => [
    ...[59, length, 5, 0, 0, 0, 0, 1, 0x80, 0, 0, 1],
    ...list,
  ];
  assert.equal(faultOf(...bu(1, 1, 2, 0, 0)), 'ok');
  assert.equal(faultOf(59, 0, 5, 0, 0, 0, 0), 'truncated at 7');
  assert.equal(faultOf(58, 1, 5, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 0, 0), 'payload-proto at 0');
  assert.equal(faultOf(59, 0, 99, 0, 0, 0, 0, 0), 'type-unknown at 2');
  assert.equal(
    faultOf(58, 0, 1, 0, 0, 0, 0, 0),
    'type-unknown at 2',
    'the type is judged before payload proto',
  );
  assert.equal(faultOf(...bu(2, 1, 2, 0, 0)), 'length at 1');
  assert.equal(faultOf(...bu(0, 1, 2, 0, 0)), 'length at 1');
  assert.equal(faultOf(59, 0, 5, 0, 0, 0, 0, 1), 'length at 1', 'shorter than a BU can be');
  assert.equal(faultOf(...bu(1, 1, 3, 0, 0)), 'truncated at 12');
  assert.equal(faultOf(...bu(1, 0, 0, 0, 8)), 'truncated at 15');
  assert.equal(faultOf(...bu(1, 22, 2, 0, 0)), 'option-length at 13');
  assert.equal(faultOf(...bu(1, 8, 1, 1, 0)), 'option-length at 13');
  assert.equal(faultOf(...bu(1, 8, 2, 1, 0xff)), 'option-value at 14', 'not UTF-8');
  assert.equal(faultOf(...bu(3, 22, 18, 0, 129, ...new Array<number>(16).fill(0))), 'option-value at 14');
  assert.equal(faultOf(...bu(1, 27, 2, 0, 0)), 'option-length at 13');
  const many = new Array<number[]>(258).fill([200, 0]).flat();
  assert.equal(faultOf(...bu(65, ...many, 0, 0, 0, 0)).slice(0, 8), 'length a');
  assert.equal(faultOf(...bu(65, ...many)), 'too-many at 524');
  const flipped = emitMobility({ kind: 'BRR', options: [] }, SRC, DST);
  flipped[7]! ^= 1;
  const result = parseMobility(flipped, SRC, DST);
  assert.ok(!result.ok && result.fault.reason === 'checksum');
});

test('options of unknown type are skipped and kept, as is an MN-ID that is no NAI', () => {
  const parsed = parseMobilityOptions(Uint8Array.of(200, 1, 9, 8, 3, 2, 1, 1, 1, 1, 0), 0);
  assert.deepEqual(parsed, {
    ok: true,
    value: [
      { kind: 'unknown', type: 200, data: Uint8Array.of(9) },
      { kind: 'unknown', type: 8, data: Uint8Array.of(2, 1, 1) },
    ],
  });
});

test('a timestamp beyond what a number holds exactly is refused, the last one within is not', () => {
  const stamp = (...seconds: number[]): string => {
    const result = parseMobilityOptions(Uint8Array.of(27, 8, ...seconds, 0, 0), 0);
    return result.ok ? 'ok' : result.fault.reason;
  };
  assert.equal(stamp(0, 0, 255, 255, 255, 255), 'ok');
  assert.equal(stamp(255, 255, 255, 255, 255, 255), 'option-value');
});

test('what the length fields cannot express is refused by emit', () => {
  const long = { kind: 'mn-id', id: 'x'.repeat(255) } as const;
  assert.throws(() => emitMobility({ kind: 'BRR', options: [long] }, SRC, DST), RangeError);
  const many = new Array(86).fill({ kind: 'home-network-prefix', prefix: '::/0' });
  assert.throws(() => emitMobility({ kind: 'BRR', options: many }, SRC, DST), /exceeds 2048/);
  const most = emitMobility({ kind: 'BRR', options: many.slice(0, 84) }, SRC, DST);
  assert.ok(parseMobility(most, SRC, DST).ok);
});
