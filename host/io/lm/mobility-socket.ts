import { Worker } from 'node:worker_threads';
import type { Address } from '../../wire/address.ts';
import { close, eventfd, write } from '../ffi.ts';
import { EFD } from '../linux.ts';
import { openMobilitySocket, sendRaw } from '../raw-socket.ts';

/** What the worker is given; `stop` is set before the last kick of `wake`. */
export interface MobilityWorkerSetup {
  readonly socket: number;
  readonly wake: number;
  readonly stop: SharedArrayBuffer;
}

/** A Mobility Header from its first octet. */
export interface ReceivedMobility {
  readonly src: Address;
  readonly data: Uint8Array;
}

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);
const compiled = import.meta.url.endsWith('.js');
const WORKER = new URL(`./mobility-worker.${compiled ? 'js' : 'ts'}`, import.meta.url);

/**
 * Mobility Headers to and from one address of this machine. A worker waits for them, since Node can watch no raw socket; it
 * sleeps in a system call that Node cannot interrupt, so `close` must run before the process ends.
 */
export class MobilitySocket {
  readonly #socket: number;
  readonly #wake = eventfd(EFD.cloexec | EFD.nonblock);
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  #closed = false;

  /** `receive` gets all that waited at once. Throws where the address or the permission (CAP_NET_RAW) is missing. */
  constructor(address: Address, receive: (batch: readonly ReceivedMobility[]) => void) {
    this.#socket = openMobilitySocket(address);
    const workerData: MobilityWorkerSetup = {
      socket: this.#socket,
      wake: this.#wake,
      stop: this.#stop.buffer,
    };
    this.#worker = new Worker(WORKER, { workerData, name: 'maar-mobility' });
    this.#worker.on('error', (error) => {
      throw error;
    });
    this.#worker.on('message', receive);
    process.once('exit', this.#halt);
  }

  /** Sends a Mobility Header from the address. Throws where there is no way to `dst`. */
  send(dst: Address, data: Uint8Array): void {
    sendRaw(this.#socket, dst, data);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    process.off('exit', this.#halt);
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#halt();
    await exited;
    close(this.#socket);
    close(this.#wake);
  }

  readonly #halt = (): void => {
    Atomics.store(this.#stop, 0, 1);
    write(this.#wake, ONE, 'stop the worker of the Mobility Header');
  };
}
