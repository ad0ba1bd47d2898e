import { parentPort, workerData } from 'node:worker_threads';
import { addressOf } from '../ffi.ts';
import { RawReceiver } from '../raw-socket.ts';
import { PollSet } from '../worker/poll-set.ts';
import type { MobilityWorkerSetup, ReceivedMobility } from './mobility-socket.ts';

/** Waits for Mobility Headers and hands on what came, many at once when they come fast. */
const { socket, wake, stop } = workerData as MobilityWorkerSetup;
const port = parentPort!;
const stopped = new Int32Array(stop);
/** Of one message to the main thread: bounds what waits there. */
const MAX_BATCH = 256;

const receiver = new RawReceiver('receive a Mobility Header');
const buffer = new Uint8Array(new ArrayBuffer(1 << 16));
const address = addressOf(buffer);
const polled = new PollSet();

function drain(): void {
  const batch: ReceivedMobility[] = [];
  while (batch.length < MAX_BATCH && receiver.receive(socket, address, buffer.length)) {
    batch.push({ src: receiver.source(), data: buffer.slice(0, receiver.packet.length) });
  }
  if (batch.length > 0) port.postMessage(batch);
}

polled.add(socket, drain);
polled.add(wake, () => undefined);
while (Atomics.load(stopped, 0) === 0) polled.wait(-1);
