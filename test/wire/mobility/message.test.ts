import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { emitMobility, parseMobility } from '../../../host/wire/mobility/message.ts';
import type { MobilityMessage } from '../../../host/wire/mobility/message.ts';
import { emitMobilityOptions, parseMobilityOptions } from '../../../host/wire/mobility/options.ts';
import { MOBILITY_OPTIONS } from '../../../host/wire/mobility/registry.ts';
import { address, mobilityOption, record, uint16, uint8 } from '../arbitraries.ts';

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
