import { readAddress, readPrefix, splitPrefix, writeAddress } from '../address.ts';
import type { Address, Prefix } from '../address.ts';
import { copyOctets } from '../octets.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { MN_ID_NAI, MOBILITY_OPTIONS, PAD1, PADN } from './registry.ts';

/** The fields of every option by kind; registry.ts has the numbers. */
interface OptionFields {
  /** In units of 4 seconds. */
  'refresh-advice': { readonly interval: number };
  'alternate-coa': { readonly address: Address };
  'nonce-indices': { readonly home: number; readonly careOf: number };
  'authorization-data': { readonly authenticator: Uint8Array };
  'mobile-network-prefix': { readonly prefix: Prefix };
  /** Subtype 1, a Network Access Identifier; other subtypes stay unknown options. */
  'mn-id': { readonly id: string };
  /** `authenticator` over the message up to the SPI, see docs/lm-messages.md. */
  authentication: { readonly subtype: number; readonly spi: number; readonly authenticator: Uint8Array };
  vendor: { readonly enterprise: number; readonly subtype: number; readonly data: Uint8Array };
  'home-network-prefix': { readonly prefix: Prefix };
  'handoff-indicator': { readonly value: number };
  'access-technology': { readonly value: number };
  'mn-link-layer-id': { readonly id: Uint8Array };
  'link-local-address': { readonly address: Address };
  /** Milliseconds since 1970. */
  timestamp: { readonly millis: number };
  /** What the new router asks the previous one for: request types, and the option data or vendor's data of each. */
  'context-request': {
    readonly requests: readonly { readonly type: number; readonly data: Uint8Array }[];
  };
  'lma-address': { readonly address: Address };
  'mag-address': { readonly address: Address };
  'delegated-prefix': { readonly prefix: Prefix };
  'anchored-prefix': { readonly prefix: Prefix };
  'local-prefix': { readonly prefix: Prefix };
  'previous-maar': { readonly maar: Address; readonly prefix: Prefix };
  'serving-maar': { readonly address: Address };
  'dlif-link-local': { readonly address: Address };
  'dlif-link-layer': { readonly id: Uint8Array };
}

type KnownOptionKind = keyof OptionFields;
type OptionOf<K extends KnownOptionKind> = { readonly kind: K } & OptionFields[K];

export type MobilityOption =
  | { [K in KnownOptionKind]: OptionOf<K> }[KnownOptionKind]
  /** Any other type, skipped as RFC 6275 section 6.2.1 demands, but kept. */
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array };

