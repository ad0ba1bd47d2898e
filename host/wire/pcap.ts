import type { Capture, CapturedPacket, CaptureInterface, CaptureResult } from './capture.ts';

/** Classic pcap: draft-ietf-opsawg-pcap. */
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const VERSION_MAJOR = 2;
const VERSION_MINOR = 4;
/** The upper bits of the link type field carry the length of a frame check sequence. */
const LINK_TYPE_MASK = 0xffff;
const NANOSECONDS = 1_000_000_000n;

/**
 * Reads a classic pcap file, either byte order, with microseconds or nanoseconds.
 * Packet data are views into `file`. Never throws; a damaged file yields the fault and the packets before it.
 */
export function parsePcap(file: Uint8Array): CaptureResult {
  const interfaces: CaptureInterface[] = [];
  const packets: CapturedPacket[] = [];
  const failed = (fault: string, offset: number): CaptureResult => ({
    ok: false,
    fault,
    offset,
    capture: { interfaces, packets },
  });
  if (file.length < FILE_HEADER)
    return failed(`file header needs ${FILE_HEADER} octets, has ${file.length}`, 0);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const order = byteOrder(view);
  if (order === undefined) return failed('neither pcap nor pcapng: unknown magic number', 0);
  const { little, unit } = order;
  const major = view.getUint16(4, little);
  if (major !== VERSION_MAJOR) return failed(`pcap version ${major}, expected ${VERSION_MAJOR}`, 4);
  interfaces.push({
    linkType: view.getUint32(20, little) & LINK_TYPE_MASK,
    snapLength: view.getUint32(16, little),
  });

  let offset = FILE_HEADER;
  while (offset < file.length) {
    if (file.length - offset < RECORD_HEADER) return failed('record header cut short', offset);
    const seconds = BigInt(view.getUint32(offset, little));
    const fraction = BigInt(view.getUint32(offset + 4, little));
    const kept = view.getUint32(offset + 8, little);
    const length = view.getUint32(offset + 12, little);
    const start = offset + RECORD_HEADER;
    if (kept > file.length - start) return failed(`record of ${kept} octets cut short`, offset);
    if (kept > length) return failed(`record keeps ${kept} octets of a packet of ${length}`, offset);
    packets.push({
      interface: 0,
      time: seconds * NANOSECONDS + fraction * unit,
      data: new Uint8Array(file.buffer, file.byteOffset + start, kept),
      length,
    });
    offset = start + kept;
  }
  return { ok: true, capture: { interfaces, packets } };
}

function byteOrder(view: DataView): { little: boolean; unit: bigint } | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MAGIC_MICROSECONDS) return { little, unit: 1_000n };
    if (magic === MAGIC_NANOSECONDS) return { little, unit: 1n };
  }
  return undefined;
}

/**
 * Writes a classic pcap file with nanoseconds, little-endian.
 * Throws a RangeError for a capture that the format cannot express: not exactly one interface (use pcapng),
 * or a time outside 1970 to 2106.
 */
export function writePcap(capture: Capture): Uint8Array {
  const [only, ...others] = capture.interfaces;
  if (only === undefined || others.length > 0) {
    throw new RangeError(`a pcap file has one interface, not ${capture.interfaces.length}; write pcapng`);
  }
  const size = capture.packets.reduce((sum, packet) => sum + RECORD_HEADER + packet.data.length, FILE_HEADER);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC_NANOSECONDS, true);
  view.setUint16(4, VERSION_MAJOR, true);
  view.setUint16(6, VERSION_MINOR, true);
  view.setUint32(16, only.snapLength, true);
  view.setUint32(20, only.linkType, true);
  let offset = FILE_HEADER;
  for (const { time, data, length } of capture.packets) {
    const seconds = time / NANOSECONDS;
    if (time < 0n || seconds > 0xffff_ffffn)
      throw new RangeError(`time ${time} ns does not fit a pcap record`);
    view.setUint32(offset, Number(seconds), true);
    view.setUint32(offset + 4, Number(time % NANOSECONDS), true);
    view.setUint32(offset + 8, data.length, true);
    view.setUint32(offset + 12, length, true);
    file.set(data, offset + RECORD_HEADER);
    offset += RECORD_HEADER + data.length;
  }
  return file;
}
