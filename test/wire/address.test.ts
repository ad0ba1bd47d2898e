import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import * as wire from '../../host/wire/address.ts';
import { address, mac, octets, prefix } from './arbitraries.ts';

test('text is the canonical form of RFC 5952', () => {
  const cases: [string, string][] = [
    ['2001:DB8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ];
  for (const [text, canonical] of cases) assert.equal(wire.parseAddress(text), canonical, text);
});

test('what is no address is refused', () => {
  const bad = ['', ':', ':::', '1:2', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', '1:2:3:4:5:6:7:8::', '::g'];
  bad.push(
    '1:',
    ':1',
    '::1.2.3',
    '::1.2.3.256',
    '::01.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    ' ::1',
  );
  for (const text of bad) {
    assert.equal(wire.parseAddress(text), undefined, text);
    assert.throws(() => wire.addressBytes(text), TypeError, text);
  }
});

test('octets to text and back agree with ipaddr.js', () => {
  fc.assert(
    fc.property(octets(16, 16), (data) => {
      const text = wire.readAddress(data);
      assert.deepEqual(wire.addressBytes(text), data);
      assert.equal(text, ipaddr.fromByteArray([...data]).toString());
    }),
  );
  fc.assert(
    fc.property(address, (text) => {
      assert.equal(wire.parseAddress(text), text);
      assert.equal(ipaddr.IPv6.parse(text).toRFC5952String(), text);
    }),
  );
});

test('any string is either canonicalised or refused, as ipaddr.js would', () => {
  const unit = fc.constantFrom(...'0123456789abcdef:::::'.split(''));
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
      const ours = wire.parseAddress(text);
      assert.equal(ours !== undefined, ipaddr.IPv6.isValid(text), text);
    }),
    { numRuns: 2000 },
  );
});

test('a prefix has its host bits cleared, and contains what it covers', () => {
  assert.equal(wire.prefixOf('2001:db8:1:2:ffff::1', 64), '2001:db8:1:2::/64');
  assert.equal(wire.prefixOf('ffff:ffff::', 19), 'ffff:e000::/19');
  assert.equal(wire.prefixOf('2001:db8::1', 0), '::/0');
  assert.equal(wire.prefixOf('2001:db8::1', 128), '2001:db8::1/128');
  assert.ok(wire.contains('2001:db8::/64', '2001:db8::1'));
  assert.ok(wire.contains('2001:db8::/64', '2001:db8::/64'));
  assert.ok(!wire.contains('2001:db8::/64', '2001:db8::/63'));
  assert.ok(!wire.contains('2001:db8::/64', '2001:db8:0:1::1'));
  assert.ok(wire.contains('2001:db8:8000::/33', '2001:db8:8001::1'));
  assert.ok(!wire.contains('2001:db8:8000::/33', '2001:db8:7fff::1'));
  fc.assert(
    fc.property(prefix, (text) => {
      const { address: base, length } = wire.splitPrefix(text);
      assert.equal(wire.prefixOf(base, length), text);
      assert.equal(wire.parsePrefix(text), text);
      assert.ok(wire.contains(text, base));
    }),
  );
});

test('a prefix with host bits, or without a sound length, is refused', () => {
  for (const text of [
    '2001:db8::1/64',
    '2001:db8::',
    '2001:db8::/129',
    '2001:db8::/064',
    '/64',
    'x/64',
    '::/-1',
  ]) {
    assert.equal(wire.parsePrefix(text), undefined, text);
  }
});

test('kinds of addresses', () => {
  assert.ok(wire.isLinkLocal('fe80::1') && wire.isLinkLocal('febf::1'));
  assert.ok(!wire.isLinkLocal('fec0::1') && !wire.isLinkLocal('fe8::1'));
  assert.ok(wire.isMulticast('ff02::1') && !wire.isMulticast('fe80::1') && !wire.isMulticast('ff::1'));
  assert.equal(wire.solicitedNode('2001:db8::1:abcd:1234'), 'ff02::1:ffcd:1234');
  assert.equal(wire.multicastMac('ff02::1:ffcd:1234'), '33:33:ff:cd:12:34');
});

test('the interface identifier of a MAC is its modified EUI-64', () => {
  assert.equal(wire.linkLocalOf('00:11:22:33:44:55'), 'fe80::211:22ff:fe33:4455');
  assert.equal(wire.eui64Address('2001:db8:1::/64', '02:00:00:00:00:01'), '2001:db8:1::ff:fe00:1');
  assert.throws(() => wire.eui64Address('2001:db8::/48', '02:00:00:00:00:01'), RangeError);
});

test('a MAC is canonicalised or refused', () => {
  assert.equal(wire.parseMac('02-AB-cd-00-00-01'), '02:ab:cd:00:00:01');
  for (const text of ['', '02:ab:cd:00:00', '02:ab:cd:00:00:1', '02:ab:cd:00:00:0g']) {
    assert.equal(wire.parseMac(text), undefined, text);
  }
  fc.assert(
    fc.property(mac, (text) => {
      const data = new Uint8Array(8);
      wire.writeMac(data, 1, text);
      assert.equal(wire.readMac(data, 1), text);
    }),
  );
});

test('reading a prefix leaves a Buffer as it was', () => {
  const data = Buffer.from('20010db8000000000000000000000001', 'hex');
  assert.equal(wire.readPrefix(data, 0, 32), '2001:db8::/32');
  assert.equal(data[15], 1);
});
