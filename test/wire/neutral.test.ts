import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressBytes, contains, prefixOf, readAddress, splitPrefix } from '../../host/wire/address.ts';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { checksumOf, neutralLocator } from '../../host/wire/neutral.ts';
import { octets } from './arbitraries.ts';

const SOURCE = '2001:db8:2::b';
const UDP = 17;

/** A block of whole words, and a prefix that has one word more at least. */
const blockAndPrefix = fc
  .tuple(octets(16, 16), octets(16, 16), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 112 }))
  .map(([block, host, words, more]) => ({
    block: prefixOf(readAddress(block), words * 16),
    prefix: prefixOf(readAddress(host), Math.min(128, words * 16 + 16 + more)),
  }));

test('a locator lies in its block, is as long as the prefix, and leaves checksums alone', () => {
  fc.assert(
    fc.property(blockAndPrefix, octets(16, 16), octets(8, 64), ({ block, prefix }, host, payload) => {
      const locator = neutralLocator(block, prefix);
      assert.ok(locator !== undefined && contains(block, locator));
      const { address, length } = splitPrefix(locator);
      assert.equal(length, splitPrefix(prefix).length);
      assert.equal(checksumOf(locator), checksumOf(prefix));

      const within = within128(splitPrefix(prefix).address, host, length);
      const rewritten = within128(address, host, length);
      const sent = payload.slice();
      fillChecksum(sent, 6, SOURCE, within, UDP);
      const arrived = payload.slice();
      fillChecksum(arrived, 6, SOURCE, rewritten, UDP);
      assert.deepEqual(arrived, sent);
    }),
  );
});

/** The address of a prefix with the bits past `length` taken from `host`. */
function within128(prefix: string, host: Uint8Array, length: number): string {
  const bits = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const tail = bits(host) & ((1n << BigInt(128 - length)) - 1n);
  const whole = (bits(addressBytes(prefix)) | tail).toString(16).padStart(32, '0');
  return readAddress(Uint8Array.from(Buffer.from(whole, 'hex')));
}

test('examples, and blocks without room for the word that adjusts', () => {
  assert.equal(neutralLocator('2001:db8:fe::/48', '2001:db8:1:1::/64'), '2001:db8:fe:ff03::/64');
  assert.equal(neutralLocator('2001:db8:ff::/48', '2001:db8:2::b/128'), '2001:db8:ff:ff02::b/128');
  assert.equal(neutralLocator('2002::/16', '2001:db8:2::/47'), '2002:db7:2::/47');
  assert.equal(neutralLocator('2001:db8:fe::/47', '2001:db8:1:1::/64'), undefined);
  assert.equal(neutralLocator('2001:db8:fe::/48', '2001:db8:1:1::/63'), undefined);
});

test('prefixes that differ in their first words alone, with the same sum, get one locator', () => {
  const block = '2001:db8:fe::/48';
  assert.equal(neutralLocator(block, '2001:db8:1:2::/64'), neutralLocator(block, '2001:db8:2:1::/64'));
});
