import { spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { Arrivals } from '../../sim/arrivals.ts';
import { owned } from './owned.ts';
import { SEGMENT, gapThreshold, portOf } from './traffic-protocol.ts';
import type { PartReport } from './traffic-protocol.ts';

/** One end of one stream. */
export interface Part {
  /** Nothing is sent any more: a silence from now on is none of the stream's. Of a ping, `last` is the last to count. */
  silence(last: number): void;
  report(): PartReport;
  stop(): void;
}

type Clock = () => number;

class Receiver {
  readonly #now: Clock;
  readonly #arrivals: Arrivals;
  #gaps: PartReport['gaps'];

  constructor(now: Clock, intervalMs: number) {
    this.#now = now;
    this.#arrivals = new Arrivals(now(), gapThreshold(intervalMs));
  }

  arrived(sequence: number): void {
    this.#arrivals.add(sequence, this.#now());
  }

  silence(): void {
    this.#gaps ??= this.#arrivals.gaps(this.#now());
  }

  report(): PartReport {
    return { ...this.#arrivals.counts(), gaps: this.#gaps ?? this.#arrivals.gaps() };
  }
}

/**
 * What a buffer releases comes at once: the system's default has room for some 270 packets of this size, and a third of a
 * second brings 330. Up to net.core.rmem_max, which Linux doubles.
 */
const RECEIVE_BUFFER = 1 << 22;

async function boundSocket(address: string, port: number): Promise<DatagramSocket> {
  const socket = createSocket({ type: 'udp6', recvBufferSize: RECEIVE_BUFFER });
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

export async function udpReceive(
  now: Clock,
  { id, address, intervalMs }: { id: number; address: string; intervalMs: number },
): Promise<Part> {
  const receiver = new Receiver(now, intervalMs);
  const socket = await boundSocket(address, portOf(id));
  socket.on('message', (data) => {
    if (data.length >= 4) receiver.arrived(data.readUInt32BE(0));
  });
  return {
    silence: () => receiver.silence(),
    report: () => receiver.report(),
    stop: () => socket.close(),
  };
}

export async function udpSend(order: {
  id: number;
  from: string;
  to: string;
  intervalMs: number;
  octets: number;
}): Promise<Part> {
  const port = portOf(order.id);
  const socket = await boundSocket(order.from, port);
  const stop = every(order.intervalMs, (sequence) => {
    const data = Buffer.alloc(order.octets);
    data.writeUInt32BE(sequence, 0);
    // An address that is gone for a while makes this fail, which is what the stream is there to show.
    socket.send(data, port, order.to, () => undefined);
  });
  return {
    silence: stop,
    report: () => ({}),
    stop: () => {
      stop();
      socket.close();
    },
  };
}

/** Calls at a steady rate: a timer that came late is made up for, so that the number of packets is right. */
function every(intervalMs: number, call: (sequence: number) => void): () => void {
  const start = performance.now();
  let sequence = 0;
  const timer = setInterval(
    () => {
      const due = Math.floor((performance.now() - start) / intervalMs) + 1;
      while (sequence < due) call(sequence++);
    },
    Math.max(1, intervalMs),
  );
  call(sequence++);
  return () => clearInterval(timer);
}

/** The ping of the system: another's sender, and the kernel's own answers at the other end. */
export function ping(
  now: Clock,
  order: { id: number; from: string; to: string; intervalMs: number },
): Promise<Part> {
  const { id, from, to, intervalMs } = order;
  const start = now();
  const replies: { readonly sequence: number; readonly at: number }[] = [];
  const args = ['-6', '-n', '-e', String(portOf(id)), '-i', String(intervalMs / 1000), '-I', from, to];
  // Without answers it writes nothing, and so does not notice that this process was killed.
  const [program, ...rest] = owned(['ping', ...args]);
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  createInterface(child.stdout).on('line', (line) => {
    const sequence = /bytes from .* icmp_seq=(\d+)/.exec(line)?.[1];
    if (sequence !== undefined) replies.push({ sequence: Number(sequence), at: now() });
  });
  let cut: { readonly last: number; readonly at: number } | undefined;
  return Promise.resolve({
    // ping waits for no reply once it is told to end, so it goes on and what it sends from now on is not counted.
    silence: (last) => (cut = { last, at: now() }),
    report: () => {
      const arrivals = new Arrivals(start, gapThreshold(intervalMs));
      for (const { sequence, at } of replies) {
        if (cut === undefined || sequence <= cut.last) arrivals.add(sequence, at);
      }
      return { ...arrivals.counts(), gaps: arrivals.gaps(cut?.at) };
    },
    stop: () => void child.kill('SIGKILL'),
  });
}

export async function tcpReceive(
  now: Clock,
  { id, address, intervalMs }: { id: number; address: string; intervalMs: number },
): Promise<Part> {
  const receiver = new Receiver(now, intervalMs);
  const hash = createHash('sha256');
  let chunks = 0;
  let bytes = 0;
  let digest: string | undefined;
  const server = createServer((socket) => {
    socket.on('data', (data: Buffer) => {
      receiver.arrived(chunks++);
      bytes += data.length;
      hash.update(data);
    });
    socket.on('end', () => {
      receiver.silence();
      digest = hash.digest('hex');
      socket.end();
    });
    socket.on('error', () => socket.destroy());
    stopSocket = () => socket.destroy();
  });
  let stopSocket = (): void => undefined;
  server.listen(portOf(id), address);
  await once(server, 'listening');
  return {
    silence: () => receiver.silence(),
    report: () => ({
      ...receiver.report(),
      bytes,
      ended: digest !== undefined,
      ...(digest === undefined ? {} : { hash: digest }),
    }),
    stop: () => {
      stopSocket();
      server.close();
    },
  };
}

export function tcpSend(order: {
  id: number;
  from: string;
  to: string;
  bytes: number;
  intervalMs?: number;
}): Promise<Part> {
  const { id, from, to, bytes, intervalMs } = order;
  const data = randomFillSync(Buffer.alloc(bytes));
  const port = portOf(id);
  const socket = connect({ host: to, port, localAddress: from, localPort: port });
  socket.setNoDelay(true);
  let ended = false;
  socket.on('close', (failed) => (ended = !failed));
  // Reported by `ended` staying false.
  socket.on('error', () => socket.destroy());
  let stop = (): void => undefined;
  socket.once('connect', () => {
    if (intervalMs === undefined) {
      socket.end(data);
      return;
    }
    let at = 0;
    stop = every(intervalMs, () => {
      if (at >= bytes) return;
      socket.write(data.subarray(at, at + SEGMENT));
      at += SEGMENT;
      if (at >= bytes) socket.end();
    });
  });
  socket.resume();
  const hash = createHash('sha256').update(data).digest('hex');
  return Promise.resolve({
    silence: () => undefined,
    report: () => ({ bytes, hash, ended }),
    stop: () => {
      stop();
      socket.destroy();
    },
  });
}
