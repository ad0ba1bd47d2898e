/**
 * `replay`: a capture through the data plane, what leaves into another capture. Packets captured within one millisecond
 * are one batch; capture time is the clock. The result is that of `maar replay`, octet for octet (docs/replay.md).
 */
import {
  AREA_COMMANDS,
  AREA_COUNTERS,
  COUNTER_SLOTS,
  DESCRIPTOR_INPUT_AT,
  LIMIT_BATCH_MAX,
  NONE,
  VERDICT_DROP,
  VERDICT_HOLD,
} from '../../bindings/generated/abi.as';
import { counterName } from '../../bindings/generated/names.as';
import { areaBase, capacities, descriptorAt } from '../mem/areas';
import { events, run } from '../path/instance';
import { outputAt } from '../path/outputs';
import { arenaTop, take } from './arena';
import { argumentAt, argumentCount, argumentIs, argumentLength, endsWith } from './arguments';
import { BLOCK_SECTION } from './blocks';
import {
  Captured,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV6,
  LINKTYPE_RAW,
  firstPacket,
  nameCapture,
  packetCount,
} from './capture';
import { writeCommand } from './entries';
import { expectList, expectObject, required, whole } from './fields';
import { readFile } from './files';
import { Json, fault, member } from './json';
import { beginLeaving, leave, writeLeaving } from './leaving';
import { putVerdictName, reasonOf, setInput, verdictOf } from './packets';
import { readPcap } from './pcap';
import { readPcapng } from './pcapng';
import { NO_PORT, portOf } from './ports';
import { padTo, put, putNumber, say } from './print';
import { carryOut, setUp } from './setup';
import { usage } from './usage';

const MILLISECOND: u64 = 1_000_000;
const ETHERNET_HEADER: usize = 14;
const ETHERTYPE_AT: usize = 12;
/** In the order in which it is loaded. */
const ETHERTYPE_IPV6: u32 = 0xdd86;
const SOURCE_MAC_AT: usize = 6;
const COLUMN: usize = 29;

/** Number and time of each packet in the batch. */
const NUMBERS: usize = memory.data((LIMIT_BATCH_MAX as i32) * 4, 8);
const TIMES: usize = memory.data((LIMIT_BATCH_MAX as i32) * 8, 8);
/** Verdicts that were given, in the order of their first; how often, by the same. */
const VERDICTS: usize = memory.data(512, 8);
const COUNTS: usize = memory.data(1024, 8);
const VERDICTS_MAX: u32 = 256;

let waiting: u32 = 0;
let time: u64 = 0;
let skipped: u32 = 0;
let raised: u64 = 0;
let verdicts: u32 = 0;
let nextCommand: Json | null = null;
let lastDue: u32 = 1;

/** Runs `replay --entries E IN OUT`; arguments from 2 on. */
export function replay(): u32 {
  let entries: u32 = 0;
  let input: u32 = 0;
  let output: u32 = 0;
  for (let i: u32 = 2; i < argumentCount(); i++) {
    if (argumentIs(i, '--entries') && entries == 0 && i + 1 < argumentCount()) entries = ++i;
    else if (input == 0) input = i;
    else if (output == 0) output = i;
    else return usage();
  }
  if (entries == 0 || output == 0) return usage();
  const root = setUp(argumentAt(entries), argumentLength(entries));
  const commands = member(root, 'commands');
  if (commands !== null) {
    expectList(commands);
    nextCommand = commands.first;
  }
  readCapture(argumentAt(input), argumentLength(input));
  const path = argumentAt(output);
  const length = argumentLength(output);
  beginLeaving(endsWith(path, length, '.pcapng'));
  replayAll();
  writeLeaving(path, length);
  report();
  return 0;
}

function readCapture(path: usize, length: usize): void {
  const file = arenaTop();
  readFile(path, length);
  const size = arenaTop() - file;
  // What is made of the file begins aligned.
  take(0);
  nameCapture(path, length);
  if (size >= 4 && load<u32>(file) == BLOCK_SECTION) readPcapng(file, size);
  else readPcap(file, size);
}

