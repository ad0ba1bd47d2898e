import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Address } from '../../../host/wire/address.ts';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { receiveIcmpv6 } from '../../../host/wire/icmpv6/check.ts';
import { emitIcmpv6, parseIcmpv6 } from '../../../host/wire/icmpv6/message.ts';
import type { Icmpv6Message } from '../../../host/wire/icmpv6/message.ts';
import { withRouterAlert } from '../../../host/wire/icmpv6/mld.ts';
import { walkExtensions } from '../../../host/wire/ipv6.ts';
import type { FaultReason } from '../../../host/wire/result.ts';
import { address, ndOption, octets, record, uint16, uint32, uint8 } from '../arbitraries.ts';

const HOST = 'fe80::211:22ff:fe33:4455';
const ROUTER = 'fe80::1';
const options = fc.array(ndOption, { maxLength: 6 });

const message: fc.Arbitrary<Icmpv6Message> = fc.oneof(
  record({ kind: fc.constant('RS' as const), options }),
  record({
    kind: fc.constant('RA' as const),
    curHopLimit: uint8,
    managed: fc.boolean(),
    other: fc.boolean(),
    preference: fc.integer({ min: 0, max: 3 }),
    routerLifetimeSeconds: uint16,
    reachableTime: uint32,
    retransTimer: uint32,
    options,
  }),
  record({ kind: fc.constant('NS' as const), target: address, options }),
  record({
    kind: fc.constant('NA' as const),
    target: address,
    router: fc.boolean(),
    solicited: fc.boolean(),
    override: fc.boolean(),
    options,
  }),
  record({ kind: fc.constantFrom('mld1-report' as const, 'mld1-done' as const), group: address }),
  record({
    kind: fc.constant('mld2-report' as const),
    records: fc.array(record({ type: uint8, group: address, sources: fc.array(address, { maxLength: 3 }) }), {
      maxLength: 4,
    }),
  }),
  record({
    kind: fc.constantFrom('echo-request' as const, 'echo-reply' as const),
    identifier: uint16,
    sequence: uint16,
    data: octets(0, 64),
  }),
  record({
    kind: fc.constantFrom(
      'destination-unreachable' as const,
      'packet-too-big' as const,
      'time-exceeded' as const,
      'parameter-problem' as const,
    ),
    code: uint8,
    parameter: uint32,
    invoking: octets(0, 80),
  }),
);

test('every message survives the way to octets and back', () => {
  fc.assert(
    fc.property(message, address, address, (sent, src, dst) => {
      const received = parseIcmpv6(emitIcmpv6(sent, src, dst), src, dst);
      assert.deepEqual(received, { ok: true, value: sent });
    }),
    { numRuns: 500 },
  );
});

test('an Advertisement of this project has the octets that RFC 4861 draws', () => {
  const data = emitIcmpv6(
    {
      kind: 'RA',
      curHopLimit: 64,
      managed: false,
      other: false,
      preference: 1,
      routerLifetimeSeconds: 1800,
      reachableTime: 0,
      retransTimer: 0,
      options: [
        { kind: 'source-link-layer', mac: '02:00:5e:00:00:01' },
        { kind: 'mtu', mtu: 1452 },
        {
          kind: 'prefix-information',
          prefix: '2001:db8:1:2::/64',
          onLink: false,
          autonomous: true,
          validSeconds: 7200,
          preferredSeconds: 0,
        },
      ],
    },
    ROUTER,
    HOST,
  );
  data.fill(0, 2, 4);
  assert.equal(
    Buffer.from(data).toString('hex'),
    '86000000' +
      '40080708' +
      '0000000000000000' +
      '010102005e000001' +
      '05010000000005ac' +
      '0304404000001c200000000000000000' +
      '20010db8000100020000000000000000',
  );
});

test('an error quotes no more of the packet than fits the minimum MTU', () => {
  const data = emitIcmpv6(
    { kind: 'parameter-problem', code: 0, parameter: 40, invoking: new Uint8Array(1500) },
    ROUTER,
    HOST,
  );
  assert.equal(data.length, 1280 - 40);
});

function verdict(sent: Icmpv6Message, src: Address, dst: Address, hopLimit: number): FaultReason | 'ok' {
  const result = receiveIcmpv6(emitIcmpv6(sent, src, dst), { src, dst, hopLimit });
  return result.ok ? 'ok' : result.fault.reason;
}

