/** `selftest`: the data plane against octets that stand here, so that an engine or a compiler that errs is seen. */
import {
  ABI_VERSION,
  ADJACENCY_ADDRESS_AT,
  ADJACENCY_SIZE,
  AREA_ADJACENCIES,
  AREA_LOOKUP_KEYS,
  AREA_LOOKUP_RESULTS,
  NONE,
  PORT_CORE,
  REASON_NONE,
  REASON_PEER_UNKNOWN,
  REASON_SOURCE_UNKNOWN,
  VERDICT_CORE,
  VERDICT_DELIVER,
  VERDICT_DROP,
} from '../../bindings/generated/abi.as';
import { areaBase } from '../mem/areas';
import { equal16 } from '../mem/words';
import { abi_version, lookup, run } from '../path/instance';
import { outputAt } from '../path/outputs';
import { append, arenaTop, restartArena, take } from './arena';
import { packetAt, packetSize, reasonOf, setInput, verdictOf } from './packets';
import { EXIT_FAULT, put, putNumber, say } from './print';
import { setUpText } from './setup';
import { hexDigit, parseAddress } from './text';

const LINK: u32 = 0;

const OPTIONS: string = '{"options":{"locator":"2001:db8:ffff::1"},"ports":[{"port":"core"}],"entries":[';
const SOURCE: string = '{"kind":"source","prefix":"2001:db8:1::/64","link":0},';
const DELIVER: string =
  '{"kind":"deliver","prefix":"2001:db8:1::/64","link":0,"nextHop":"fe80::a","mac":"02:00:00:00:00:0a"},';
const MOVED: string = '{"kind":"tunnel","prefix":"2001:db8:1::c/128","locator":"2001:db8:ffff::3"},';
const TUNNEL: string = '{"kind":"tunnel","prefix":"2001:db8:2::b/128","locator":"2001:db8:ffff::2"},';
const WIDE: string = '{"kind":"tunnel","prefix":"2001:db8:3::/48","locator":"2001:db8:ffff::2"},';
const NARROW: string = '{"kind":"tunnel","prefix":"2001:db8:3:1::/64","locator":"2001:db8:ffff::3"},';
const PEER_ENTRY: string = '{"kind":"peer","address":"2001:db8:ffff::2"}]}';

/** Addresses in packets. */
const HOST: string = '20010db800010000000000000000000a';
const MOVED_HOST: string = '20010db800010000000000000000000c';
const FAR: string = '20010db800020000000000000000000b';
const OURS: string = '20010db8ffff00000000000000000001';
const PEER: string = '20010db8ffff00000000000000000002';
const NEW_PEER: string = '20010db8ffff00000000000000000003';
/** 8 octets of UDP header, 8 of data. */
const UDP: string = '9c400009001000000001020304050607';

let passed: u32 = 0;
let failed: u32 = 0;
let start: usize = 0;

/** Runs the self-test; the exit code. */
export function selftest(): u32 {
  restartArena(__heap_base);
  const first = arenaTop();
  text(OPTIONS);
  text(SOURCE);
  text(DELIVER);
  text(MOVED);
  text(TUNNEL);
  text(WIDE);
  text(NARROW);
  text(PEER_ENTRY);
  setUpText(first, arenaTop() - first, 0, 0);
  check('ABI version', abi_version() == ABI_VERSION);
  encapsulation();
  decapsulation();
  redirection();
  refusals();
  longestMatch();
  putNumber(passed);
  put(' passed');
  if (failed > 0) {
    put(', ');
    putNumber(failed);
    put(' failed');
  }
  say();
  return failed == 0 ? 0 : EXIT_FAULT;
}

function encapsulation(): void {
  begin();
  inner('60000000001011', '40', HOST, FAR);
  send(LINK);
  begin();
  hex('600f4089003829');
  hex('40');
  hex(OURS);
  hex(PEER);
  inner('60000000001011', '3f', HOST, FAR);
  expect('encapsulation', VERDICT_CORE);
}

function decapsulation(): void {
  begin();
  outer('60000000003829', '3e');
  inner('60000000001011', '40', FAR, HOST);
  send(PORT_CORE);
  begin();
  inner('60000000001011', '3f', FAR, HOST);
  expect('decapsulation', VERDICT_DELIVER);
  // Congestion that a router on the way marked goes into the inner header (RFC 6040 section 4.2).
  begin();
  outer('60300000003829', '3e');
  inner('60100000001011', '40', FAR, HOST);
  send(PORT_CORE);
  begin();
  inner('60300000001011', '3f', FAR, HOST);
  expect('decapsulation, congestion marked', VERDICT_DELIVER);
}