function replayAll(): void {
  let number: u32 = 0;
  for (let packet = firstPacket(); packet !== null; packet = packet!.next) {
    number++;
    if (isCommandDue(number) || packet.time / MILLISECOND != time / MILLISECOND) flush();
    applyDue(number);
    time = packet.time;
    if (takeIn(packet)) {
      store<u32>(NUMBERS + (waiting << 2), number);
      store<u64>(TIMES + (waiting << 3), time);
      waiting++;
    } else {
      skipped++;
    }
    if (waiting == capacities.batch) flush();
  }
  flush();
  // Commands numbered past the end still count: what they release comes out of one more, empty batch.
  if (applyDue(u32.MAX_VALUE)) process();
}

function isCommandDue(number: u32): bool {
  const due = nextCommand;
  if (due === null) return false;
  const before = whole(required(due, 'before'), 1, u32.MAX_VALUE);
  if (before < lastDue) fault(due, 'must be in the order of their packet numbers');
  return before <= number;
}

function applyDue(number: u32): bool {
  let any = false;
  while (isCommandDue(number)) {
    const due = nextCommand!;
    expectObject(due, 'before command');
    lastDue = whole(required(due, 'before'), 1, u32.MAX_VALUE);
    writeCommand(required(due, 'command'), areaBase(AREA_COMMANDS));
    carryOut(due);
    nextCommand = due.next;
    any = true;
  }
  return any;
}

/** Takes the IPv6 packet in a captured one into the batch; false where there is none or no rule takes it. */
function takeIn(captured: Captured): bool {
  let packet = captured.at;
  let size = captured.size;
  let mac: usize = 0;
  const linkType = captured.from.linkType;
  if (linkType == LINKTYPE_RAW) {
    if (size == 0 || load<u8>(packet) >> 4 != 6) return false;
  } else if (linkType == LINKTYPE_ETHERNET) {
    if (size < ETHERNET_HEADER || load<u16>(packet, ETHERTYPE_AT) != ETHERTYPE_IPV6) return false;
    mac = packet + SOURCE_MAC_AT;
    packet += ETHERNET_HEADER;
    size -= ETHERNET_HEADER;
  } else if (linkType != LINKTYPE_IPV6) {
    return false;
  }
  const port = portOf(packet, size, captured.from.name, captured.from.nameSize);
  if (port == NO_PORT) return false;
  setInput(waiting, packet, size, port as u32, mac);
  return true;
}

function flush(): void {
  if (waiting > 0) process();
}

function process(): void {
  const outputs = run(waiting, time / MILLISECOND);
  let outputTime = time;
  for (let position: u32 = 0; position < outputs; position++) {
    const index = outputAt(position);
    const input: u32 = load<u32>(descriptorAt(index), DESCRIPTOR_INPUT_AT);
    // What was made or released has the time of the packet before it.
    if (input != NONE) outputTime = load<u64>(TIMES + (input << 3));
    const verdict = verdictOf(index);
    countVerdict(verdict, reasonOf(index));
    if (verdict == VERDICT_DROP || verdict == VERDICT_HOLD) continue;
    leave(index, input == NONE ? NONE : load<u32>(NUMBERS + (input << 2)), outputTime);
  }
  waiting = 0;
  raised += events();
}

function countVerdict(verdict: u32, reason: u32): void {
  const name = verdict | (verdict == VERDICT_DROP ? reason << 8 : 0);
  let place: u32 = 0;
  while (place < verdicts && load<u16>(VERDICTS + (place << 1)) != name) place++;
  if (place == verdicts) {
    if (verdicts == VERDICTS_MAX) return;
    store<u16>(VERDICTS + (verdicts++ << 1), name as u16);
  }
  store<u32>(COUNTS + (place << 2), load<u32>(COUNTS + (place << 2)) + 1);
}

function report(): void {
  put('packets ');
  putNumber(packetCount());
  if (skipped != 0) {
    put(', ');
    putNumber(skipped);
    put(' skipped (no IPv6, or no port rule)');
  }
  say();
  put('verdicts');
  say();
  for (let place: u32 = 0; place < verdicts; place++) {
    const name: u32 = load<u16>(VERDICTS + (place << 1));
    put('  ');
    putVerdictName(name & 0xff, name >> 8);
    row(load<u32>(COUNTS + (place << 2)));
  }
  put('counters');
  say();
  for (let code: u32 = 0; code < COUNTER_SLOTS; code++) {
    const value = load<u64>(areaBase(AREA_COUNTERS) + (code << 3));
    if (value == 0) continue;
    put('  ');
    put(counterName(code));
    row(value);
  }
  put('events ');
  putNumber(raised);
  say();
}

function row(value: u64): void {
  padTo(COLUMN);
  putNumber(value);
  say();
}
