/** Addresses, prefixes and MACs between text and octets. Texts are octets of ASCII, of any content. */
import { wholeNumber } from './arguments';
import { putHex, putOctet } from './print';

const GROUPS: u32 = 8;
const COLON: u32 = 0x3a;
const HYPHEN: u32 = 0x2d;
const DOT: u32 = 0x2e;
const SLASH: u32 = 0x2f;
const NO_GAP: u32 = 9;
const ADDRESS: usize = 16;
const HOST_LENGTH: u64 = 128;

/** Value of a hexadecimal digit, or 255. */
export function hexDigit(octet: u32): u32 {
  if (octet - 0x30 < 10) return octet - 0x30;
  const letter = (octet | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 255;
}

/** Writes the 16 octets of an address; false where the text is none (what was written is then rubbish). */
export function parseAddress(text: usize, size: usize, to: usize): bool {
  const end = text + size;
  let group: u32 = 0;
  let gap = NO_GAP;
  let at = text;
  if (size >= 2 && load<u8>(at) == COLON && load<u8>(at, 1) == COLON) {
    gap = 0;
    at += 2;
  }
  while (at < end) {
    const start = at;
    let value: u32 = 0;
    while (at < end && at - start < 5 && hexDigit(load<u8>(at)) < 16) {
      value = (value << 4) | hexDigit(load<u8>(at++));
    }
    if (at < end && load<u8>(at) == DOT) {
      if (group + 2 > GROUPS || !parseQuad(start, end, to + (group << 1))) return false;
      group += 2;
      break;
    }
    if (at == start || at - start > 4 || group == GROUPS) return false;
    store<u16>(to + (group++ << 1), bswap<u16>(value as u16));
    if (at == end) break;
    if (load<u8>(at++) != COLON || at == end) return false;
    if (load<u8>(at) != COLON) continue;
    if (gap != NO_GAP) return false;
    gap = group;
    at++;
  }
  if (gap == NO_GAP) return group == GROUPS;
  if (group == GROUPS) return false;
  const tail: usize = (group - gap) << 1;
  const from = to + (gap << 1);
  memory.copy(to + ADDRESS - tail, from, tail);
  memory.fill(from, 0, to + ADDRESS - tail - from);
  return true;
}

/** The last four octets of an address in decimal, RFC 4291 section 2.2. */
function parseQuad(text: usize, end: usize, to: usize): bool {
  for (let octet: usize = 0; octet < 4; octet++) {
    const start = text;
    while (text < end && load<u8>(text) != DOT) text++;
    const value = wholeNumber(start, text - start, 255);
    if (value > 255 || (text - start > 1 && load<u8>(start) == 0x30)) return false;
    store<u8>(to + octet, value as u8);
    if (octet < 3 && text++ == end) return false;
  }
  return text == end;
}

/** Writes the address of a prefix and returns its length, or -1 where the text is none or has host bits set. */
export function parsePrefix(text: usize, size: usize, to: usize): i32 {
  let slash: usize = 0;
  while (slash < size && load<u8>(text + slash) != SLASH) slash++;
  if (slash + 1 >= size || !parseAddress(text, slash, to)) return -1;
  const digits = text + slash + 1;
  const length = wholeNumber(digits, size - slash - 1, HOST_LENGTH);
  if (length > HOST_LENGTH || (load<u8>(digits) == 0x30 && size - slash > 2)) return -1;
  for (let bit = length as u32; bit < 128; bit++) {
    if ((load<u8>(to + (bit >> 3)) & (0x80 >> (bit & 7))) != 0) return -1;
  }
  return length as i32;
}

/** Whether an address lies in a prefix. */
export function contains(prefix: usize, length: u32, address: usize): bool {
  for (let bit: u32 = 0; bit < length; bit++) {
    const octet = bit >> 3;
    if (((load<u8>(prefix + octet) ^ load<u8>(address + octet)) & (0x80 >> (bit & 7))) != 0) return false;
  }
  return true;
}

/** Writes the 6 octets of a MAC, with colons or hyphens; false where the text is none. */
export function parseMac(text: usize, size: usize, to: usize): bool {
  if (size != 17) return false;
  for (let octet: usize = 0; octet < 6; octet++, text += 3) {
    const high = hexDigit(load<u8>(text));
    const low = hexDigit(load<u8>(text, 1));
    if (high > 15 || low > 15) return false;
    if (octet < 5 && load<u8>(text, 2) != COLON && load<u8>(text, 2) != HYPHEN) return false;
    store<u8>(to + octet, ((high << 4) | low) as u8);
  }
  return true;
}

/** Puts the canonical text of an address (RFC 5952 section 4) into the line. */
export function putAddress(address: usize): void {
  let from = GROUPS;
  let longest: u32 = 1;
  for (let index: u32 = 0; index < GROUPS; index++) {
    let run: u32 = 0;
    while (index + run < GROUPS && load<u16>(address + ((index + run) << 1)) == 0) run++;
    if (run > longest) {
      longest = run;
      from = index;
    }
    index += run;
  }
  for (let index: u32 = 0; index < GROUPS; index++) {
    if (index == from) {
      putOctet(COLON);
      putOctet(COLON);
      index += longest - 1;
      continue;
    }
    if (index > 0 && index != from + longest) putOctet(COLON);
    putHex(bswap<u16>(load<u16>(address + (index << 1))), 1);
  }
}

export function putMac(mac: usize): void {
  for (let octet: usize = 0; octet < 6; octet++) {
    if (octet > 0) putOctet(COLON);
    putHex(load<u8>(mac + octet), 2);
  }
}
