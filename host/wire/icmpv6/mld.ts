import { readAddress, writeAddress } from '../address.ts';
import type { Address } from '../address.ts';
import { NEXT_HEADER } from '../ipv6.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';

/** Record types of a version 2 Report, RFC 3810 section 5.2.12. */
export const MLD_RECORD = {
  isInclude: 1,
  isExclude: 2,
  toInclude: 3,
  toExclude: 4,
  allow: 5,
  block: 6,
} as const;

export interface MldRecord {
  readonly type: number;
  readonly group: Address;
  readonly sources: readonly Address[];
}

export type MldMessage =
  | { readonly kind: 'mld1-report' | 'mld1-done'; readonly group: Address }
  | { readonly kind: 'mld2-report'; readonly records: readonly MldRecord[] };

const VERSION_1 = 24;
const VERSION_2_HEADER = 8;
const RECORD_HEADER = 20;
const ADDRESS = 16;

/** Reads an MLD Report or Done of a checksummed ICMPv6 message: RFC 2710 section 3, RFC 3810 section 5.2. */
export function parseMld(kind: MldMessage['kind'], data: Uint8Array): Parsed<MldMessage> {
  if (kind !== 'mld2-report') {
    if (data.length < VERSION_1) return faulty('truncated', data.length, kind);
    return parsed({ kind, group: readAddress(data, 8) });
  }
  if (data.length < VERSION_2_HEADER) return faulty('truncated', data.length, kind);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const count = view.getUint16(6);
  const records: MldRecord[] = [];
  let at = VERSION_2_HEADER;
  // Each turn consumes at least a record header, so the length of the message bounds the loop.
  for (let index = 0; index < count; index++) {
    if (data.length - at < RECORD_HEADER) return faulty('truncated', at, `record ${index} of ${count}`);
    const sources = view.getUint16(at + 2);
    const length = RECORD_HEADER + ADDRESS * sources + 4 * data[at + 1]!;
    if (data.length - at < length) return faulty('truncated', at, `record ${index} of ${length} octets`);
    records.push({
      type: data[at]!,
      group: readAddress(data, at + 4),
      sources: Array.from({ length: sources }, (_, source) =>
        readAddress(data, at + RECORD_HEADER + ADDRESS * source),
      ),
    });
    at += length;
  }
  return parsed({ kind, records });
}

/** Writes the message with type, code and checksum left 0 for `emitIcmpv6`. */
export function emitMld(message: MldMessage): Uint8Array {
  if (message.kind !== 'mld2-report') {
    const data = new Uint8Array(VERSION_1);
    writeAddress(data, 8, message.group);
    return data;
  }
  const { records } = message;
  const length = records.reduce(
    (total, record) => total + RECORD_HEADER + ADDRESS * record.sources.length,
    VERSION_2_HEADER,
  );
  const data = new Uint8Array(length);
  const view = new DataView(data.buffer);
  view.setUint16(6, records.length);
  let at = VERSION_2_HEADER;
  for (const { type, group, sources } of records) {
    data[at] = type;
    view.setUint16(at + 2, sources.length);
    writeAddress(data, at + 4, group);
    sources.forEach((source, index) => writeAddress(data, at + RECORD_HEADER + ADDRESS * index, source));
    at += RECORD_HEADER + ADDRESS * sources.length;
  }
  return data;
}

/** Router Alert with value 0 (RFC 2711 section 2.1), then PadN to fill the 8 octets. */
const ROUTER_ALERT = [5, 2, 0, 0, 1, 0] as const;

/**
 * Puts the Hop-by-Hop header with Router Alert, which RFC 3810 section 5 demands, before an emitted MLD message.
 * The result is the payload of an IPv6 packet with next header 0 and hop limit 1.
 */
export function withRouterAlert(icmpv6: Uint8Array): Uint8Array {
  const payload = new Uint8Array(8 + icmpv6.length);
  payload.set([NEXT_HEADER.icmpv6, 0, ...ROUTER_ALERT]);
  payload.set(icmpv6, 8);
  return payload;
}
