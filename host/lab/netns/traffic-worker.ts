/** Process of the lab in the namespace of a host or of the correspondent: one for all traffic of that end. */
import { createInterface } from 'node:readline';
import { messageOf } from '../../core/error-message.ts';
import { wallClock } from '../../io/clock.ts';
import { FrameSender } from '../../io/packet-ring.ts';
import { ping, tcpReceive, tcpSend, udpReceive, udpSend } from './traffic-parts.ts';
import type { Part } from './traffic-parts.ts';
import type { PartReport, TrafficAnswer, TrafficOrder } from './traffic-protocol.ts';

/** Wall clock in milliseconds at which the run began. */
const start = Number(process.argv[2]);
const parts = new Map<number, Part>();
const senders = new Map<string, FrameSender>();

function now(): number {
  return wallClock() - start;
}

function part(id: number): Part {
  const found = parts.get(id);
  if (found === undefined) throw new Error(`no stream ${id} here`);
  return found;
}

function begin(order: TrafficOrder): Promise<Part> | undefined {
  switch (order.op) {
    case 'udp-receive':
      return udpReceive(now, order);
    case 'udp-send':
      return udpSend(order);
    case 'ping':
      return ping(now, order);
    case 'tcp-receive':
      return tcpReceive(now, order);
    case 'tcp-send':
      return tcpSend(order);
    default:
      return undefined;
  }
}

async function obey(order: TrafficOrder): Promise<PartReport> {
  if (order.op === 'frame') {
    const sender = senders.get(order.interface) ?? new FrameSender(order.interface);
    senders.set(order.interface, sender);
    sender.send(Buffer.from(order.frame, 'hex'));
    return {};
  }
  const begun = await begin(order);
  if (begun !== undefined) {
    parts.set(order.id, begun);
    return {};
  }
  const which = part(order.id);
  if (order.op === 'silence') which.silence(order.last);
  const report = which.report();
  if (order.op === 'stop') {
    which.stop();
    parts.delete(order.id);
  }
  return report;
}

function answer(message: TrafficAnswer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const lines = createInterface(process.stdin);
lines.on('line', (line) => {
  const order = JSON.parse(line) as TrafficOrder;
  obey(order).then(
    (report) => answer({ id: order.id, ok: true, report }),
    (error: unknown) => answer({ id: order.id, ok: false, fault: messageOf(error) }),
  );
});
lines.on('close', () => process.exit(0));
