import ipaddr from 'ipaddr.js';
import type { Address, Mac, Prefix } from '../entries.ts';

/** Addresses are numbers of 128 bits here, so that matching a prefix is a shift and a comparison. */
export interface PrefixValue {
  readonly address: bigint;
  readonly length: number;
}

const BITS = 128;
const LINK_LOCAL = parseKnownPrefix('fe80::/10');
const MULTICAST = parseKnownPrefix('ff00::/8');

export function parseAddress(text: Address): bigint | undefined {
  if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return undefined;
  return readAddress(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()), 0);
}

/** The value of a prefix in text; undefined if it is malformed, too long, or has host bits set. */
export function parsePrefix(text: Prefix): PrefixValue | undefined {
  const match = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parseAddress(match?.[1] ?? '');
  const length = Number(match?.[2]);
  if (address === undefined || length > BITS || maskTo(address, length) !== address) return undefined;
  return { address, length };
}

function parseKnownPrefix(text: Prefix): PrefixValue {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(text);
  return prefix;
}

export function formatAddress(address: bigint): Address {
  return ipaddr.fromByteArray([...addressOctets(address)]).toString();
}

export function formatPrefix(prefix: PrefixValue): Prefix {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

export function readAddress(data: Uint8Array, offset: number): bigint {
  let value = 0n;
  for (const octet of data.subarray(offset, offset + 16)) value = (value << 8n) | BigInt(octet);
  return value;
}

export function addressOctets(address: bigint): Uint8Array {
  const octets = new Uint8Array(16);
  for (let index = 0; index < 16; index++)
    octets[index] = Number((address >> BigInt(120 - 8 * index)) & 0xffn);
  return octets;
}

/** The address with all bits past `length` cleared. */
export function maskTo(address: bigint, length: number): bigint {
  const host = BigInt(BITS - length);
  return (address >> host) << host;
}

export function inPrefix(address: bigint, prefix: PrefixValue): boolean {
  return maskTo(address, prefix.length) === prefix.address;
}

export function isLinkLocal(address: bigint): boolean {
  return inPrefix(address, LINK_LOCAL);
}

export function isMulticast(address: bigint): boolean {
  return inPrefix(address, MULTICAST);
}

/** Six octets of an EUI-48 in text with colons, or undefined. */
export function parseMac(text: Mac): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (octet) => Number.parseInt(octet, 16));
}
