import { parsePcap } from './pcap.ts';
import { parsePcapng } from './pcapng.ts';

/** Link types of the tcpdump.org registry that this project reads and writes. */
export const LINKTYPE_ETHERNET = 1;
export const LINKTYPE_RAW = 101;
export const LINKTYPE_IPV6 = 229;

/** One interface of a capture; a classic pcap file has exactly one, without a name. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Longest packet that was kept, in octets; 0 where the file states no limit. */
  readonly snapLength: number;
  readonly name?: string;
}

export interface CapturedPacket {
  /** Index into the interfaces of the capture. */
  readonly interface: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** What was kept of the packet; a view into the file when it was parsed. */
  readonly data: Uint8Array;
  /** Length on the wire, not less than what was kept. */
  readonly length: number;
  readonly comments?: readonly string[];
}

export interface Capture {
  readonly interfaces: readonly CaptureInterface[];
  readonly packets: readonly CapturedPacket[];
}

/** `capture` holds what stood before the fault, so that the file of a killed writer is still of use. */
export type CaptureResult =
  | { readonly ok: true; readonly capture: Capture }
  | {
      readonly ok: false;
      readonly fault: string;
      /** Offset in the file of the record at fault. */
      readonly offset: number;
      readonly capture: Capture;
    };

const PCAPNG_SECTION_HEADER = 0x0a0d0d0a;

/** Reads a classic pcap or a pcapng file, told apart by the first four octets. Never throws. */
export function parseCapture(file: Uint8Array): CaptureResult {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length >= 4 && view.getUint32(0) === PCAPNG_SECTION_HEADER) return parsePcapng(file);
  return parsePcap(file);
}
