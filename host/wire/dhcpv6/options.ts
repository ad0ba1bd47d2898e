import { readAddress, writeAddress } from '../address.ts';
import type { Address } from '../address.ts';
import { copyOctets } from '../octets.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { DHCPV6_OPTION, DUID_LENGTH } from './registry.ts';

/** Identity association for non-temporary addresses, RFC 8415 section 21.4. Times in seconds. */
export interface IaNa {
  readonly kind: 'ia-na';
  readonly iaid: number;
  readonly t1: number;
  readonly t2: number;
  readonly options: readonly DhcpOption[];
}

/** Section 21.6. Lifetimes in seconds; 0xffffffff is for ever. */
export interface IaAddress {
  readonly kind: 'ia-address';
  readonly address: Address;
  readonly preferredSeconds: number;
  readonly validSeconds: number;
  readonly options: readonly DhcpOption[];
}

export type DhcpOption =
  /** DUIDs are opaque; they stand here in hexadecimal. */
  | { readonly kind: 'client-id' | 'server-id'; readonly duid: string }
  | IaNa
  | IaAddress
  | { readonly kind: 'status'; readonly code: number; readonly text: string }
  | { readonly kind: 'rapid-commit' }
  /** Any other, kept as it came. */
  | { readonly kind: 'unknown'; readonly code: number; readonly data: Uint8Array };

/** A byte order mark is part of the text: parsed twice, it would go missing twice. */
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });
const HEAD = 4;
const IA_NA_HEAD = 12;
const IA_ADDRESS_HEAD = 24;
/** More than any client sends; bounds the work on a hostile message. */
const MAX_OPTIONS = 64;
/** An address in an association in a message. */
const MAX_DEPTH = 2;

/** Reads options from `start` to the end of `data`; `offset` is where `data` begins in the message. */
export function parseDhcpOptions(
  data: Uint8Array,
  start: number,
  offset = 0,
  depth = 0,
): Parsed<DhcpOption[]> {
  const options: DhcpOption[] = [];
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = start;
  while (at < data.length) {
    if (options.length === MAX_OPTIONS) return faulty('too-many', offset + at, 'DHCPv6 options');
    if (data.length - at < HEAD) return faulty('truncated', offset + at, 'DHCPv6 option');
    const code = view.getUint16(at);
    const end = at + HEAD + view.getUint16(at + 2);
    if (end > data.length) return faulty('truncated', offset + at, `DHCPv6 option ${code}`);
    const option = parseOption(code, data.subarray(at + HEAD, end), offset + at + HEAD, depth);
    if (!option.ok) return option;
    options.push(option.value);
    at = end;
  }
  return parsed(options);
}

function parseOption(code: number, data: Uint8Array, offset: number, depth: number): Parsed<DhcpOption> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const wrongLength = (): Parsed<never> =>
    faulty('option-length', offset - 2, `DHCPv6 option ${code} of ${data.length} octets`);
  const inner = (head: number): Parsed<DhcpOption[]> => parseDhcpOptions(data, head, offset, depth + 1);
  const nests = depth < MAX_DEPTH;
  switch (code) {
    case DHCPV6_OPTION.clientId:
    case DHCPV6_OPTION.serverId: {
      if (data.length < DUID_LENGTH.least || data.length > DUID_LENGTH.most) return wrongLength();
      const kind = code === DHCPV6_OPTION.clientId ? 'client-id' : 'server-id';
      return parsed({ kind, duid: hexadecimal(data) });
    }
    case DHCPV6_OPTION.iaNa: {
      if (!nests) break;
      if (data.length < IA_NA_HEAD) return wrongLength();
      const options = inner(IA_NA_HEAD);
      if (!options.ok) return options;
      const [iaid, t1, t2] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)];
      return parsed({ kind: 'ia-na', iaid, t1, t2, options: options.value });
    }
    case DHCPV6_OPTION.iaAddress: {
      if (!nests) break;
      if (data.length < IA_ADDRESS_HEAD) return wrongLength();
      const options = inner(IA_ADDRESS_HEAD);
      if (!options.ok) return options;
      const [preferredSeconds, validSeconds] = [view.getUint32(16), view.getUint32(20)];
      const address = readAddress(data, 0);
      return parsed({ kind: 'ia-address', address, preferredSeconds, validSeconds, options: options.value });
    }
    case DHCPV6_OPTION.status:
      if (data.length < 2) return wrongLength();
      return parsed({ kind: 'status', code: view.getUint16(0), text: TEXT.decode(data.subarray(2)) });
    case DHCPV6_OPTION.rapidCommit:
      return data.length === 0 ? parsed({ kind: 'rapid-commit' }) : wrongLength();
  }
  return parsed({ kind: 'unknown', code, data: copyOctets(data) });
}

/** The octets of options, in order. */
export function emitDhcpOptions(options: readonly DhcpOption[]): Uint8Array {
  return joined(options.map(emitOption));
}

function emitOption(option: DhcpOption): Uint8Array {
  switch (option.kind) {
    case 'client-id':
      return withHead(DHCPV6_OPTION.clientId, octetsOf(option.duid));
    case 'server-id':
      return withHead(DHCPV6_OPTION.serverId, octetsOf(option.duid));
    case 'ia-na': {
      const head = words(option.iaid, option.t1, option.t2);
      return withHead(DHCPV6_OPTION.iaNa, joined([head, emitDhcpOptions(option.options)]));
    }
    case 'ia-address': {
      const address = new Uint8Array(16);
      writeAddress(address, 0, option.address);
      const times = words(option.preferredSeconds, option.validSeconds);
      return withHead(DHCPV6_OPTION.iaAddress, joined([address, times, emitDhcpOptions(option.options)]));
    }
    case 'status': {
      const code = Uint8Array.of(option.code >> 8, option.code);
      return withHead(DHCPV6_OPTION.status, joined([code, new TextEncoder().encode(option.text)]));
    }
    case 'rapid-commit':
      return withHead(DHCPV6_OPTION.rapidCommit, new Uint8Array());
    case 'unknown':
      return withHead(option.code, option.data);
  }
}

function withHead(code: number, data: Uint8Array): Uint8Array {
  return joined([Uint8Array.of(code >> 8, code, data.length >> 8, data.length), data]);
}

function words(...values: readonly number[]): Uint8Array {
  const data = new Uint8Array(4 * values.length);
  const view = new DataView(data.buffer);
  values.forEach((value, index) => view.setUint32(4 * index, value));
  return data;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hexadecimal(data: Uint8Array): string {
  return [...data].map((octet) => octet.toString(16).padStart(2, '0')).join('');
}

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
