import { readAddress, readMac, readPrefix, splitPrefix, writeAddress, writeMac } from '../address.ts';
import type { Address, Mac, Prefix } from '../address.ts';
import { copyOctets } from '../octets.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { ADDRESS_LIST_ENTERPRISE, ND_OPTION } from './registry.ts';

export type NdOption =
  | { readonly kind: 'source-link-layer'; readonly mac: Mac }
  | { readonly kind: 'target-link-layer'; readonly mac: Mac }
  | {
      readonly kind: 'prefix-information';
      readonly prefix: Prefix;
      readonly onLink: boolean;
      readonly autonomous: boolean;
      /** Lifetimes in seconds; 0xffffffff is for ever. */
      readonly validSeconds: number;
      readonly preferredSeconds: number;
    }
  | { readonly kind: 'mtu'; readonly mtu: number }
  /**
   * The addresses of its sessions that a host aware of mobility names in a Solicitation: which of its own
   * addresses are home addresses, and which home addresses of correspondents it talks to.
   *
   * | octet | field |
   * |---|---|
   * | 0 | type 253 |
   * | 1 | length in units of 8 octets: 1 + 2 * (h + c) |
   * | 2 | h, number of home addresses of the sender |
   * | 3 | c, number of home addresses of correspondents |
   * | 4-7 | enterprise number 32473 |
   * | 8- | h addresses, then c addresses, 16 octets each |
   */
  | {
      readonly kind: 'address-list';
      readonly homes: readonly Address[];
      readonly correspondents: readonly Address[];
    }
  /** Any other type, kept as it came: `data` is what follows the length field, 8n + 6 octets. */
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array };

const UNIT = 8;
const PREFIX_INFORMATION_LENGTH = 32;
const ADDRESS = 16;
/** The length field has 8 bits: 255 units less the head, two units an address. */
const ADDRESS_LIST_MAXIMUM = 127;
/** More than any Advertisement of this project; bounds the work on a hostile one. */
const MAX_OPTIONS = 128;

/** Reads the options of a neighbour discovery message, which begin at `start` and fill the rest of `data`. */
export function parseNdOptions(data: Uint8Array, start: number): Parsed<NdOption[]> {
  const options: NdOption[] = [];
  let at = start;
  while (at < data.length) {
    if (options.length === MAX_OPTIONS) return faulty('too-many', at, 'neighbour discovery options');
    if (data.length - at < UNIT) return faulty('truncated', at, 'neighbour discovery option');
    const length = data[at + 1]! * UNIT;
    // RFC 4861 section 4.6: the whole packet is discarded.
    if (length === 0) return faulty('option-length', at + 1, `option ${data[at]} of length 0`);
    if (data.length - at < length) return faulty('truncated', at, `option ${data[at]} of ${length}`);
    const option = parseOption(data.subarray(at, at + length), at);
    if (!option.ok) return option;
    options.push(option.value);
    at += length;
  }
  return parsed(options);
}

function parseOption(data: Uint8Array, offset: number): Parsed<NdOption> {
  const type = data[0]!;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const wrongLength = (): Parsed<never> =>
    faulty('option-length', offset + 1, `option ${type} of ${data.length} octets`);
  switch (type) {
    case ND_OPTION['source-link-layer']:
    case ND_OPTION['target-link-layer']: {
      if (data.length !== UNIT) return wrongLength();
      const kind = type === ND_OPTION['source-link-layer'] ? 'source-link-layer' : 'target-link-layer';
      return parsed({ kind, mac: readMac(data, 2) });
    }
    case ND_OPTION['prefix-information']: {
      if (data.length !== PREFIX_INFORMATION_LENGTH) return wrongLength();
      const length = data[2]!;
      if (length > 128) return faulty('option-value', offset + 2, `prefix length ${length}`);
      return parsed({
        kind: 'prefix-information',
        prefix: readPrefix(data, 16, length),
        onLink: (data[3]! & 0x80) !== 0,
        autonomous: (data[3]! & 0x40) !== 0,
        validSeconds: view.getUint32(4),
        preferredSeconds: view.getUint32(8),
      });
    }
    case ND_OPTION.mtu:
      return data.length === UNIT ? parsed({ kind: 'mtu', mtu: view.getUint32(4) }) : wrongLength();
    case ND_OPTION['address-list']: {
      if (view.getUint32(4) !== ADDRESS_LIST_ENTERPRISE) break;
      const homes = data[2]!;
      const correspondents = data[3]!;
      if (data.length !== UNIT + ADDRESS * (homes + correspondents)) return wrongLength();
      const list = (from: number, count: number): Address[] =>
        Array.from({ length: count }, (_, index) => readAddress(data, UNIT + ADDRESS * (from + index)));
      return parsed({
        kind: 'address-list',
        homes: list(0, homes),
        correspondents: list(homes, correspondents),
      });
    }
  }
  return parsed({ kind: 'unknown', type, data: copyOctets(data, 2) });
}

/** Writes options one after the other. Throws a RangeError for an address list of more than 127 addresses. */
export function emitNdOptions(options: readonly NdOption[]): Uint8Array {
  const parts = options.map(emitOption);
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function emitOption(option: NdOption): Uint8Array {
  switch (option.kind) {
    case 'source-link-layer':
    case 'target-link-layer': {
      const data = blank(ND_OPTION[option.kind], UNIT);
      writeMac(data, 2, option.mac);
      return data;
    }
    case 'prefix-information': {
      const data = blank(ND_OPTION[option.kind], PREFIX_INFORMATION_LENGTH);
      const view = new DataView(data.buffer);
      const { address, length } = splitPrefix(option.prefix);
      data[2] = length;
      data[3] = (option.onLink ? 0x80 : 0) | (option.autonomous ? 0x40 : 0);
      view.setUint32(4, option.validSeconds);
      view.setUint32(8, option.preferredSeconds);
      writeAddress(data, 16, address);
      return data;
    }
    case 'mtu': {
      const data = blank(ND_OPTION.mtu, UNIT);
      new DataView(data.buffer).setUint32(4, option.mtu);
      return data;
    }
    case 'address-list': {
      const addresses = [...option.homes, ...option.correspondents];
      if (addresses.length > ADDRESS_LIST_MAXIMUM) {
        throw new RangeError(`an address list holds ${ADDRESS_LIST_MAXIMUM}, not ${addresses.length}`);
      }
      const data = blank(ND_OPTION['address-list'], UNIT + ADDRESS * addresses.length);
      data[2] = option.homes.length;
      data[3] = option.correspondents.length;
      new DataView(data.buffer).setUint32(4, ADDRESS_LIST_ENTERPRISE);
      addresses.forEach((address, index) => writeAddress(data, UNIT + ADDRESS * index, address));
      return data;
    }
    case 'unknown': {
      const data = blank(option.type, option.data.length + 2);
      data.set(option.data, 2);
      return data;
    }
  }
}

function blank(type: number, length: number): Uint8Array {
  const data = new Uint8Array(length);
  data[0] = type;
  data[1] = length / UNIT;
  return data;
}
