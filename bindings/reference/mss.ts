import { octet, upperLayer } from './packet.ts';

const TCP = 6;
const SYN = 0b10;
const HEADER = 20;
const CHECKSUM_AT = 16;
const END = 0;
const NO_OPERATION = 1;
const MSS = 2;
const MSS_LENGTH = 4;

/** "MSS" of the ABI page: the packet with its MSS lowered to `most`, or undefined where there is nothing to lower. */
export function withLowerMss(packet: Uint8Array, most: number): Uint8Array | undefined {
  const upper = upperLayer(packet);
  if (upper?.protocol !== TCP) return undefined;
  const segment = packet.slice(upper.offset);
  if (segment.length < HEADER || (octet(segment, 13) & SYN) === 0) return undefined;
  const dataOffset = (octet(segment, 12) >> 4) * 4;
  if (dataOffset > segment.length) return undefined;
  const at = mssAt(segment.subarray(0, dataOffset));
  if (at === undefined) return undefined;

  const view = new DataView(segment.buffer);
  const before = view.getUint16(at);
  if (before <= most) return undefined;
  view.setUint16(at, most);
  // A value that lies across two words of the checksum counts with its octets exchanged.
  const weight = at % 2 === 0 ? 1 : 256;
  const sum = (0xffff - view.getUint16(CHECKSUM_AT) + (most + 0xffff - before) * weight) % 0xffff;
  view.setUint16(CHECKSUM_AT, sum === 0 ? 0 : 0xffff - sum);
  const result = packet.slice();
  result.set(segment, upper.offset);
  return result;
}

/** Where the value of the MSS option of a TCP header stands. */
function mssAt(header: Uint8Array): number | undefined {
  for (let at = HEADER; at < header.length;) {
    const kind = octet(header, at);
    if (kind === END) return undefined;
    if (kind === NO_OPERATION) {
      at += 1;
      continue;
    }
    const length = header[at + 1] ?? 0;
    if (length < 2 || at + length > header.length) return undefined;
    if (kind === MSS) return length === MSS_LENGTH ? at + 2 : undefined;
    at += length;
  }
  return undefined;
}
