/** Fields of the entries file: each reader ends the program where the value is not what it has to be. */
import { isText, wholeNumber } from './arguments';
import { ARRAY, FALSE, Json, NUMBER, OBJECT, STRING, TRUE, beginFault, fault, member } from './json';
import { EXIT_USAGE, fail, put, putForeign, putNumber } from './print';
import { hexDigit, parseAddress, parseMac, parsePrefix } from './text';

const SPACE: u32 = 0x20;

/** Demands an object with no other names than those in `names`, which are separated by spaces. */
export function expectObject(node: Json, names: string): void {
  if (node.kind != OBJECT) fault(node, 'must be an object');
  for (let child = node.first; child !== null; child = child!.next) {
    if (!isOneOf(child, names)) fault(child, 'unknown key');
  }
}

function isOneOf(child: Json, names: string): bool {
  let start: i32 = 0;
  for (let i = 0; i <= names.length; i++) {
    if (i < names.length && load<u16>(changetype<usize>(names) + ((<usize>i) << 1)) != SPACE) continue;
    if (matches(child, names, start, i)) return true;
    start = i + 1;
  }
  return false;
}

function matches(child: Json, names: string, from: i32, to: i32): bool {
  if (child.keySize != <usize>(to - from)) return false;
  for (let i = from; i < to; i++) {
    const letter = load<u16>(changetype<usize>(names) + ((<usize>i) << 1));
    if (load<u8>(child.key + <usize>(i - from)) != letter) return false;
  }
  return true;
}

/** The member `key`, which must be there. */
export function required(node: Json, key: string): Json {
  const child = member(node, key);
  if (child !== null) return child;
  beginFault(node);
  put('has no "');
  put(key);
  put('"');
  fail(EXIT_USAGE);
  return node;
}

export function expectList(node: Json): void {
  if (node.kind != ARRAY) fault(node, 'must be a list');
}

/** Whether the member `key` is the string `text`. */
export function says(node: Json, key: string, text: string): bool {
  const child = member(node, key);
  return child !== null && child.kind == STRING && isText(child.at, child.size, text);
}

/** A whole number in plain digits. */
export function whole(node: Json, least: u32, most: u32): u32 {
  const value = node.kind == NUMBER ? wholeNumber(node.at, node.size, most) : u64.MAX_VALUE;
  if (value >= least && value <= most) return value as u32;
  beginFault(node);
  put('must be a whole number from ');
  putNumber(least);
  put(' to ');
  putNumber(most);
  fail(EXIT_USAGE);
  return 0;
}

/** `whole` of the member `key`, or `absent` where there is none. */
export function wholeOr(node: Json, key: string, least: u32, most: u32, absent: u32): u32 {
  const child = member(node, key);
  return child === null ? absent : whole(child, least, most);
}

/** A truth value; false where there is none. */
export function flag(node: Json, key: string): bool {
  const child = member(node, key);
  if (child === null) return false;
  if (child.kind != TRUE && child.kind != FALSE) fault(child, 'must be true or false');
  return child.kind == TRUE;
}

/** Up to 16 hexadecimal digits in quotes; 0 where there are none. */
export function hexadecimal(node: Json, key: string): u64 {
  const child = member(node, key);
  if (child === null) return 0;
  let number: u64 = 0;
  let sound = child.kind == STRING && child.size >= 1 && child.size <= 16;
  for (let i: usize = 0; sound && i < child.size; i++) {
    const digit = hexDigit(load<u8>(child.at + i));
    sound = digit < 16;
    number = (number << 4) | digit;
  }
  if (!sound) fault(child, 'must be up to 16 hexadecimal digits in quotes');
  return number;
}

/** Writes the 16 octets of the address in member `key`. */
export function address(node: Json, key: string, to: usize): void {
  const child = required(node, key);
  if (child.kind != STRING || !parseAddress(child.at, child.size, to)) {
    fault(child, 'must be an IPv6 address in quotes');
  }
}

/** Writes the address of the prefix in member `key` and returns its length. */
export function prefix(node: Json, key: string, to: usize): u32 {
  const child = required(node, key);
  const length = child.kind == STRING ? parsePrefix(child.at, child.size, to) : -1;
  if (length < 0) fault(child, 'must be an IPv6 prefix in quotes, without bits beyond its length');
  return length as u32;
}

/** Writes the 6 octets of the MAC in member `key`. */
export function mac(node: Json, key: string, to: usize): void {
  const child = required(node, key);
  if (child.kind != STRING || !parseMac(child.at, child.size, to)) {
    fault(child, 'must be a MAC address, like "02:00:00:00:00:0a"');
  }
}

/** Ends the program since the member `key` is none of `choices`; quotes what it is. */
export function noChoice(node: Json, key: string, choices: string): void {
  const child = required(node, key);
  beginFault(child);
  put('must be ');
  put(choices);
  if (child.kind == STRING) {
    put(', not "');
    putForeign(child.at, child.size);
    put('"');
  }
  fail(EXIT_USAGE);
}
