import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duidOfMac, emitDhcp, parseDhcp } from '../../../host/wire/dhcpv6/message.ts';
import type { DhcpMessage } from '../../../host/wire/dhcpv6/message.ts';
import { DHCPV6_TYPE } from '../../../host/wire/dhcpv6/registry.ts';
import { emitUdp, parseUdp } from '../../../host/wire/udp.ts';
import { pseudoHeaderSum } from '../../../host/wire/checksum.ts';
import { output, pythonWithScapy } from '../../support/tools.ts';

const SRC = 'fe80::1';
const DST = 'fe80::a';
const MESSAGE: DhcpMessage = {
  kind: 'reply',
  transaction: 0x123456,
  options: [
    { kind: 'client-id', duid: '00030001020000000001' },
    { kind: 'server-id', duid: duidOfMac('02:00:5e:10:00:00') },
    { kind: 'rapid-commit' },
    {
      kind: 'ia-na',
      iaid: 0xdeadbeef,
      t1: 900,
      t2: 1440,
      options: [
        {
          kind: 'ia-address',
          address: '2001:db8:11:1::1',
          preferredSeconds: 1800,
          validSeconds: 3600,
          options: [{ kind: 'status', code: 0, text: 'ok' }],
        },
        { kind: 'status', code: 2, text: 'nothing is left' },
      ],
    },
    { kind: 'unknown', code: 6, data: Uint8Array.of(0, 23, 0, 24) },
  ],
};

/** As hexadecimal, for messages. */
function hexadecimal(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}

test('every message survives the way to octets and back', () => {
  for (const kind of Object.keys(DHCPV6_TYPE) as DhcpMessage['kind'][]) {
    assert.deepEqual(parseDhcp(emitDhcp({ ...MESSAGE, kind })), { ok: true, value: { ...MESSAGE, kind } });
  }
});

test('scapy builds the same octets', (t) => {
  const python = pythonWithScapy(t);
  if (python === undefined) return;
  const script = `
from scapy.layers.dhcp6 import *
m = DHCP6_Reply(trid=0x123456) / DHCP6OptClientId(duid=DUID_LL(lladdr="02:00:00:00:00:01")) \\
  / DHCP6OptServerId(duid=DUID_LL(lladdr="02:00:5e:10:00:00")) / DHCP6OptRapidCommit() \\
  / DHCP6OptIA_NA(iaid=0xdeadbeef, T1=900, T2=1440, ianaopts=[
      DHCP6OptIAAddress(addr="2001:db8:11:1::1", preflft=1800, validlft=3600,
        iaaddropts=[DHCP6OptStatusCode(statuscode=0, statusmsg="ok")]),
      DHCP6OptStatusCode(statuscode=2, statusmsg="nothing is left")]) \\
  / DHCP6OptOptReq(reqopts=[23, 24])
print(bytes(m).hex())`;
  assert.equal(output(python, ['-c', script]).trim(), hexadecimal(emitDhcp(MESSAGE)));
});

for (const [what, octets, reason] of [
  ['nothing', '', 'truncated'],
  ['half a head', '0112', 'truncated'],
  ['a relayed message', '0c000000', 'type-unknown'],
  ['an option without its end', '01000000000100', 'truncated'],
  ['an option that ends behind the message', '010000000001000a0003', 'truncated'],
  ['a DUID of two octets', '01000000000100020003', 'option-length'],
  ['an association cut short', '010000000003000400000001', 'option-length'],
  [
    'an address cut short in an association',
    `0100000000030014${'00'.repeat(12)}0005000400000000`,
    'option-length',
  ],
  ['a rapid commit with a value', '01000000000e000100', 'option-length'],
  ['a status without a code', '01000000000d000100', 'option-length'],
  ['more options than anybody sends', `01000000${'000e0000'.repeat(65)}`, 'too-many'],
] as const) {
  test(`${what} is refused: ${reason}`, () => {
    const result = parseDhcp(Uint8Array.from(Buffer.from(octets, 'hex')));
    assert.equal(result.ok ? 'parsed' : result.fault.reason, reason);
  });
}

test('associations in associations are opened no deeper than they have a meaning', () => {
  let octets = new Uint8Array(12);
  for (let depth = 0; depth < 40; depth++) {
    const outer = new Uint8Array(16 + octets.length);
    outer.set([0, 3, (12 + octets.length) >> 8, 12 + octets.length]);
    outer.set(octets, 16);
    octets = outer;
  }
  const result = parseDhcp(Uint8Array.of(1, 0, 0, 0, ...octets));
  assert.ok(result.ok);
  let depth = 0;
  for (let [option] = result.value.options; option?.kind === 'ia-na'; [option] = option.options) depth++;
  assert.equal(depth, 2);
});

test('a datagram is good with its checksum, and with what a virtual interface leaves of it', () => {
  const datagram = emitUdp(546, 547, Uint8Array.of(1, 2, 3), SRC, DST);
  const parsed = parseUdp(datagram, SRC, DST);
  assert.deepEqual(parsed.ok && [parsed.value.srcPort, parsed.value.dstPort, [...parsed.value.payload]], [
    ...[546, 547],
    [1, 2, 3],
  ]);
  const damaged = Uint8Array.from(datagram);
  damaged[9]! ^= 1;
  assert.equal(parseUdp(damaged, SRC, DST).ok, false);
  new DataView(damaged.buffer).setUint16(6, pseudoHeaderSum(SRC, DST, 17, damaged.length));
  assert.equal(parseUdp(damaged, SRC, DST).ok, true, 'to be finished by the device');
  assert.equal(parseUdp(datagram.subarray(0, 10), SRC, DST).ok, false);
  assert.equal(parseUdp(datagram.subarray(0, 7), SRC, DST).ok, false);
});
