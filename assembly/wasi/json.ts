/**
 * A strict reader of JSON (RFC 8259) that makes a tree in the arena. It bounds the depth, refuses a name that stands
 * twice, and ends the program with place and fault of what is wrong.
 */
import { take } from './arena';
import { isText } from './arguments';
import { EXIT_USAGE, clearLine, fail, put, putForeign, putNumber, putOctet } from './print';
import { hexDigit } from './text';

export const NULL: u32 = 0;
export const FALSE: u32 = 1;
export const TRUE: u32 = 2;
export const NUMBER: u32 = 3;
export const STRING: u32 = 4;
export const ARRAY: u32 = 5;
export const OBJECT: u32 = 6;

const DEPTH_MAX: u32 = 8;
const QUOTE: u32 = 0x22;
const BACKSLASH: u32 = 0x5c;

@unmanaged
export class Json {
  kind: u32;
  /** Position in a list, from 0. */
  index: u32;
  /** Name in an object; 0 in a list. */
  key: usize;
  keySize: usize;
  /** Text of a string, decoded, or the digits of a number. */
  at: usize;
  size: usize;
  parent: Json | null;
  first: Json | null;
  next: Json | null;
}

let file: usize = 0;
let fileSize: usize = 0;
let text: usize = 0;
let at: usize = 0;
let end: usize = 0;

/** Reads the `size` octets at `from`; `name` is what faults call the file. */
export function parseJson(from: usize, size: usize, name: usize, nameSize: usize): Json {
  file = name;
  fileSize = nameSize;
  text = at = from;
  end = from + size;
  const root = readValue(null, 0);
  space();
  if (at < end) syntax('nothing may follow the value');
  return root;
}

/** Ends the program: what is wrong with a value, with the way to it from the root. */
export function fault(node: Json, remedy: string): void {
  begin();
  putPath(node);
  put(': ');
  put(remedy);
  fail(EXIT_USAGE);
}

/** Puts the file's name and the way to a value into the line, for a message about it. */
export function beginFault(node: Json): void {
  begin();
  putPath(node);
  put(': ');
}

function begin(): void {
  clearLine();
  putForeign(file, fileSize);
  put(': ');
}

function putPath(node: Json): void {
  const parent = node.parent;
  if (parent === null) return put('the file');
  if (parent.parent !== null) putPath(parent);
  if (node.key == 0) {
    putOctet(0x5b);
    putNumber(node.index);
    putOctet(0x5d);
    return;
  }
  if (parent.parent !== null) putOctet(0x2e);
  putForeign(node.key, node.keySize);
}

function syntax(expected: string): void {
  let line: u64 = 1;
  let start = text;
  for (let octet = text; octet < at; octet++) {
    if (load<u8>(octet) != 0x0a) continue;
    line++;
    start = octet + 1;
  }
  begin();
  put('line ');
  putNumber(line);
  put(', column ');
  putNumber(at - start + 1);
  put(': ');
  put(expected);
  fail(EXIT_USAGE);
}

function space(): void {
  for (; at < end; at++) {
    const octet = load<u8>(at);
    if (octet != 0x20 && octet != 0x0a && octet != 0x0d && octet != 0x09) return;
  }
}

/** The next octet that is no space; 0 at the end. */
function peek(): u32 {
  space();
  return at < end ? load<u8>(at) : 0;
}

function readValue(parent: Json | null, depth: u32): Json {
  const node = changetype<Json>(take(offsetof<Json>()));
  memory.fill(changetype<usize>(node), 0, offsetof<Json>());
  node.parent = parent;
  const octet = peek();
  if (octet == QUOTE) {
    node.kind = STRING;
    readString();
    node.at = stringAt;
    node.size = stringSize;
  } else if (octet == 0x7b || octet == 0x5b) {
    if (depth == DEPTH_MAX) syntax('nested too deeply');
    node.kind = octet == 0x7b ? OBJECT : ARRAY;
    members(node, depth + 1);
  } else if (octet == 0x2d || octet - 0x30 < 10) {
    readNumber(node);
  } else {
    node.kind = word();
  }
  return node;
}

