import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { StreamEffect, StreamEvent } from '../core/machine.ts';

/** Octets that may wait for a peer that reads too slowly; beyond this its stream is closed. */
const SEND_BUDGET = 1 << 20;
/** How long a closed stream may take to send what is left, in milliseconds. */
const LINGER = 1_000;

/**
 * TCP streams for a sans-IO machine: carries out its StreamEffects and reports StreamEvents through `emit`.
 * A stream that the machine closed is heard of no more.
 */
export class Streams {
  readonly #emit: (event: StreamEvent) => void;
  readonly #localAddress: string | undefined;
  readonly #sockets = new Map<string, Socket>();
  /** Closed by the machine, still sending. */
  readonly #lingering = new Set<Socket>();
  readonly #servers: Server[] = [];
  #accepted = 0;

  /** `localAddress`: source of outgoing connections; without it the kernel chooses. */
  constructor(emit: (event: StreamEvent) => void, localAddress?: string) {
    this.#emit = emit;
    this.#localAddress = localAddress;
  }

  handle(effect: StreamEffect): void {
    switch (effect.type) {
      case 'stream.open': {
        const { host, port } = effect;
        const from = this.#localAddress === undefined ? {} : { localAddress: this.#localAddress };
        const socket = connect({ host, port, noDelay: true, ...from });
        socket.once('connect', () => this.#opened(effect.stream, socket));
        this.#adopt(effect.stream, socket);
        return;
      }
      case 'stream.send': {
        const socket = this.#sockets.get(effect.stream);
        if (socket === undefined) return;
        socket.write(effect.data);
        if (socket.writableLength > SEND_BUDGET) {
          socket.destroy(new Error(`the peer left ${socket.writableLength} octets unread`));
        }
        return;
      }
      case 'stream.close':
        this.#release(effect.stream);
    }
  }

  /**
   * Listens; accepted streams are named `prefix` and a number. Resolves to the port (useful with port 0),
   * rejects where the address cannot be bound.
   */
  listen(address: string, port: number, prefix: string): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      const stream = `${prefix}${++this.#accepted}`;
      this.#adopt(stream, socket);
      this.#opened(stream, socket);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, ipv6Only: address.includes(':') }, () => {
        const bound = server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
      });
    });
  }

  /** Stops listening; open streams go on. */
  deafen(): void {
    for (const server of this.#servers.splice(0)) server.close();
  }

  /** Stops listening and ends every stream at once. */
  close(): void {
    this.deafen();
    for (const socket of [...this.#sockets.values(), ...this.#lingering]) socket.destroy();
    this.#sockets.clear();
  }

  #adopt(stream: string, socket: Socket): void {
    this.#sockets.set(stream, socket);
    let reason = 'closed by the peer';
    socket.on('data', (data) => {
      if (this.#sockets.get(stream) === socket) this.#emit({ type: 'stream.data', stream, data });
    });
    socket.on('error', (error) => (reason = error.message));
    socket.on('close', () => {
      this.#lingering.delete(socket);
      if (this.#sockets.get(stream) !== socket) return;
      this.#sockets.delete(stream);
      this.#emit({ type: 'stream.closed', stream, reason });
    });
  }

  #opened(stream: string, socket: Socket): void {
    if (this.#sockets.get(stream) !== socket) return;
    this.#emit({
      type: 'stream.opened',
      stream,
      remote: `[${socket.remoteAddress ?? ''}]:${socket.remotePort ?? 0}`,
    });
  }

  #release(stream: string): void {
    const socket = this.#sockets.get(stream);
    if (socket === undefined) return;
    this.#sockets.delete(stream);
    if (socket.connecting) {
      socket.destroy();
      return;
    }
    this.#lingering.add(socket);
    socket.end();
    setTimeout(() => socket.destroy(), LINGER).unref();
  }
}
