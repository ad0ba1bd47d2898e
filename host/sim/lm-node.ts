import type { Address } from '../../bindings/entries.ts';
import type { Machine, TraceEffect } from '../core/machine.ts';
import type { ServerEffect, ServerEvent } from '../functions/lm/server/server.ts';
import type { ServerView } from '../functions/lm/server/view.ts';
import type { LocationStore, StoreRequest, StoreState } from '../functions/lm/store.ts';
import { emitIpv6, NEXT_HEADER, parseIpv6, walkExtensions } from '../wire/ipv6.ts';
import type { LinkEnd, PointToPointLink } from './link.ts';
import type { Scheduler } from './scheduler.ts';
import { Timers } from './timers.ts';

const HOP_LIMIT = 64;

export interface LmMachine extends Machine<ServerEvent, ServerEffect> {
  view(now: number): ServerView;
}

export interface LmNodeOptions {
  readonly name: string;
  readonly address: Address;
  /** Called at every start, with what the store has kept. */
  readonly machine: (state: StoreState, startedAt: number) => LmMachine;
  /** Outlives the process, as a disk does. */
  readonly store: LocationStore;
  /** Milliseconds from what is wanted of the store to its being kept and answered. */
  readonly commitDelay: number;
  readonly trace: (effect: TraceEffect) => void;
}

/** Everything that dies with the process. */
interface Process {
  readonly machine: LmMachine;
  readonly timers: Timers;
}

/** A server of location management on its machine in the core. */
export class LmNode implements LinkEnd {
  readonly node: string;
  readonly #options: LmNodeOptions;
  readonly #scheduler: Scheduler;
  #link: PointToPointLink | undefined;
  #process: Process | undefined;

  constructor(options: LmNodeOptions, scheduler: Scheduler) {
    this.node = options.name;
    this.#options = options;
    this.#scheduler = scheduler;
  }

  connect(link: PointToPointLink): void {
    this.#link = link;
  }

  start(): void {
    if (this.#process !== undefined) throw new Error(`${this.node} is running already`);
    const { machine, store } = this.#options;
    const process: Process = {
      machine: machine(store.load(), this.#now()),
      timers: new Timers(this.#scheduler, (id) => this.#step({ type: 'timer', id }, process)),
    };
    this.#process = process;
    this.#step({ type: 'start' }, process);
  }

  /** Ends the process at once; what the store had not yet been told is lost. */
  kill(): void {
    this.#process?.timers.clear();
    this.#process = undefined;
  }

  /** Tells the process to stop; it is still there to finish. */
  stop(): void {
    if (this.#process !== undefined) this.#step({ type: 'stop' }, this.#process);
  }

  receive(packet: Uint8Array): void {
    const parsed = parseIpv6(packet);
    const process = this.#process;
    if (!parsed.ok || process === undefined) return;
    const { src, dst } = parsed.value;
    const upper = walkExtensions(parsed.value);
    if (dst !== this.#options.address || !upper.ok || upper.value.nextHeader !== NEXT_HEADER.mobility) return;
    this.#step({ type: 'mobility', src, dst, data: upper.value.payload }, process);
  }

  /** Throws while the server is down, as the control socket would refuse. */
  view(): ServerView {
    if (this.#process === undefined) throw new Error(`${this.node} is not running`);
    return this.#process.machine.view(this.#now());
  }

  #now(): number {
    return Math.floor(this.#scheduler.now);
  }

  #step(event: ServerEvent, process: Process): void {
    if (process !== this.#process) return;
    const requests: StoreRequest[] = [];
    for (const effect of process.machine.step(event, this.#now())) {
      switch (effect.type) {
        case 'mobility':
          this.#send(effect.dst, effect.data);
          break;
        case 'timer':
          process.timers.set(effect);
          break;
        case 'trace':
          this.#options.trace(effect);
          break;
        default:
          requests.push(effect);
      }
    }
    if (requests.length > 0) this.#commit(requests, process);
  }

  #send(dst: Address, data: Uint8Array): void {
    const fields = {
      nextHeader: NEXT_HEADER.mobility,
      hopLimit: HOP_LIMIT,
      src: this.#options.address,
      dst,
    };
    this.#link?.send(this.node, emitIpv6(fields, data));
  }

  #commit(requests: readonly StoreRequest[], process: Process): void {
    const { store, commitDelay } = this.#options;
    this.#scheduler.after(commitDelay, () => {
      if (process !== this.#process) return;
      store.submit(requests, (answers) => this.#step({ type: 'stored', answers }, process));
    });
  }
}
