import { writeAddress } from './address.ts';
import type { Address } from './address.ts';

/** Reused: the sum of the pseudo-header is taken before anything else can write to it. */
const addresses = new Uint8Array(32);

function sum(data: Uint8Array, initial: number): number {
  let total = initial;
  const even = data.length & ~1;
  for (let index = 0; index < even; index += 2) total += (data[index]! << 8) | data[index + 1]!;
  if (even < data.length) total += data[even]! << 8;
  return total;
}

function folded(total: number): number {
  let sum = total;
  while (sum > 0xffff) sum = Math.floor(sum / 0x10000) + (sum & 0xffff);
  return sum;
}

/** Sum of the pseudo-header of RFC 8200 section 8.1: what stands in a checksum field that the sender's device is to finish. */
export function pseudoHeaderSum(src: Address, dst: Address, nextHeader: number, length: number): number {
  writeAddress(addresses, 0, src);
  writeAddress(addresses, 16, dst);
  return folded(sum(addresses, length + nextHeader));
}

/**
 * Internet checksum of an upper-layer packet with the pseudo-header of RFC 8200 section 8.1.
 * With the checksum field zeroed it is the value to send; over a received packet it is 0 if that verifies.
 */
export function upperLayerChecksum(
  src: Address,
  dst: Address,
  nextHeader: number,
  payload: Uint8Array,
): number {
  writeAddress(addresses, 0, src);
  writeAddress(addresses, 16, dst);
  // At most 32 + 65,535 octets, so the total stays below 2^53 by far and needs no folding on the way.
  return ~folded(sum(payload, sum(addresses, payload.length + nextHeader))) & 0xffff;
}

/** Zeroes the 16-bit field at `offset` of an upper-layer packet and fills it with the packet's checksum. */
export function fillChecksum(
  payload: Uint8Array,
  offset: number,
  src: Address,
  dst: Address,
  nextHeader: number,
): void {
  payload[offset] = 0;
  payload[offset + 1] = 0;
  const value = upperLayerChecksum(src, dst, nextHeader, payload);
  payload[offset] = value >> 8;
  payload[offset + 1] = value & 0xff;
}
