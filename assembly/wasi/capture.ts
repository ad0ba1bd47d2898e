/** A capture that was read: its packets, each with the interface that it came from. */
import { take } from './arena';
import { EXIT_FAULT, clearLine, fail, put, putForeign, putNumber } from './print';

export const LINKTYPE_ETHERNET: u32 = 1;
export const LINKTYPE_RAW: u32 = 101;
export const LINKTYPE_IPV6: u32 = 229;
/** Longest packet that leaves is far below this; the value that tcpdump writes. */
export const SNAP_LENGTH: u32 = 262144;
export const NANOSECONDS: u64 = 1_000_000_000;

@unmanaged
export class Interface {
  linkType: u32;
  snapLength: u32;
  /** 0 where the interface has no name. */
  name: usize;
  nameSize: usize;
  /** Resolution of times as in the option if_tsresol of pcapng. */
  resolution: u32;
  /** Seconds to add to each time. */
  offset: i64;
  next: Interface | null;
}

@unmanaged
export class Captured {
  /** Nanoseconds since 1970. */
  time: u64;
  at: usize;
  /** Octets that were kept. */
  size: usize;
  from: Interface;
  next: Captured | null;
}

let first: Captured | null = null;
let last: Captured | null = null;
let count: u32 = 0;

export function firstPacket(): Captured | null {
  return first;
}

export function packetCount(): u32 {
  return count;
}

export function addPacket(from: Interface, time: u64, at: usize, size: usize): void {
  const packet = changetype<Captured>(take(offsetof<Captured>()));
  packet.time = time;
  packet.at = at;
  packet.size = size;
  packet.from = from;
  packet.next = null;
  const before = last;
  if (before === null) first = packet;
  else before.next = packet;
  last = packet;
  count++;
}

let file: usize = 0;
let fileSize: usize = 0;

/** What faults call the file. */
export function nameCapture(name: usize, size: usize): void {
  file = name;
  fileSize = size;
}

/** Ends the program: what is wrong with the capture at octet `offset`. */
export function captureFault(text: string, offset: usize): void {
  clearLine();
  put('maar-wasi replay: ');
  putForeign(file, fileSize);
  put(': ');
  put(text);
  put(', at octet ');
  putNumber(offset);
  fail(EXIT_FAULT);
}
