import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TraceRecord } from '../lab.ts';
import type { Sandbox } from './sandbox.ts';

/** Lines of a daemon's output that a failure report shows. */
const LAST_LINES = 12;
/** Against hanging: on a quiet machine a daemon takes a second to start, and less to end. */
const READY_MS = 60_000;
const STOP_MS = 30_000;

export interface DaemonOptions {
  readonly name: string;
  /** Namespace that it runs in. */
  readonly netns: string;
  readonly argv: readonly string[];
  /** Whether a line of its output, which may be a trace, tells that it serves. */
  readonly ready: (line: string, record: TraceRecord | undefined) => boolean;
  readonly trace: (record: TraceRecord) => void;
  /** Called when it ends without having been told to. */
  readonly died: (error: Error) => void;
  /** Wall clock in milliseconds at which the run began. */
  readonly start: number;
}

/** A daemon of ours in its namespace, with its traces. */
export class Daemon {
  readonly #sandbox: Sandbox;
  readonly #options: DaemonOptions;
  #process: ChildProcess | undefined;
  #ending = false;
  #lines: string[] = [];

  constructor(sandbox: Sandbox, options: DaemonOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
  }

  /** Resolves once it serves; rejects with its last lines if it does not. */
  async start(): Promise<void> {
    const { name, netns, argv, ready } = this.#options;
    if (this.#process !== undefined) throw new Error(`${name} runs already`);
    this.#ending = false;
    this.#lines = [];
    const child = this.#sandbox.spawn(netns, argv, ['ignore', 'pipe', 'pipe']);
    this.#process = child;
    const served = Promise.withResolvers<undefined>();
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        if (ready(line, this.#record(line))) served.resolve(undefined);
      });
    }
    // The output ends after the process: its last words are part of the report.
    child.on('close', (code, signal) => {
      this.#process = undefined;
      const error = new Error(
        `${name} ended (${signal ?? `exit ${code}`}); its last lines:\n${this.#lines.join('\n')}`,
      );
      served.reject(error);
      if (!this.#ending) this.#options.died(error);
    });
    const timer = setTimeout(
      () => served.reject(new Error(`${name} was not ready in ${READY_MS} ms:\n${this.#lines.join('\n')}`)),
      READY_MS,
    );
    await served.promise.finally(() => clearTimeout(timer));
  }

  /** SIGKILL, as a crash would end it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; what has not ended in time is killed, which is an error. */
  async stop(): Promise<void> {
    const { name } = this.#options;
    const timer = setTimeout(() => {
      this.#process?.kill('SIGKILL');
      this.#options.died(new Error(`${name} did not stop in ${STOP_MS} ms`));
    }, STOP_MS);
    await this.#end('SIGTERM').finally(() => clearTimeout(timer));
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process === undefined) return;
    this.#ending = true;
    const closed = once(this.#process, 'close');
    this.#process.kill(signal);
    await closed;
  }

  #record(line: string): TraceRecord | undefined {
    this.#lines = [...this.#lines, line].slice(-LAST_LINES);
    const record = parseTrace(line, this.#options.start);
    if (record !== undefined) this.#options.trace(record);
    return record;
  }
}

/** A line of a daemon's log; undefined for anything else that a process may say. */
function parseTrace(line: string, start: number): TraceRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { t, ...fields } = JSON.parse(line) as { t: number } & Omit<TraceRecord, 'type' | 'at'>;
    return typeof t === 'number' ? { type: 'trace', ...fields, at: t - start } : undefined;
  } catch {
    return undefined;
  }
}
