import type { Address } from '../../bindings/entries.ts';
import { fillChecksum, upperLayerChecksum } from '../wire/checksum.ts';
import { NEXT_HEADER } from '../wire/ipv6.ts';

/** Octets of a TCP header without options, RFC 9293 section 3.1. */
export const TCP_HEADER = 20;
export const TCP_FLAG = { fin: 0x01, syn: 0x02, psh: 0x08, ack: 0x10 } as const;
/** The largest without window scaling, which needs an option. */
export const TCP_WINDOW = 0xffff;

export interface TcpSegment {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/** Writes a segment, checksum filled. */
export function emitTcp(segment: TcpSegment, src: Address, dst: Address): Uint8Array {
  const payload = new Uint8Array(TCP_HEADER + segment.data.length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, segment.srcPort);
  view.setUint16(2, segment.dstPort);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledgement);
  payload[12] = (TCP_HEADER / 4) << 4;
  payload[13] = segment.flags;
  view.setUint16(14, TCP_WINDOW);
  payload.set(segment.data, TCP_HEADER);
  fillChecksum(payload, 16, src, dst, NEXT_HEADER.tcp);
  return payload;
}

/** Reads a segment without options; undefined for one that is short or damaged. */
export function parseTcp(payload: Uint8Array, src: Address, dst: Address): TcpSegment | undefined {
  if (payload.length < TCP_HEADER) return undefined;
  if (upperLayerChecksum(src, dst, NEXT_HEADER.tcp, payload) !== 0) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return {
    srcPort: view.getUint16(0),
    dstPort: view.getUint16(2),
    sequence: view.getUint32(4),
    acknowledgement: view.getUint32(8),
    flags: payload[13]!,
    data: payload.subarray(TCP_HEADER),
  };
}
