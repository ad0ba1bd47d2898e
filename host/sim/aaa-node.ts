import type { Address } from '../../bindings/entries.ts';
import type {
  Machine,
  StreamEffect,
  StreamEvent,
  TimerEffect,
  TimerEvent,
  TraceEffect,
} from '../core/machine.ts';
import type { Scheduler } from './scheduler.ts';
import type { StreamFabric, StreamNode } from './streams.ts';
import { Timers } from './timers.ts';

type AaaEffect = StreamEffect | TimerEffect | TraceEffect;

export type AaaMachine = Machine<StreamEvent | TimerEvent | { readonly type: 'stop' }, AaaEffect>;

export interface AaaNodeOptions {
  readonly name: string;
  readonly address: Address;
  readonly port: number;
  /** Called at every start; what must survive is in a store that the caller keeps. */
  readonly machine: () => AaaMachine;
  readonly trace: (effect: TraceEffect) => void;
}

/** AA-Request of RFC 7155 section 3.1, in which an MN is registered. */
const AA_COMMAND = 265;
const REQUEST_FLAG = 0x80;

interface Severance {
  readonly remote: Address;
  readonly when: 'before-commit' | 'after-commit';
}

/** The AAA server's process on its machine. */
export class AaaNode implements StreamNode {
  readonly name: string;
  readonly address: Address;
  readonly listens: number;
  readonly #options: AaaNodeOptions;
  readonly #scheduler: Scheduler;
  readonly #streams: StreamFabric;
  readonly #timers: Timers;
  /** Remote address of each open stream. */
  readonly #remotes = new Map<string, Address>();
  #severances: Severance[] = [];
  #machine: AaaMachine | undefined;

  constructor(options: AaaNodeOptions, scheduler: Scheduler, streams: StreamFabric) {
    this.name = options.name;
    this.address = options.address;
    this.listens = options.port;
    this.#options = options;
    this.#scheduler = scheduler;
    this.#streams = streams;
    this.#timers = new Timers(scheduler, (id) => this.#step({ type: 'timer', id }));
  }

  get running(): boolean {
    return this.#machine !== undefined;
  }

  start(): void {
    if (this.#machine !== undefined) throw new Error(`${this.name} is running already`);
    this.#machine = this.#options.machine();
  }

  kill(): void {
    this.#machine = undefined;
    this.#timers.clear();
    this.#remotes.clear();
    this.#streams.reset(this);
  }

  /** Tells the process to stop; it is still there to finish. */
  stop(): void {
    this.#step({ type: 'stop' });
  }

  /** Resets the connection from `remote` at its next registration request, before or after the server has acted on it. */
  severAtRegistration(remote: Address, when: Severance['when']): void {
    this.#severances.push({ remote, when });
  }

  streamEvent(event: StreamEvent): void {
    if (event.type === 'stream.opened') this.#remotes.set(event.stream, event.remote);
    if (event.type === 'stream.closed') this.#remotes.delete(event.stream);
    const severance = event.type === 'stream.data' ? this.#severanceFor(event) : undefined;
    if (severance === undefined) {
      this.#step(event);
      return;
    }
    this.#severances = this.#severances.filter((other) => other !== severance);
    if (severance.when === 'after-commit') this.#step(event, event.stream);
    this.#streams.sever(this, event.stream);
  }

  #severanceFor(event: Extract<StreamEvent, { type: 'stream.data' }>): Severance | undefined {
    if (!holdsRegistration(event.data)) return undefined;
    const remote = this.#remotes.get(event.stream);
    return this.#severances.find((severance) => severance.remote === remote);
  }

  /** What the server sends on the stream `mute` is lost. */
  #step(event: Parameters<AaaMachine['step']>[0], mute?: string): void {
    if (this.#machine === undefined) return;
    for (const effect of this.#machine.step(event, this.#now())) {
      if ('stream' in effect && effect.stream === mute) continue;
      this.#perform(effect);
    }
  }

  #now(): number {
    return Math.floor(this.#scheduler.now);
  }

  #perform(effect: AaaEffect): void {
    switch (effect.type) {
      case 'stream.open':
        this.#streams.open(this, effect.stream, effect.host, effect.port);
        break;
      case 'stream.send':
        this.#streams.send(this, effect.stream, effect.data);
        break;
      case 'stream.close':
        this.#streams.close(this, effect.stream);
        break;
      case 'timer':
        this.#timers.set(effect);
        break;
      case 'trace':
        this.#options.trace(effect);
        break;
    }
  }
}

/** Looks at the headers of the Diameter messages in `data`, which in this simulation are never split. */
function holdsRegistration(data: Uint8Array): boolean {
  for (let at = 0; at + 20 <= data.length;) {
    const length = (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
    const command = (data[at + 5]! << 16) | (data[at + 6]! << 8) | data[at + 7]!;
    if (command === AA_COMMAND && (data[at + 4]! & REQUEST_FLAG) !== 0) return true;
    if (length === 0) return false;
    at += length;
  }
  return false;
}
