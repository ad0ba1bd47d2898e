import { neutralLocator } from '../../../host/wire/neutral.ts';
import { addressBytes } from '../../../host/wire/address.ts';
import { put } from './support.ts';

/** The prefix of the MN, and what stands for it in the core. */
export const PREFIX = '2001:db8:1:1::/64';
export const LOCATOR_PREFIX = neutralLocator('2001:db8:fe::/48', PREFIX)!;

export const REWRITE = put({ kind: 'rewrite', prefix: PREFIX, locator: LOCATOR_PREFIX });
export const RESTORE = put({ kind: 'rewrite', prefix: LOCATOR_PREFIX, locator: PREFIX, restore: true });

/** A packet as it looks in the core between the two entries. */
export function rewritten(packet: Uint8Array): Uint8Array {
  const result = packet.slice();
  result.set(addressBytes(LOCATOR_PREFIX.replace('/64', '')).subarray(0, 8), 24);
  return result;
}
