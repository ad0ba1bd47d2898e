/** pcapng: draft-ietf-opsawg-pcapng, sections 4.1 to 4.4. Read in either byte order; other blocks are skipped. */
import { take } from './arena';
import { Interface, NANOSECONDS, addPacket, captureFault } from './capture';
import {
  BLOCK_ENHANCED_PACKET,
  BLOCK_INTERFACE,
  BLOCK_OVERHEAD,
  BLOCK_SECTION,
  BYTE_ORDER_MAGIC,
  ENHANCED_BODY,
  INTERFACE_BODY,
  OPTION_END,
  OPTION_NAME,
  OPTION_RESOLUTION,
  SECTION_BODY,
  padded,
} from './blocks';

const BLOCK_SIMPLE_PACKET: u32 = 3;
const OPTION_TIME_OFFSET: u32 = 14;
const SIMPLE_BODY: usize = 4;
const VERSION_MAJOR: u32 = 1;
const MICROSECONDS: u32 = 6;
const NANOSECOND_DIGITS: u32 = 9;
const BINARY: u32 = 0x80;
const OUT_OF_RANGE: string = 'time before 1970 or after 2554';

let little: bool = true;
/** Offset in the file of the block that is read, for faults. */
let block: usize = 0;
/** The section's interfaces. */
let first: Interface | null = null;
let last: Interface | null = null;

function field32(at: usize): u32 {
  const value = load<u32>(at);
  return little ? value : bswap<u32>(value);
}

function field16(at: usize): u32 {
  const value = load<u16>(at);
  return little ? value : bswap<u16>(value);
}

function field64(at: usize): u64 {
  const value = load<u64>(at);
  return little ? value : bswap<u64>(value);
}

function refuse(fault: string): void {
  captureFault(fault, block);
}

/** Reads the file of `size` octets at `file`, any number of sections. */
export function readPcapng(file: usize, size: usize): void {
  for (block = 0; block < size;) {
    const at = file + block;
    const left = size - block;
    if (left < BLOCK_OVERHEAD) refuse('block header cut short');
    // The section type reads the same in both byte orders; the order of all that follows is in its body.
    if (load<u32>(at) == BLOCK_SECTION) {
      little = load<u32>(at, 8) == BYTE_ORDER_MAGIC;
      if (field32(at + 8) != BYTE_ORDER_MAGIC) refuse('unknown byte-order magic');
    }
    const length: usize = field32(at + 4);
    if (length < BLOCK_OVERHEAD || (length & 3) != 0)
      refuse('block length is not a multiple of 4 from 12 up');
    if (length > left) refuse('block cut short');
    if (field32(at + length - 4) != (length as u32)) refuse('block lengths before and after differ');
    readBlock(field32(at), at + 8, length - BLOCK_OVERHEAD);
    block += length;
  }
}

function readBlock(type: u32, body: usize, size: usize): void {
  switch (type) {
    case BLOCK_SECTION:
      if (size < SECTION_BODY) refuse('section header cut short');
      if (field16(body + 4) != VERSION_MAJOR) refuse('not version 1 of pcapng');
      first = last = null;
      return;
    case BLOCK_INTERFACE:
      return readInterface(body, size);
    case BLOCK_ENHANCED_PACKET:
      return readEnhanced(body, size);
    case BLOCK_SIMPLE_PACKET:
      return readSimple(body, size);
  }
}

function readInterface(body: usize, size: usize): void {
  if (size < INTERFACE_BODY) refuse('interface description cut short');
  const from = changetype<Interface>(take(offsetof<Interface>()));
  memory.fill(changetype<usize>(from), 0, offsetof<Interface>());
  from.linkType = field16(body);
  from.snapLength = field32(body + 4);
  from.resolution = MICROSECONDS;
  const end = body + size;
  // Options to the end mark or to the first that does not fit; options are never worth a refusal.
  for (let at = body + INTERFACE_BODY; at + 4 <= end;) {
    const code = field16(at);
    const length: usize = field16(at + 2);
    const value = at + 4;
    if (code == OPTION_END || length > end - value) break;
    if (code == OPTION_NAME) {
      from.name = value;
      from.nameSize = length;
    } else if (code == OPTION_RESOLUTION && length >= 1) {
      from.resolution = load<u8>(value);
    } else if (code == OPTION_TIME_OFFSET && length >= 8) {
      from.offset = field64(value) as i64;
    }
    at = value + padded(length);
  }
  const before = last;
  if (before === null) first = from;
  else before.next = from;
  last = from;
}

function readEnhanced(body: usize, size: usize): void {
  if (size < ENHANCED_BODY) refuse('enhanced packet cut short');
  let from = first;
  for (let number = field32(body); number > 0 && from !== null; number--) from = from.next;
  if (from === null) return refuse('packet on an interface that no block describes');
  const stamp = ((field32(body + 4) as u64) << 32) | field32(body + 8);
  const kept: usize = field32(body + 12);
  if (kept > size - ENHANCED_BODY) refuse('packet in a shorter block');
  if (kept > field32(body + 16)) refuse('packet keeps more octets than it had');
  addPacket(from, timeOf(from, stamp), body + ENHANCED_BODY, kept);
}

/** A simple packet belongs to the section's first interface, has no time, and is cut at that interface's limit. */
function readSimple(body: usize, size: usize): void {
  if (size < SIMPLE_BODY) refuse('simple packet cut short');
  const from = first;
  if (from === null) return refuse('simple packet before any interface description');
  let kept: usize = field32(body);
  if (from.snapLength != 0) kept = min<usize>(kept, from.snapLength);
  if (kept > size - SIMPLE_BODY) refuse('packet in a shorter block');
  addPacket(from, 0, body + SIMPLE_BODY, kept);
}

/** Nanoseconds since 1970. */
function timeOf(from: Interface, stamp: u64): u64 {
  const exponent = from.resolution & ~BINARY;
  const time = (from.resolution & BINARY) == 0 ? decimal(stamp, exponent) : binary(stamp, exponent);
  if (from.offset == 0) return time;
  const seconds = from.offset < 0 ? ((0 - from.offset) as u64) : (from.offset as u64);
  if (seconds > u64.MAX_VALUE / NANOSECONDS) refuse(OUT_OF_RANGE);
  const shift = seconds * NANOSECONDS;
  if (from.offset < 0) {
    if (shift > time) refuse(OUT_OF_RANGE);
    return time - shift;
  }
  if (time + shift < time) refuse(OUT_OF_RANGE);
  return time + shift;
}

/** Ticks of 10^-exponent seconds in nanoseconds. */
function decimal(stamp: u64, exponent: u32): u64 {
  for (; exponent > NANOSECOND_DIGITS && stamp != 0; exponent--) stamp /= 10;
  for (; exponent < NANOSECOND_DIGITS; exponent++) {
    if (stamp > u64.MAX_VALUE / 10) refuse(OUT_OF_RANGE);
    stamp *= 10;
  }
  return stamp;
}

/** Ticks of 2^-exponent seconds in nanoseconds: the upper part of a product of 128 bits. */
function binary(stamp: u64, exponent: u32): u64 {
  const lower = (stamp & 0xffff_ffff) * NANOSECONDS;
  const upper = (stamp >> 32) * NANOSECONDS + (lower >> 32);
  const high = upper >> 32;
  const low = (upper << 32) | (lower & 0xffff_ffff);
  if (exponent >= 64) return high >> (exponent - 64);
  if (high >> exponent != 0) refuse(OUT_OF_RANGE);
  return exponent == 0 ? low : (high << (64 - exponent)) | (low >> exponent);
}
