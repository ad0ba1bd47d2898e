/** What the program was called with. */
import { EXIT_USAGE, failWith, putForeign } from './print';
import { args_get, args_sizes_get } from './wasi_snapshot_preview1';

const MOST: u32 = 64;
const MOST_OCTETS: u32 = 8192;

const POINTERS: usize = memory.data(256, 8);
const OCTETS: usize = memory.data(8192, 8);
const SIZES: usize = memory.data(8, 8);

let count: u32 = 0;

/** Takes the arguments over; to be called first. */
export function readArguments(): void {
  args_sizes_get(SIZES, SIZES + 4);
  count = load<u32>(SIZES);
  if (count > MOST || load<u32>(SIZES, 4) > MOST_OCTETS) failWith(EXIT_USAGE, 'too many arguments');
  args_get(POINTERS, OCTETS);
}

/** Number of arguments, the program's name included. */
export function argumentCount(): u32 {
  return count;
}

export function argumentAt(index: u32): usize {
  return load<u32>(POINTERS + (index << 2));
}

export function argumentLength(index: u32): usize {
  const at = argumentAt(index);
  let end = at;
  while (load<u8>(end) != 0) end++;
  return end - at;
}

export function argumentIs(index: u32, text: string): bool {
  return isText(argumentAt(index), argumentLength(index), text);
}

export function putArgument(index: u32): void {
  putForeign(argumentAt(index), argumentLength(index));
}

/** Whether the octets are `text`, which is ASCII. */
export function isText(at: usize, size: usize, text: string): bool {
  if (size != <usize>text.length) return false;
  for (let i: usize = 0; i < size; i++) {
    if (load<u8>(at + i) != load<u16>(changetype<usize>(text) + (i << 1))) return false;
  }
  return true;
}

/** Whether the octets end with `text`, which is ASCII. */
export function endsWith(at: usize, size: usize, text: string): bool {
  const tail = <usize>text.length;
  return size >= tail && isText(at + size - tail, tail, text);
}

/** A number in plain digits; `u64.MAX_VALUE` where it is none or over `most`. */
export function wholeNumber(at: usize, size: usize, most: u64): u64 {
  let value: u64 = 0;
  if (size == 0 || size > 19) return u64.MAX_VALUE;
  for (let i: usize = 0; i < size; i++) {
    const digit: u32 = load<u8>(at + i) - 0x30;
    if (digit > 9) return u64.MAX_VALUE;
    value = value * 10 + digit;
  }
  return value <= most ? value : u64.MAX_VALUE;
}