/** How the body (what follows type and length) of one kind is read and written. */
interface Codec<Fields> {
  /** Length of the body in octets; the least one where the body is of variable length. */
  readonly length: number;
  readonly variable?: true;
  /** Undefined for a value outside its range. The length has been checked. */
  read(body: Uint8Array, view: DataView): Fields | undefined;
  write(fields: Fields): Uint8Array;
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ADDRESS_BITS = 128;
const MAX_BODY = 255;
/** Option-Code of an IPv6 address in the option Local Mobility Anchor Address, RFC 5949 section 6.2.2. */
const LMA_IPV6 = 1;
/** V flag of the option Delegated Mobile Network Prefix. */
const IPV4_PREFIX = 0x80;
/** More than fit 1,280 octets in any message of this project; bounds the work on a hostile one. */
const MAX_MOBILITY_OPTIONS = 256;

/** Reserved octet, prefix length, 16 octets: RFC 5213 section 8.3, RFC 3963 section 4.3, RFC 8885 section 4. */
const prefixCodec: Codec<{ readonly prefix: Prefix }> = {
  length: 18,
  read: (body) => (body[1]! > ADDRESS_BITS ? undefined : { prefix: readPrefix(body, 2, body[1]!) }),
  write: ({ prefix }) => {
    const { address, length } = splitPrefix(prefix);
    const body = new Uint8Array(18);
    body[1] = length;
    writeAddress(body, 2, address);
    return body;
  },
};

const addressCodec: Codec<{ readonly address: Address }> = {
  length: 16,
  read: (body) => ({ address: readAddress(body) }),
  write: ({ address }) => {
    const body = new Uint8Array(16);
    writeAddress(body, 0, address);
    return body;
  },
};

const linkLayerCodec: Codec<{ readonly id: Uint8Array }> = {
  length: 2,
  variable: true,
  read: (body) => ({ id: copyOctets(body, 2) }),
  write: ({ id }) => {
    const body = new Uint8Array(2 + id.length);
    body.set(id, 2);
    return body;
  },
};

/** A reserved octet, then the value. */
const valueCodec: Codec<{ readonly value: number }> = {
  length: 2,
  read: (body) => ({ value: body[1]! }),
  write: ({ value }) => Uint8Array.of(0, value),
};

const CODECS: { readonly [K in KnownOptionKind]: Codec<OptionFields[K]> } = {
  'refresh-advice': {
    length: 2,
    read: (_, view) => ({ interval: view.getUint16(0) }),
    write: ({ interval }) => Uint8Array.of(interval >> 8, interval),
  },
  'alternate-coa': addressCodec,
  'nonce-indices': {
    length: 4,
    read: (_, view) => ({ home: view.getUint16(0), careOf: view.getUint16(2) }),
    write: ({ home, careOf }) => Uint8Array.of(home >> 8, home, careOf >> 8, careOf),
  },
  'authorization-data': {
    length: 1,
    variable: true,
    read: (body) => ({ authenticator: copyOctets(body) }),
    write: ({ authenticator }) => authenticator,
  },
  'mobile-network-prefix': prefixCodec,
  'mn-id': {
    length: 2,
    variable: true,
    read: (body) => {
      try {
        return { id: utf8Decoder.decode(body.subarray(1)) };
      } catch {
        return undefined;
      }
    },
    write: ({ id }) => {
      const text = utf8Encoder.encode(id);
      const body = new Uint8Array(1 + text.length);
      body[0] = MN_ID_NAI;
      body.set(text, 1);
      return body;
    },
  },
  authentication: {
    length: 5,
    variable: true,
    read: (body, view) => ({ subtype: body[0]!, spi: view.getUint32(1), authenticator: copyOctets(body, 5) }),
    write: ({ subtype, spi, authenticator }) => {
      const body = new Uint8Array(5 + authenticator.length);
      body[0] = subtype;
      new DataView(body.buffer).setUint32(1, spi);
      body.set(authenticator, 5);
      return body;
    },
  },
  vendor: {
    length: 5,
    variable: true,
    read: (body, view) => ({ enterprise: view.getUint32(0), subtype: body[4]!, data: copyOctets(body, 5) }),
    write: ({ enterprise, subtype, data }) => {
      const body = new Uint8Array(5 + data.length);
      new DataView(body.buffer).setUint32(0, enterprise);
      body[4] = subtype;
      body.set(data, 5);
      return body;
    },
  },
  'home-network-prefix': prefixCodec,
  'handoff-indicator': valueCodec,
  'access-technology': valueCodec,
  'mn-link-layer-id': linkLayerCodec,
  'link-local-address': addressCodec,
  timestamp: {
    length: 8,
    // RFC 5213 section 8.8: seconds in 48 bits, 1/65,536 of a second in 16. The fraction is finer than a
    // millisecond, so whole milliseconds survive the way there and back.
    read: (_, view) => {
      const fixed = view.getBigUint64(0);
      const millis = Number(fixed >> 16n) * 1000 + Math.round((Number(fixed & 0xffffn) * 1000) / 0x10000);
      return Number.isSafeInteger(millis) ? { millis } : undefined;
    },
    write: ({ millis }) => {
      const fraction = Math.round(((millis % 1000) * 0x10000) / 1000);
      const body = new Uint8Array(8);
      new DataView(body.buffer).setBigUint64(
        0,
        (BigInt(Math.floor(millis / 1000)) << 16n) + BigInt(fraction),
      );
      return body;
    },
  },
  'context-request': {
    length: 2,
    variable: true,
    read: (body) => {
      const requests: { type: number; data: Uint8Array }[] = [];
      for (let at = 2; at < body.length;) {
        const end = at + 2 + (body[at + 1] ?? body.length);
        if (end > body.length) return undefined;
        requests.push({ type: body[at]!, data: copyOctets(body, at + 2, end) });
        at = end;
      }
      return { requests };
    },
    write: ({ requests }) =>
      Uint8Array.from([0, 0, ...requests.flatMap(({ type, data }) => [type, data.length, ...data])]),
  },
  'lma-address': {
    length: 18,
    read: (body) => (body[0] === LMA_IPV6 ? { address: readAddress(body, 2) } : undefined),
    write: ({ address }) => {
      const body = new Uint8Array(18);
      body[0] = LMA_IPV6;
      writeAddress(body, 2, address);
      return body;
    },
  },
  'mag-address': {
    length: 18,
    read: (body) => (body[1] === ADDRESS_BITS ? { address: readAddress(body, 2) } : undefined),
    write: ({ address }) => {
      const body = new Uint8Array(18);
      body[1] = ADDRESS_BITS;
      writeAddress(body, 2, address);
      return body;
    },
  },
  // The first octet has the V flag, which is clear for IPv6: RFC 7148 section 4.1.
  'delegated-prefix': {
    ...prefixCodec,
    read: (body, view) => (body[0]! >= IPV4_PREFIX ? undefined : prefixCodec.read(body, view)),
  },
  'anchored-prefix': prefixCodec,
  'local-prefix': prefixCodec,
  'previous-maar': {
    length: 34,
    read: (body) =>
      body[1]! > ADDRESS_BITS
        ? undefined
        : { maar: readAddress(body, 2), prefix: readPrefix(body, 18, body[1]!) },
    write: ({ maar, prefix }) => {
      const { address, length } = splitPrefix(prefix);
      const body = new Uint8Array(34);
      body[1] = length;
      writeAddress(body, 2, maar);
      writeAddress(body, 18, address);
      return body;
    },
  },
  'serving-maar': addressCodec,
  'dlif-link-local': addressCodec,
  'dlif-link-layer': linkLayerCodec,
};

const KIND_OF = new Map<number, KnownOptionKind>(
  Object.entries(MOBILITY_OPTIONS).map(([kind, row]) => [row.number, kind as KnownOptionKind]),
);

/**
 * Reads the options from `start` to the end of a Mobility Header. Padding is left out, options of unknown type
 * are kept; a known one with a wrong length or value condemns the message. Never throws.
 */
export function parseMobilityOptions(data: Uint8Array, start: number): Parsed<MobilityOption[]> {
  const options: MobilityOption[] = [];
  let at = start;
  while (at < data.length) {
    const type = data[at]!;
    if (type === PAD1) {
      at++;
      continue;
    }
    if (data.length - at < 2) return faulty('truncated', at, `option ${type}`);
    const length = data[at + 1]!;
    const end = at + 2 + length;
    if (end > data.length) return faulty('truncated', at, `option ${type} with a body of ${length}`);
    if (type !== PADN) {
      if (options.length === MAX_MOBILITY_OPTIONS) return faulty('too-many', at, 'mobility options');
      const option = parseOption(type, data.subarray(at + 2, end), at);
      if (!option.ok) return option;
      options.push(option.value);
    }
    at = end;
  }
  return parsed(options);
}

function parseOption(type: number, body: Uint8Array, offset: number): Parsed<MobilityOption> {
  const kind = KIND_OF.get(type);
  if (kind === undefined || (kind === 'mn-id' && body.length > 0 && body[0] !== MN_ID_NAI)) {
    return parsed({ kind: 'unknown', type, data: copyOctets(body) });
  }
  const { name } = MOBILITY_OPTIONS[kind];
  const codec: Codec<object> = CODECS[kind];
  if (codec.variable ? body.length < codec.length : body.length !== codec.length) {
    return faulty('option-length', offset + 1, `${name} with a body of ${body.length}`);
  }
  const fields = codec.read(body, new DataView(body.buffer, body.byteOffset, body.length));
  if (fields === undefined) return faulty('option-value', offset + 2, name);
  return parsed({ kind, ...fields } as MobilityOption);
}

/**
 * Lays options out after a fixed part of `start` octets: each at its alignment, the whole a multiple of 8 octets.
 * Returns the octets from `start` on. Throws a RangeError for an option whose body exceeds 255 octets.
 */
export function emitMobilityOptions(options: readonly MobilityOption[], start: number): Uint8Array {
  let end = start;
  const placed = options.map((option) => {
    const { type, body, modulus, remainder } = layoutOf(option);
    const at = end + ((((remainder - end) % modulus) + modulus) % modulus);
    end = at + 2 + body.length;
    return { type, body, at };
  });
  const out = new Uint8Array(Math.ceil(end / 8) * 8 - start);
  let filled = 0;
  for (const { type, body, at } of placed) {
    pad(out, filled, at - start);
    out[at - start] = type;
    out[at - start + 1] = body.length;
    out.set(body, at - start + 2);
    filled = at - start + 2 + body.length;
  }
  pad(out, filled, out.length);
  return out;
}

interface Layout {
  readonly type: number;
  readonly body: Uint8Array | readonly number[];
  readonly modulus: number;
  readonly remainder: number;
}

function layoutOf(option: MobilityOption): Layout {
  if (option.kind === 'unknown') return { type: option.type, body: option.data, modulus: 1, remainder: 0 };
  const { number, name, modulus, remainder } = MOBILITY_OPTIONS[option.kind];
  const body = (CODECS[option.kind] as Codec<object>).write(option);
  if (body.length > MAX_BODY) throw new RangeError(`${name} of ${body.length} octets`);
  return { type: number, body, modulus, remainder };
}

/** Fills a gap between zeroes: with Pad1 if it is one octet, else with PadN. */
function pad(out: Uint8Array, from: number, to: number): void {
  if (to - from === 1) out[from] = PAD1;
  else if (to > from) {
    out[from] = PADN;
    out[from + 1] = to - from - 2;
  }
}
