/** Messages of `pump` (bindings/pump/README.md) on standard input and output, many per read and write. */
import {
  ANSWER_FLAG_EVENTS,
  BODY_MAX,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  KIND_LOOKUP,
  KIND_PROCESS,
} from '../../bindings/generated/pump.as';
import { deadline } from '../path/instance';
import { eventsWait } from '../stats/events';
import { restartArena, take } from './arena';
import { readSome } from './files';
import { EXIT_FAULT, clearLine, fail, failWith, put, writeAll } from './print';
import { STDIN, STDOUT } from './wasi_snapshot_preview1';

/** Enough for all that is asked before there is an instance. */
const FIRST_CAPACITY: usize = 256;
const FIRST_INPUT: usize = memory.data(256, 8);
const FIRST_OUTPUT: usize = memory.data(256, 8);
const INPUT_CAPACITY: usize = HEADER_SIZE + (BODY_MAX as usize);
const OUTPUT_CAPACITY: usize = 262144;
/** The octets of the header that have to be zero in a request: flags and reserved. */
const ZEROS: u32 = 0xffffff00;
const NEVER: u64 = u64.MAX_VALUE;

let input: usize = FIRST_INPUT;
let inputCapacity: usize = FIRST_CAPACITY;
let output: usize = FIRST_OUTPUT;
let outputCapacity: usize = FIRST_CAPACITY;

/** What has been read and not taken yet: from `begin` to `end` of the input. */
let begin: usize = 0;
let end: usize = 0;
/** Octets in the output that have not been written. */
let waiting: usize = 0;

let kind: u32 = 0;
let number: u64 = 0;
let body: usize = 0;
let bodySize: usize = 0;
let instance: bool = false;

export function requestKind(): u32 {
  return kind;
}

export function requestNumber(): u64 {
  return number;
}

export function bodyAt(): usize {
  return body;
}

export function bodyLength(): usize {
  return bodySize;
}

/** To be called once there is an instance, whose areas end at `from`: the room for messages lies behind them. */
export function moveBehind(from: usize): void {
  flush();
  restartArena(from);
  const left = end - begin;
  const to = take(INPUT_CAPACITY);
  memory.copy(to, input + begin, left);
  input = to;
  inputCapacity = INPUT_CAPACITY;
  begin = 0;
  end = left;
  output = take(OUTPUT_CAPACITY);
  outputCapacity = OUTPUT_CAPACITY;
  instance = true;
}

/** Takes the next request; false where standard input ends before it. */
export function nextRequest(): bool {
  if (!have(HEADER_SIZE)) {
    if (begin == end) return false;
    refuse('standard input ends within a request');
  }
  const header = input + begin;
  const length: usize = load<u32>(header, HEADER_LENGTH_AT);
  kind = load<u8>(header, HEADER_KIND_AT);
  number = load<u64>(header, HEADER_NUMBER_AT);
  if ((load<u32>(header, HEADER_KIND_AT) & ZEROS) != 0) refuse('a request whose flags are not zero');
  if (number != 0 && kind != KIND_PROCESS && kind != KIND_LOOKUP) refuse('a request that needs no time');
  if (length > inputCapacity - HEADER_SIZE) refuse('a request that is too long');
  if (!have(HEADER_SIZE + length)) refuse('standard input ends within a request');
  body = input + begin + HEADER_SIZE;
  bodySize = length;
  begin += HEADER_SIZE + length;
  return true;
}

/** Reads until `size` octets wait; false where standard input ends before that. They stand in one piece, at `begin`. */
function have(size: usize): bool {
  while (end - begin < size) {
    // Who waits for an answer sends nothing more.
    flush();
    if (begin + size > inputCapacity) {
      memory.copy(input, input + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    const read = readSome(STDIN, input + end, inputCapacity - end);
    if (read < 0) refuse('standard input cannot be read');
    if (read <= 0) return false;
    end += read;
  }
  return true;
}

/** Begins the answer to the request that was taken last; `append` has to follow with `size` octets in all. */
export function beginAnswer(size: usize): void {
  const header = room(HEADER_SIZE);
  store<u32>(header, size as u32, HEADER_LENGTH_AT);
  store<u32>(header, kind, HEADER_KIND_AT);
  store<u8>(header, (instance && eventsWait() ? ANSWER_FLAG_EVENTS : 0) as u8, HEADER_FLAGS_AT);
  store<u64>(header, instance ? deadline() : NEVER, HEADER_NUMBER_AT);
}

/** Appends octets of an answer. */
export function append(at: usize, size: usize): void {
  while (size > 0) {
    const part = min(size, outputCapacity);
    memory.copy(room(part), at, part);
    at += part;
    size -= part;
  }
}

export function append32(value: u32): void {
  store<u32>(room(4), value);
}

export function appendZeros(size: usize): void {
  memory.fill(room(size), 0, size);
}

/** Room for `size` octets of output, no more than there is at all. */
function room(size: usize): usize {
  if (waiting + size > outputCapacity) flush();
  const at = output + waiting;
  waiting += size;
  return at;
}

/** Writes what has been answered. */
export function flush(): void {
  const size = waiting;
  waiting = 0;
  if (size > 0 && !writeAll(STDOUT, output, size))
    failWith(EXIT_FAULT, 'pump: standard output takes no more');
}

/** Ends the program since what came is no request; the answers to those before have been written. */
export function refuse(what: string): void {
  flush();
  clearLine();
  put('maar-wasi: pump: ');
  put(what);
  fail(EXIT_FAULT);
}