function redirection(): void {
  begin();
  outer('60000000003829', '40');
  inner('60000000001011', '40', FAR, MOVED_HOST);
  send(PORT_CORE);
  begin();
  hex('600137e6003829');
  hex('38');
  hex(OURS);
  hex(NEW_PEER);
  inner('60000000001011', '40', FAR, MOVED_HOST);
  expect('tunnelled on', VERDICT_CORE);
}

function refusals(): void {
  begin();
  hex('60000000003829');
  hex('40');
  hex(NEW_PEER);
  hex(OURS);
  inner('60000000001011', '40', FAR, HOST);
  send(PORT_CORE);
  expectDrop('tunnelled by a stranger', REASON_PEER_UNKNOWN);
  begin();
  inner('60000000001011', '40', FAR, HOST);
  send(LINK);
  expectDrop('source of somebody else', REASON_SOURCE_UNKNOWN);
}

function longestMatch(): void {
  const keys = areaBase(AREA_LOOKUP_KEYS);
  address('2001:db8:2::b', keys);
  address('2001:db8:3:1::5', keys + 16);
  address('2001:db8:3:2::5', keys + 32);
  address('2001:db9::1', keys + 48);
  lookup(4, 0);
  check('look-up of a host', isTowards(0, '2001:db8:ffff::2'));
  check('look-up of the longer prefix', isTowards(1, '2001:db8:ffff::3'));
  check('look-up of the shorter prefix', isTowards(2, '2001:db8:ffff::2'));
  check('look-up of a stranger', resultAt(3) == NONE);
}

function resultAt(index: usize): u32 {
  return load<u32>(areaBase(AREA_LOOKUP_RESULTS) + (index << 2));
}

function isTowards(index: usize, locator: string): bool {
  if (resultAt(index) == NONE) return false;
  const wanted = take(16);
  address(locator, wanted);
  const adjacency = areaBase(AREA_ADJACENCIES) + <usize>resultAt(index) * ADJACENCY_SIZE;
  return equal16(adjacency + ADJACENCY_ADDRESS_AT, wanted);
}

function address(words: string, to: usize): void {
  const from = take(0);
  text(words);
  parseAddress(from, <usize>words.length, to);
}

/** Begins a packet, or the octets that are expected of one, in the arena. */
function begin(): void {
  start = take(0);
}

function text(words: string): void {
  for (let i = 0; i < words.length; i++) {
    store<u8>(append(1), load<u16>(changetype<usize>(words) + ((<usize>i) << 1)) as u8);
  }
}

function hex(digits: string): void {
  for (let i = 0; i < digits.length; i += 2) {
    const at = changetype<usize>(digits) + ((<usize>i) << 1);
    store<u8>(append(1), ((hexDigit(load<u16>(at)) << 4) | hexDigit(load<u16>(at, 2))) as u8);
  }
}

/** First seven octets of the header, hop limit, addresses, then the UDP datagram. */
function inner(head: string, hopLimit: string, source: string, destination: string): void {
  hex(head);
  hex(hopLimit);
  hex(source);
  hex(destination);
  hex(UDP);
}

function outer(head: string, hopLimit: string): void {
  hex(head);
  hex(hopLimit);
  hex(PEER);
  hex(OURS);
}

/** Sends what has been put together. */
function send(port: u32): void {
  setInput(0, start, arenaTop() - start, port, 0);
  run(1, 0);
}

/** Compares what left with what has been put together. */
function expect(name: string, verdict: u32): void {
  const size = arenaTop() - start;
  const index = outputAt(0);
  const right = verdictOf(index) == verdict && reasonOf(index) == REASON_NONE && packetSize(index) == size;
  check(name, right && memory.compare(packetAt(index), start, size) == 0);
}

function expectDrop(name: string, reason: u32): void {
  check(name, verdictOf(outputAt(0)) == VERDICT_DROP && reasonOf(outputAt(0)) == reason);
}

function check(name: string, right: bool): void {
  if (right) {
    passed++;
    return;
  }
  failed++;
  put('FAILED: ');
  put(name);
  say();
}
