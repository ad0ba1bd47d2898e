/** Blocks and options of pcapng that are read and written, and how they are written: little-endian. */
import { append } from './arena';
import { LINKTYPE_IPV6, SNAP_LENGTH } from './capture';

export const BLOCK_SECTION: u32 = 0x0a0d0d0a;
export const BLOCK_INTERFACE: u32 = 1;
export const BLOCK_ENHANCED_PACKET: u32 = 6;
export const OPTION_END: u32 = 0;
export const OPTION_COMMENT: u32 = 1;
export const OPTION_NAME: u32 = 2;
export const OPTION_RESOLUTION: u32 = 9;
export const BYTE_ORDER_MAGIC: u32 = 0x1a2b3c4d;
/** Type and total length before the body, total length again after it. */
export const BLOCK_OVERHEAD: usize = 12;
export const SECTION_BODY: usize = 16;
export const INTERFACE_BODY: usize = 8;
export const ENHANCED_BODY: usize = 20;
const NANOSECONDS: u32 = 9;

export function padded(length: usize): usize {
  return (length + 3) & ~3;
}

/** Appends `size` octets that are zero. */
function zeros(size: usize): usize {
  const at = append(size);
  memory.fill(at, 0, size);
  return at;
}

function beginBlock(type: u32): usize {
  const at = zeros(8);
  store<u32>(at, type);
  return at;
}

/** Writes both lengths of the block that began at `at`. */
function endBlock(at: usize): void {
  const end = append(4);
  const length = (end + 4 - at) as u32;
  store<u32>(at, length, 4);
  store<u32>(end, length);
}

function appendOption(code: u32, value: usize, size: usize): void {
  const at = zeros(4 + padded(size));
  store<u16>(at, code as u16);
  store<u16>(at, size as u16, 2);
  memory.copy(at + 4, value, size);
}

/** Appends a section header of unspecified length. */
export function appendSection(): void {
  const block = beginBlock(BLOCK_SECTION);
  const at = zeros(SECTION_BODY);
  store<u32>(at, BYTE_ORDER_MAGIC);
  store<u16>(at, 1, 4);
  store<u64>(at, u64.MAX_VALUE, 8);
  endBlock(block);
}

/** Appends the description of an interface for IPv6 packets, with nanoseconds. */
export function appendInterface(name: usize, size: usize): void {
  const block = beginBlock(BLOCK_INTERFACE);
  const at = zeros(INTERFACE_BODY);
  store<u16>(at, LINKTYPE_IPV6 as u16);
  store<u32>(at, SNAP_LENGTH, 4);
  appendOption(OPTION_NAME, name, size);
  const resolution = zeros(8);
  store<u16>(resolution, OPTION_RESOLUTION as u16);
  store<u16>(resolution, 1, 2);
  store<u8>(resolution, NANOSECONDS as u8, 4);
  zeros(4);
  endBlock(block);
}

/** Appends a packet with a comment. */
export function appendEnhancedPacket(
  itf: u32,
  time: u64,
  packet: usize,
  size: usize,
  comment: usize,
  commentSize: usize,
): void {
  const block = beginBlock(BLOCK_ENHANCED_PACKET);
  const at = zeros(ENHANCED_BODY + padded(size));
  store<u32>(at, itf);
  store<u32>(at, (time >> 32) as u32, 4);
  store<u32>(at, time as u32, 8);
  store<u32>(at, size as u32, 12);
  store<u32>(at, size as u32, 16);
  memory.copy(at + ENHANCED_BODY, packet, size);
  appendOption(OPTION_COMMENT, comment, commentSize);
  zeros(4);
  endBlock(block);
}
