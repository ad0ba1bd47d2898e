import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { addressOctets, readAddress } from '../../../bindings/reference/address.ts';
import {
  TIME_EXCEEDED,
  encapsulate,
  errorMessage,
  flowLabel,
  mayAnswerWithError,
  packetTooBig,
} from '../../../bindings/reference/tunnel.ts';
import { addressBytes } from '../../../host/wire/address.ts';
import { emitIpv6 } from '../../../host/wire/ipv6.ts';
import { output, pythonWithScapy } from '../../support/tools.ts';

const LOCATOR = '2001:db8:ffff::1';
const PEER = '2001:db8:ffff::2';
/** Of the example on the ABI page. */
const SEED = 0x1122334455667788n;
const script = new URL('./build_outer.py', import.meta.url).pathname;

const value = (address: string): bigint => readAddress(addressBytes(address), 0);
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

function inner(length: number, fields: { trafficClass?: number; flowLabel?: number } = {}): Uint8Array {
  const payload = Uint8Array.from({ length: length - 40 }, (_, index) => index);
  return emitIpv6(
    { nextHeader: 17, hopLimit: 63, src: '2001:db8::1', dst: '2001:db8::2', ...fields },
    payload,
  );
}

function scapy(t: TestContext, request: Record<string, unknown>): string[] | undefined {
  const python = pythonWithScapy(t);
  if (python === undefined) return undefined;
  return output(python, [script], JSON.stringify({ locator: LOCATOR, peer: PEER, ...request }))
    .trim()
    .split('\n');
}

test('flow label: the example of the ABI page, and the label of the inner packet counts', () => {
  assert.equal(flowLabel(inner(64), SEED), 0xad72e);
  assert.equal(flowLabel(inner(64, { flowLabel: 1 }), SEED), 0x4baa6);
  assert.equal(flowLabel(inner(200, { trafficClass: 0xff }), SEED), 0xad72e);
  assert.notEqual(flowLabel(inner(64), SEED + 1n), 0xad72e);
});

test('one outer header as scapy builds it', (t) => {
  const packet = inner(100, { trafficClass: 0xb9, flowLabel: 0xfffff });
  const sent = encapsulate(packet, {
    seed: SEED,
    locator: value(LOCATOR),
    peer: value(PEER),
    hopLimit: 17,
    limit: undefined,
    mtu: 1500,
    identification: () => assert.fail('nothing to fragment'),
  });
  const request = { build: 'tunnel', inner: hex(packet), flowLabel: flowLabel(packet, SEED), hopLimit: 17 };
  const built = scapy(t, request);
  if (built !== undefined) assert.deepEqual(sent?.map(hex), built);
});

test('outer fragments as scapy builds them', (t) => {
  const packet = inner(1280, { trafficClass: 2 });
  const sent = encapsulate(packet, {
    seed: SEED,
    locator: value(LOCATOR),
    peer: value(PEER),
    hopLimit: 64,
    limit: undefined,
    mtu: 1301,
    identification: () => 0xfedc_ba98,
  });
  const request = {
    build: 'fragments',
    inner: hex(packet),
    flowLabel: flowLabel(packet, SEED),
    hopLimit: 64,
    limit: undefined,
  };
  const built = scapy(t, { ...request, coreMtu: 1301, identification: 0xfedc_ba98 });
  if (built !== undefined) assert.deepEqual(sent?.map(hex), built);
});

test('Packet Too Big as scapy builds it, with checksum', (t) => {
  // An odd length of the quoted packet exercises the padding of the checksum.
  for (const [length, coreMtu] of [
    [1500, 1500],
    [1291, 1300],
    [1001, 1300],
  ] as const) {
    const packet = inner(length);
    const built = scapy(t, { build: 'too-big', inner: hex(packet), coreMtu, flowLabel: 0, hopLimit: 64 });
    if (built === undefined) return;
    assert.deepEqual([hex(errorMessage(packet, value(LOCATOR), packetTooBig(coreMtu - 40)))], built);
  }
});

test('Time Exceeded as scapy builds it, with checksum', (t) => {
  const packet = inner(101);
  const built = scapy(t, { build: 'time-exceeded', inner: hex(packet), flowLabel: 0, hopLimit: 64 });
  if (built === undefined) return;
  assert.deepEqual([hex(errorMessage(packet, value(LOCATOR), TIME_EXCEEDED))], built);
});

test('no error answers an ICMPv6 error, a redirect or a broken header chain', () => {
  const icmp = (...payload: number[]): Uint8Array =>
    emitIpv6(
      { nextHeader: 58, hopLimit: 64, src: '2001:db8::1', dst: '2001:db8::2' },
      Uint8Array.from(payload),
    );
  assert.equal(mayAnswerWithError(icmp(128, 0)), true);
  assert.equal(mayAnswerWithError(icmp(1, 0)), false);
  assert.equal(mayAnswerWithError(icmp(127, 0)), false);
  assert.equal(mayAnswerWithError(icmp(137, 0)), false);
  assert.equal(mayAnswerWithError(icmp()), false);
  const chain = emitIpv6(
    { nextHeader: 60, hopLimit: 64, src: '2001:db8::1', dst: '2001:db8::2' },
    Uint8Array.of(58, 0, 1, 4, 0, 0, 0, 0, 2, 0),
  );
  assert.equal(mayAnswerWithError(chain), false);
  assert.equal(mayAnswerWithError(chain.subarray(0, 44)), false);
});

test('address octets are in network order', () => {
  assert.deepEqual(addressOctets(value('2001:db8::ff')), addressBytes('2001:db8::ff'));
});