test('the checks of RFC 4861 name what failed', () => {
  const linkLayer = [{ kind: 'source-link-layer', mac: '00:11:22:33:44:55' } as const];
  const ra: Icmpv6Message = {
    kind: 'RA',
    curHopLimit: 64,
    managed: false,
    other: false,
    preference: 0,
    routerLifetimeSeconds: 0,
    reachableTime: 0,
    retransTimer: 0,
    options: [],
  };
  const na = { kind: 'NA', target: '2001:db8::1', router: false, override: true, options: [] } as const;
  const ns = { kind: 'NS', target: '2001:db8::1' } as const;
  const group = 'ff02::1:ff00:1';
  const cases: [FaultReason | 'ok', Icmpv6Message, Address, Address, number][] = [
    ['ok', { kind: 'RS', options: linkLayer }, HOST, 'ff02::2', 255],
    ['ok', { kind: 'RS', options: [] }, '::', 'ff02::2', 255],
    ['hop-limit', { kind: 'RS', options: [] }, HOST, 'ff02::2', 254],
    ['source', { kind: 'RS', options: linkLayer }, '::', 'ff02::2', 255],
    ['ok', ra, ROUTER, HOST, 255],
    ['source', ra, '2001:db8::1', HOST, 255],
    ['ok', { ...ns, options: [] }, '::', group, 255],
    ['source', { ...ns, options: linkLayer }, '::', group, 255],
    ['destination', { ...ns, options: [] }, '::', '2001:db8::1', 255],
    ['target', { kind: 'NS', target: 'ff02::1', options: [] }, HOST, group, 255],
    ['ok', { ...na, solicited: true }, HOST, ROUTER, 255],
    ['flag', { ...na, solicited: true }, HOST, 'ff02::1', 255],
    ['target', { ...na, target: 'ff02::1', solicited: false }, HOST, ROUTER, 255],
    ['ok', { kind: 'mld2-report', records: [] }, '::', 'ff02::16', 1],
    ['hop-limit', { kind: 'mld2-report', records: [] }, '::', 'ff02::16', 255],
    ['source', { kind: 'mld1-report', group }, '2001:db8::1', group, 1],
  ];
  for (const [expected, sent, src, dst, hopLimit] of cases) {
    assert.equal(verdict(sent, src, dst, hopLimit), expected, `${sent.kind} ${src} > ${dst}`);
  }
});

/** A message of these octets with a checksum that verifies, as an attacker would send it. */
function faultOf(octetsOfMessage: readonly number[]): string {
  const data = Uint8Array.from(octetsOfMessage);
  fillChecksum(data, 2, HOST, ROUTER, 58);
  const result = parseIcmpv6(data, HOST, ROUTER);
  return result.ok ? 'ok' : `${result.fault.reason} at ${result.fault.offset}`;
}

test('malformed messages are refused by name and place', () => {
  const rs = [133, 0, 0, 0, 0, 0, 0, 0];
  assert.equal(faultOf(rs), 'ok');
  assert.equal(faultOf([133, 1, 0, 0, 0, 0, 0, 0]), 'code at 1');
  assert.equal(faultOf([...rs, 1, 0, 0, 0, 0, 0, 0, 0]), 'option-length at 9');
  assert.equal(faultOf([...rs, 1, 2, 0, 0, 0, 0, 0, 0]), 'truncated at 8');
  assert.equal(faultOf([...rs, 1, 1, 0, 0]), 'truncated at 8');
  assert.equal(faultOf([...rs, 1, 2, ...new Array<number>(14).fill(0)]), 'option-length at 9');
  assert.equal(faultOf([...rs, 3, 4, 129, 0, ...new Array<number>(28).fill(0)]), 'option-value at 10');
  assert.equal(faultOf([...rs, 253, 1, 1, 0, 0, 0, 0x7e, 0xd9]), 'option-length at 9');
  assert.equal(faultOf([...rs, 253, 1, 9, 9, 0, 0, 0, 1]), 'ok', "another's experiment is not ours");
  assert.equal(faultOf([134, 0, 0, 0, 0, 0, 0, 0]), 'truncated at 8');
  assert.equal(faultOf([143, 0, 0, 0, 0, 0, 0, 1]), 'truncated at 8');
  assert.equal(faultOf([200, 0, 0, 0, 0, 0, 0, 0]), 'type-unknown at 0');
  assert.equal(
    faultOf([...rs, ...new Array(129).fill([14, 1, 0, 0, 0, 0, 0, 0]).flat()]),
    'too-many at 1032',
  );
  const wrong = parseIcmpv6(Uint8Array.from(rs), HOST, ROUTER);
  assert.ok(!wrong.ok && wrong.fault.reason === 'checksum');
});

test('an MLD message follows a Hop-by-Hop header with Router Alert', () => {
  const report = emitIcmpv6({ kind: 'mld2-report', records: [] }, HOST, 'ff02::16');
  const walk = walkExtensions({ nextHeader: 0, payload: withRouterAlert(report) });
  assert.ok(walk.ok && walk.value.nextHeader === 58);
  assert.deepEqual(walk.value.payload, report);
});
