/** Checksum-neutral prefixes: one in place of the other changes no checksum over addresses (RFC 6296 section 2.6). */
import { addressBytes, readPrefix, splitPrefix } from './address.ts';
import type { Prefix } from './address.ts';
import { copyOctets } from './octets.ts';

const WORD = 16;
/** Modulus of sums in ones' complement of 16 bits. */
const ONES = 0xffff;

/** Sum of the eight words of a prefix's address, modulo 65,535. */
export function checksumOf(prefix: Prefix): number {
  const octets = addressBytes(splitPrefix(prefix).address);
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += (octets[at]! << 8) | octets[at + 1]!;
  return sum % ONES;
}

/**
 * A prefix within `block`, as long as `prefix` and checksum-neutral to it: the word after the block makes up for what the
 * block changes, the words after that are those of `prefix`. Undefined where `block` does not end on a word (16 bits) or
 * leaves no whole word to adjust. Prefixes that differ only in words up to that one, and have the same sum, get the same
 * answer: two that are to live side by side in a block have to be compared.
 */
export function neutralLocator(block: Prefix, prefix: Prefix): Prefix | undefined {
  const within = splitPrefix(block);
  const { address, length } = splitPrefix(prefix);
  if (within.length % WORD !== 0 || within.length + WORD > length) return undefined;
  const octets = addressBytes(address);
  const adjusted = within.length / 8;
  octets.set(copyOctets(addressBytes(within.address), 0, adjusted));
  octets.fill(0, adjusted, adjusted + 2);
  const lacking = (checksumOf(prefix) - checksumOf(readPrefix(octets, 0, length)) + ONES) % ONES;
  octets[adjusted] = lacking >> 8;
  octets[adjusted + 1] = lacking & 0xff;
  return readPrefix(octets, 0, length);
}
