import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { PairUse } from '../../bindings/node/module.ts';
import type { EntryDump } from '../../bindings/dataplane.ts';
import type { Command, CommandStatus } from '../../bindings/entries.ts';
import { eventfd, write } from './ffi.ts';
import { EFD } from './linux.ts';
import type { DataPlaneEngine } from './linux-config.ts';
import { PumpProcess } from './pump-process.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker/messages.ts';

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);
const compiled = import.meta.url.endsWith('.js');
const WORKER = new URL(`./worker/packet-worker.${compiled ? 'js' : 'ts'}`, import.meta.url);

/** Path of a build of the data plane; the published package has its JavaScript one folder deeper, in dist/. */
const build = (name: string): string =>
  fileURLToPath(new URL(`${compiled ? '../' : ''}../../build/${name}.wasm`, import.meta.url));

export interface DataPlaneState {
  readonly counters: Readonly<Record<string, number>>;
  readonly entries: EntryDump;
  /** Address pairs that the data plane itself forwarded. */
  readonly pairs: readonly PairUse[];
}

/** What the packet worker tells unasked. */
export type Notice = Exclude<FromWorker, { readonly type: 'ready' | 'applied' | 'dump' }>;

/**
 * The main thread's end of the packet worker. The worker sleeps in a system call that Node cannot interrupt: `halt` must
 * run before the process ends (an `exit` handler may call it), or the process stays.
 */
export class PacketPlane {
  readonly #wake = eventfd(EFD.cloexec | EFD.nonblock);
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  readonly #exited: Promise<void>;
  readonly #applied = new Map<number, (statuses: readonly CommandStatus[]) => void>();
  readonly #dumps = new Map<number, (state: DataPlaneState) => void>();
  #dumpRequests = 0;

  /**
   * `notice` takes what the worker tells unasked. A fault in the worker, or the end of a data plane that runs in a process
   * of its own, is thrown here and ends this process: whoever starts it again puts every entry again.
   */
  constructor(
    setup: Omit<WorkerSetup, 'stop' | 'wake' | 'engine'>,
    engine: DataPlaneEngine,
    notice: (message: Notice) => void,
  ) {
    const pump =
      engine.engine === 'wasmtime-cli'
        ? new PumpProcess(engine.wasmtime, build('maar-wasi'), (error) => {
            throw error;
          })
        : undefined;
    const workerData: WorkerSetup = {
      ...setup,
      stop: this.#stop.buffer,
      wake: this.#wake,
      engine: pump === undefined ? { module: build('maar') } : { pump: pump.ends },
    };
    this.#worker = new Worker(WORKER, { workerData, name: 'maar-packets' });
    let isReady: () => void = () => undefined;
    this.#ready = new Promise((resolve) => (isReady = resolve));
    this.#exited = new Promise((resolve) =>
      this.#worker.once('exit', () => {
        pump?.end();
        resolve();
      }),
    );
    this.#worker.on('error', (error) => {
      throw error;
    });
    this.#worker.on('message', (message: FromWorker) => {
      if (message.type === 'ready') isReady();
      else if (message.type === 'applied') {
        this.#applied.get(message.batch)?.(message.statuses);
        this.#applied.delete(message.batch);
      } else if (message.type === 'dump') {
        this.#dumps.get(message.request)?.(message);
        this.#dumps.delete(message.request);
      } else notice(message);
    });
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
    this.#kick();
  }

  apply(batch: number, commands: readonly Command[]): Promise<readonly CommandStatus[]> {
    return new Promise((resolve) => {
      this.#applied.set(batch, resolve);
      this.post({ type: 'apply', batch, commands });
    });
  }

  dump(): Promise<DataPlaneState> {
    return new Promise((resolve) => {
      const request = this.#dumpRequests++;
      this.#dumps.set(request, resolve);
      this.post({ type: 'dump', request });
    });
  }

  /** Tells the worker to end; safe at any time, from any handler. */
  halt(): void {
    Atomics.store(this.#stop, 0, 1);
    this.#kick();
  }

  /** After `halt`: the worker no longer uses any descriptor. */
  exited(): Promise<void> {
    return this.#exited;
  }

  #kick(): void {
    write(this.#wake, ONE, 'kick the packet worker');
  }
}
