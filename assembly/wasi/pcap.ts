/** Classic pcap: draft-ietf-opsawg-pcap. Written with nanoseconds, little-endian. */
import { append, take } from './arena';
import { Interface, LINKTYPE_IPV6, NANOSECONDS, SNAP_LENGTH, addPacket, captureFault } from './capture';
import { EXIT_FAULT, failWith } from './print';

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const MAGIC_MICROSECONDS: u32 = 0xa1b2c3d4;
const MAGIC_NANOSECONDS: u32 = 0xa1b23c4d;
const VERSION_MAJOR: u32 = 2;
const VERSION_MINOR: u32 = 4;
/** The upper bits of the link type field carry the length of a frame check sequence. */
const LINK_TYPE_MASK: u32 = 0xffff;
const MICROSECOND: u64 = 1000;

let little: bool = true;

function field32(at: usize): u32 {
  const value = load<u32>(at);
  return little ? value : bswap<u32>(value);
}

function isMagic(value: u32): bool {
  return value == MAGIC_MICROSECONDS || value == MAGIC_NANOSECONDS;
}

/** Reads the file of `size` octets at `file`, either byte order, with microseconds or nanoseconds. */
export function readPcap(file: usize, size: usize): void {
  if (size < FILE_HEADER) captureFault('file header cut short', 0);
  const first = load<u32>(file);
  little = isMagic(first);
  if (!isMagic(field32(file))) captureFault('neither pcap nor pcapng: unknown magic number', 0);
  const unit = field32(file) == MAGIC_MICROSECONDS ? MICROSECOND : 1;
  const version = load<u16>(file, 4);
  if ((little ? version : bswap<u16>(version)) != VERSION_MAJOR) captureFault('not version 2 of pcap', 4);
  const from = changetype<Interface>(take(offsetof<Interface>()));
  memory.fill(changetype<usize>(from), 0, offsetof<Interface>());
  from.linkType = field32(file + 20) & LINK_TYPE_MASK;
  for (let offset = FILE_HEADER; offset < size;) {
    if (size - offset < RECORD_HEADER) captureFault('record header cut short', offset);
    const record = file + offset;
    const kept: usize = field32(record + 8);
    if (kept > size - offset - RECORD_HEADER) captureFault('record cut short', offset);
    if (kept > field32(record + 12)) captureFault('record keeps more octets than the packet had', offset);
    const time = (field32(record) as u64) * NANOSECONDS + (field32(record + 4) as u64) * unit;
    addPacket(from, time, record + RECORD_HEADER, kept);
    offset += RECORD_HEADER + kept;
  }
}

/** Appends the header of a file to the arena. */
export function appendPcapHeader(): void {
  const at = append(FILE_HEADER);
  memory.fill(at, 0, FILE_HEADER);
  store<u32>(at, MAGIC_NANOSECONDS);
  store<u16>(at, VERSION_MAJOR as u16, 4);
  store<u16>(at, VERSION_MINOR as u16, 6);
  store<u32>(at, SNAP_LENGTH, 16);
  store<u32>(at, LINKTYPE_IPV6, 20);
}

/** Appends the record of a packet to the arena. */
export function appendPcapRecord(time: u64, packet: usize, size: usize): void {
  const seconds = time / NANOSECONDS;
  if (seconds > u32.MAX_VALUE) failWith(EXIT_FAULT, 'a time after 2106 does not fit pcap; write pcapng');
  const at = append(RECORD_HEADER + size);
  store<u32>(at, seconds as u32);
  store<u32>(at, (time % NANOSECONDS) as u32, 4);
  store<u32>(at, size as u32, 8);
  store<u32>(at, size as u32, 12);
  memory.copy(at + RECORD_HEADER, packet, size);
}
