import type { Address } from './address.ts';
import { fillChecksum, pseudoHeaderSum, upperLayerChecksum } from './checksum.ts';
import { NEXT_HEADER } from './ipv6.ts';
import { faulty, parsed } from './result.ts';
import type { Parsed } from './result.ts';

const HEADER = 8;
const LENGTH = 4;
const CHECKSUM = 6;

export interface Datagram {
  readonly srcPort: number;
  readonly dstPort: number;
  /** A view into the packet. */
  readonly payload: Uint8Array;
}

/**
 * Reads a UDP datagram as a packet socket shows it. One that a virtual interface of the same machine sent may carry the sum
 * of its pseudo-header where its checksum is still to be filled in; that counts as good.
 */
export function parseUdp(data: Uint8Array, src: Address, dst: Address): Parsed<Datagram> {
  if (data.length < HEADER) return faulty('truncated', data.length, 'UDP header');
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const length = view.getUint16(LENGTH);
  if (length !== data.length) return faulty('length', LENGTH, `UDP length ${length} of ${data.length}`);
  const unfinished = view.getUint16(CHECKSUM) === pseudoHeaderSum(src, dst, NEXT_HEADER.udp, data.length);
  if (!unfinished && upperLayerChecksum(src, dst, NEXT_HEADER.udp, data) !== 0) {
    return faulty('checksum', CHECKSUM, 'UDP');
  }
  return parsed({ srcPort: view.getUint16(0), dstPort: view.getUint16(2), payload: data.subarray(HEADER) });
}

/** A datagram with its checksum. */
export function emitUdp(
  srcPort: number,
  dstPort: number,
  payload: Uint8Array,
  src: Address,
  dst: Address,
): Uint8Array {
  const data = new Uint8Array(HEADER + payload.length);
  const view = new DataView(data.buffer);
  view.setUint16(0, srcPort);
  view.setUint16(2, dstPort);
  view.setUint16(LENGTH, data.length);
  data.set(payload, HEADER);
  fillChecksum(data, CHECKSUM, src, dst, NEXT_HEADER.udp);
  // A sum of 0 is sent as its other form: 0 means that there is none, RFC 8200 section 8.1.
  if (view.getUint16(CHECKSUM) === 0) view.setUint16(CHECKSUM, 0xffff);
  return data;
}
