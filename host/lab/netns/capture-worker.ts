/**
 * Process of the lab that captures on every link at once: all core links end in one namespace and all access links in
 * another, so two rings see everything. Started with its taps as JSON; a line on standard input asks it to catch up.
 */
import { createInterface } from 'node:readline';
import { PacketRing, enterNetns, interfaceIndex } from '../../io/packet-ring.ts';
import type { PollHandle, RingFrame } from '../../io/packet-ring.ts';
import { encodeRecord, encodeSync } from './capture-records.ts';

/** One interface to listen on. */
export interface Tap {
  readonly netns: string;
  readonly interface: string;
}

export interface CaptureOrder {
  readonly taps: readonly Tap[];
  /** Octets kept of every frame. */
  readonly keep: number;
}

/** Longer than a ring holds back a block that is not full. */
const CATCH_UP = 20;

const order = JSON.parse(process.argv[2]!) as CaptureOrder;
const rings: { readonly ring: PacketRing; readonly handle: PollHandle; readonly drain: () => void }[] = [];
let lost = 0;

for (const netns of new Set(order.taps.map((tap) => tap.netns))) {
  enterNetns(`/run/netns/${netns}`);
  const taps = new Map<number, number>();
  for (const [index, tap] of order.taps.entries()) {
    if (tap.netns === netns) taps.set(interfaceIndex(tap.interface), index);
  }
  const ring = new PacketRing();
  const drain = (): void => write(ring, taps);
  rings.push({ ring, handle: ring.onReadable(drain), drain });
}
process.stdout.write(encodeSync(0));

// Line by line: two requests may come in one piece, and each is owed an answer.
const requests = createInterface(process.stdin);
requests.on('line', () => {
  setTimeout(() => {
    for (const { ring, drain } of rings) {
      // Where this process was held up, timers come before what has become readable.
      drain();
      lost += ring.lost();
    }
    process.stdout.write(encodeSync(lost));
  }, CATCH_UP);
});
requests.on('close', () => process.exit(0));

function write(ring: PacketRing, taps: ReadonlyMap<number, number>): void {
  const records: Buffer[] = [];
  ring.drain((frame) => {
    const tap = taps.get(frame.ifindex);
    if (tap !== undefined) records.push(encode(frame, tap));
  });
  if (records.length > 0) process.stdout.write(Buffer.concat(records));
}

function encode(frame: RingFrame, tap: number): Buffer {
  return encodeRecord({
    time: Number(frame.time / 1_000n) / 1_000,
    tap,
    outgoing: frame.outgoing,
    data: frame.data.subarray(0, order.keep),
    length: frame.length,
  });
}
