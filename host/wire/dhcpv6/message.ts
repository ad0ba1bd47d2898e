import type { Mac } from '../address.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { emitDhcpOptions, parseDhcpOptions, type DhcpOption } from './options.ts';
import { DHCPV6_TYPE, DUID_LL } from './registry.ts';

export type DhcpKind = keyof typeof DHCPV6_TYPE;

/** A message between client and server, RFC 8415 section 8. */
export interface DhcpMessage {
  readonly kind: DhcpKind;
  /** 24 bits. */
  readonly transaction: number;
  readonly options: readonly DhcpOption[];
}

const HEAD = 4;
const KINDS = new Map(Object.entries(DHCPV6_TYPE).map(([kind, type]) => [type as number, kind as DhcpKind]));

/** Reads the payload of a UDP datagram. */
export function parseDhcp(data: Uint8Array): Parsed<DhcpMessage> {
  if (data.length < HEAD) return faulty('truncated', data.length, 'DHCPv6 message');
  const kind = KINDS.get(data[0]!);
  if (kind === undefined) return faulty('type-unknown', 0, `DHCPv6 message ${data[0]}`);
  const options = parseDhcpOptions(data, HEAD);
  if (!options.ok) return options;
  const transaction = (data[1]! << 16) | (data[2]! << 8) | data[3]!;
  return parsed({ kind, transaction, options: options.value });
}

export function emitDhcp({ kind, transaction, options }: DhcpMessage): Uint8Array {
  const body = emitDhcpOptions(options);
  const data = new Uint8Array(HEAD + body.length);
  data.set([DHCPV6_TYPE[kind], transaction >> 16, transaction >> 8, transaction]);
  data.set(body, HEAD);
  return data;
}

/** The DUID, in hexadecimal, that is a MAC address (DUID-LL). */
export function duidOfMac(mac: Mac): string {
  const hexadecimal = (value: number): string => value.toString(16).padStart(4, '0');
  return `${hexadecimal(DUID_LL.type)}${hexadecimal(DUID_LL.ethernet)}${mac.replaceAll(':', '')}`;
}
