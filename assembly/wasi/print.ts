/** Text for people: collected in a line, then written to standard output or error. And the ways to end the program. */
import { fd_write, proc_exit, STDERR, STDOUT } from './wasi_snapshot_preview1';

/** Something was found wrong in what was read, or a check failed. */
export const EXIT_FAULT: u32 = 1;
/** Usage, or a fault of the entries file. */
export const EXIT_USAGE: u32 = 2;

const CAPACITY: usize = 8192;
const DIGITS: usize = 20;

const LINE: usize = memory.data(8192, 8);
const VECTOR: usize = memory.data(16, 8);
const NUMBER: usize = memory.data(24, 8);

let length: usize = 0;

/** Where the text stands that has been put since the last line was written or taken. */
export function lineAt(): usize {
  return LINE;
}

export function lineLength(): usize {
  return length;
}

export function clearLine(): void {
  length = 0;
}

/** Appends one octet; beyond the capacity of the line, text is cut. */
export function putOctet(octet: u32): void {
  if (length < CAPACITY) store<u8>(LINE + length++, octet as u8);
}

/** Appends text of ASCII alone. */
export function put(text: string): void {
  for (let i = 0; i < text.length; i++) {
    putOctet(load<u16>(changetype<usize>(text) + ((<usize>i) << 1)));
  }
}

/** Appends text from outside; control characters, which a terminal might obey, become question marks. */
export function putForeign(at: usize, size: usize): void {
  for (let i: usize = 0; i < size; i++) {
    const octet: u32 = load<u8>(at + i);
    putOctet(octet < 0x20 || octet == 0x7f ? 0x3f : octet);
  }
}

export function putNumber(value: u64): void {
  let at = NUMBER + DIGITS;
  do {
    store<u8>(--at, (0x30 + (value % 10)) as u8);
    value /= 10;
  } while (value != 0);
  while (at < NUMBER + DIGITS) putOctet(load<u8>(at++));
}

/** Appends `value` in lower-case hexadecimal digits, `least` of them at least. */
export function putHex(value: u32, least: u32): void {
  for (let shift: i32 = 28; shift >= 0; shift -= 4) {
    if (value >> shift == 0 && (shift as u32) >= least * 4) continue;
    const digit = (value >> shift) & 15;
    putOctet(digit + (digit < 10 ? 0x30 : 0x57));
  }
}

/** Fills the line up with spaces to `column`. */
export function padTo(column: usize): void {
  while (length < column) putOctet(0x20);
}

/** Writes octets whole; false where the other side takes no more. */
export function writeAll(fd: u32, at: usize, size: usize): bool {
  while (size > 0) {
    store<u32>(VECTOR, at as u32);
    store<u32>(VECTOR, size as u32, 4);
    if (fd_write(fd, VECTOR, 1, VECTOR + 8) != 0) return false;
    const written: usize = load<u32>(VECTOR, 8);
    if (written == 0) return false;
    at += written;
    size -= written;
  }
  return true;
}

function endLine(fd: u32): void {
  putOctet(0x0a);
  writeAll(fd, LINE, length);
  length = 0;
}

/** Writes the line to standard output. */
export function say(): void {
  endLine(STDOUT);
}

/** Writes the line to standard error. */
export function complain(): void {
  endLine(STDERR);
}

/** Writes the line to standard error and ends the program. */
export function fail(code: u32): void {
  complain();
  proc_exit(code);
}

/** Ends the program with a message of its own, in place of the line. */
export function failWith(code: u32, text: string): void {
  length = 0;
  put('maar-wasi: ');
  put(text);
  fail(code);
}