function members(node: Json, depth: u32): void {
  const close: u32 = node.kind == OBJECT ? 0x7d : 0x5d;
  at++;
  if (peek() == close) {
    at++;
    return;
  }
  let last: Json | null = null;
  for (let index: u32 = 0; ; index++) {
    let key: usize = 0;
    let keySize: usize = 0;
    if (node.kind == OBJECT) {
      if (peek() != QUOTE) syntax('expected a name in quotes');
      readString();
      key = stringAt;
      keySize = stringSize;
      if (find(node, key, keySize) !== null) syntax('this name stands twice');
      if (peek() != 0x3a) syntax('expected a colon');
      at++;
    }
    const child = readValue(node, depth);
    child.key = key;
    child.keySize = keySize;
    child.index = index;
    if (last === null) node.first = child;
    else last.next = child;
    last = child;
    const octet = peek();
    if (octet != 0x2c && octet != close) syntax('expected a comma, or the end of the list or object');
    at++;
    if (octet == close) return;
  }
}

function find(node: Json, key: usize, size: usize): Json | null {
  for (let child = node.first; child !== null; child = child!.next) {
    if (child.keySize == size && memory.compare(child.key, key, size) == 0) return child;
  }
  return null;
}

function digits(): void {
  if (at >= end || (load<u8>(at) as u32) - 0x30 > 9) syntax('expected a digit');
  while (at < end && (load<u8>(at) as u32) - 0x30 < 10) at++;
}

function readNumber(node: Json): void {
  node.kind = NUMBER;
  node.at = at;
  if (load<u8>(at) == 0x2d) at++;
  const first = at;
  digits();
  if (load<u8>(first) == 0x30 && at - first > 1) syntax('a number begins with no 0');
  if (at < end && load<u8>(at) == 0x2e) {
    at++;
    digits();
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
    digits();
  }
  node.size = at - node.at;
}

function word(): u32 {
  const start = at;
  while (at < end && (load<u8>(at) as u32) - 0x61 < 26) at++;
  if (isText(start, at - start, 'true')) return TRUE;
  if (isText(start, at - start, 'false')) return FALSE;
  if (isText(start, at - start, 'null')) return NULL;
  at = start;
  syntax('expected a value');
  return NULL;
}

let stringAt: usize = 0;
let stringSize: usize = 0;

/** Reads a string; it stays in the text unless it has escapes, which are decoded into the arena. */
function readString(): void {
  const start = ++at;
  let escapes = false;
  for (; at < end && load<u8>(at) != QUOTE; at++) {
    if (load<u8>(at) < 0x20) syntax('a control character within quotes');
    if (load<u8>(at) != BACKSLASH) continue;
    escapes = true;
    at++;
  }
  if (at >= end) syntax('quotes without end');
  stringAt = start;
  stringSize = at - start;
  if (escapes) decode(start, at);
  at++;
}

function decode(from: usize, to: usize): void {
  // UTF-8 is never longer than the escape that stands for it.
  stringAt = take(to - from);
  let out = stringAt;
  for (at = from; at < to;) {
    const octet: u32 = load<u8>(at++);
    if (octet != BACKSLASH) {
      store<u8>(out++, octet as u8);
      continue;
    }
    const escape: u32 = load<u8>(at++);
    if (escape == 0x75) {
      out = unicode(out, to);
      continue;
    }
    store<u8>(out++, plain(escape) as u8);
  }
  stringSize = out - stringAt;
}

function plain(escape: u32): u32 {
  switch (escape) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
      return escape;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
  }
  syntax('unknown escape');
  return 0;
}

function unit(to: usize): u32 {
  let code: u32 = 0;
  for (let i = 0; i < 4; i++) {
    const digit = at < to ? hexDigit(load<u8>(at)) : 255;
    if (digit > 15) syntax('expected four hexadecimal digits');
    code = (code << 4) | digit;
    at++;
  }
  return code;
}

function unicode(out: usize, to: usize): usize {
  let code = unit(to);
  if (code >> 11 == 0x1b) {
    if (code > 0xdbff || at + 2 > to || load<u16>(at) != 0x755c) syntax('half of a surrogate pair');
    at += 2;
    const low = unit(to);
    if (low >> 10 != 0x37) syntax('half of a surrogate pair');
    code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
  }
  if (code < 0x80) {
    store<u8>(out, code as u8);
    return out + 1;
  }
  const more: u32 = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  store<u8>(out++, ((0xff80 >> more) | (code >> (6 * more))) as u8);
  for (let left = more; left > 0; left--) {
    store<u8>(out++, (0x80 | ((code >> (6 * (left - 1))) & 0x3f)) as u8);
  }
  return out;
}

/** The member of that name, which is ASCII, or null. */
export function member(node: Json, key: string): Json | null {
  for (let child = node.first; child !== null; child = child!.next) {
    if (isText(child.key, child.keySize, key)) return child;
  }
  return null;
}
