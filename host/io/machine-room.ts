import { mkdirSync } from 'node:fs';
import type { Server } from 'node:net';
import type { LinkId, Mac } from '../../bindings/entries.ts';
import { messageOf } from '../core/error-message.ts';
import type { MaarEffect, MaarEvent } from '../core/maar-io.ts';
import type { Machine, StreamEffect, TimerEffect, TraceEffect } from '../core/machine.ts';
import type { MaarView, StatusView } from '../core/view.ts';
import type { LeaseStore } from '../functions/haa/lease.ts';
import { clockFrom } from './clock.ts';
import type { Clock } from './clock.ts';
import { controlPath, serveControl } from './control-socket.ts';
import { LeaseWriter } from './haa/lease-writer.ts';
import { Runner } from './runner.ts';
import { Streams } from './streams.ts';

/** How long messages that the machine sends at its stop may take to leave. */
const FAREWELL_MS = 200;

export interface MachineOptions {
  readonly machine: Machine<MaarEvent, MaarEffect>;
  readonly view: (now: number) => MaarView;
  /** Where the machine's leases are kept, if they are; closed with the room. */
  readonly leases?: LeaseStore;
  /** Takes what the machine traces, with the time of its event, and faults of the system under `what: "fault"`. */
  readonly trace: (effect: TraceEffect, now?: number) => void;
  /** Of `clockOrigin()`. */
  readonly clockOrigin: number;
}

/** What the router does for the machine, wherever that is. */
export type RouterEffect = Exclude<
  MaarEffect,
  TimerEffect | StreamEffect | TraceEffect | { readonly type: 'buffering' | 'leases' }
>;

/** What the control socket asks of the router. */
export interface RouterAnswers {
  readonly dataPlane: () => Promise<Omit<StatusView, 'maar'>>;
  /** The access link of a port; undefined where there is none of that name. */
  readonly linkOf: (port: string) => LinkId | undefined;
}

/** What every host of a MAAR's machine does alike: its timers and streams, its trace, and the control socket. */
export class MachineRoom {
  readonly now: Clock;
  readonly #options: MachineOptions;
  readonly #runner: Runner<MaarEvent, MaarEffect>;
  readonly #streams: Streams;
  /** Who waits for a confirmed buffer, by station. */
  readonly #confirmations = new Map<Mac, (() => void)[]>();
  readonly #leases: LeaseWriter | undefined;
  #control: Server | undefined;

  /** `localAddress`: source of the machine's streams; without it the kernel chooses. */
  constructor(options: MachineOptions, carryOut: (effect: RouterEffect) => void, localAddress?: string) {
    this.#options = options;
    this.now = clockFrom(options.clockOrigin);
    this.#streams = new Streams((event) => this.dispatch(event), localAddress);
    this.#leases =
      options.leases === undefined
        ? undefined
        : new LeaseWriter(options.leases, (event) => this.dispatch(event));
    this.#runner = new Runner(options.machine, this.now, (effect, now) => {
      switch (effect.type) {
        case 'stream.open':
        case 'stream.send':
        case 'stream.close':
          this.#streams.handle(effect);
          return;
        case 'trace':
          options.trace(effect, now);
          return;
        case 'buffering':
          for (const confirm of this.#confirmations.get(effect.mac) ?? []) confirm();
          this.#confirmations.delete(effect.mac);
          return;
        case 'leases':
          this.#leases?.add(effect);
          return;
        default:
          carryOut(effect);
      }
    });
  }

  dispatch(event: MaarEvent): void {
    this.#runner.dispatch(event);
  }

  /** Serves the control socket. Rejects where it cannot be made. */
  async serve(stateDirectory: string, router: RouterAnswers): Promise<void> {
    mkdirSync(stateDirectory, { recursive: true });
    this.#control = await serveControl(controlPath(stateDirectory), async (request) => {
      if ('show' in request) return this.status(router);
      const { port, mac } = request.leaving;
      const link = router.linkOf(port);
      if (link === undefined) throw new Error(`no access link has a port ${port}`);
      await this.leaving(link, port, mac);
      return { buffering: mac };
    });
  }

  async status(router: RouterAnswers): Promise<StatusView> {
    return { maar: this.#options.view(this.now()), ...(await router.dataPlane()) };
  }

  /** Resolves once what comes for the station is kept. */
  leaving(link: LinkId, port: string, mac: Mac): Promise<void> {
    return new Promise((resolve) => {
      this.#confirmations.set(mac, [...(this.#confirmations.get(mac) ?? []), resolve]);
      this.dispatch({ type: 'leaving', link, port, mac });
    });
  }

  /** Has the machine say farewell; resolves when that has left. */
  async farewell(): Promise<void> {
    this.dispatch({ type: 'stop' });
    await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
  }

  /** Ends timers, streams, the store of leases and the control socket. */
  close(): void {
    this.attempt('store of leases', () => this.#leases?.close());
    this.#runner.close();
    this.#streams.close();
    this.#control?.close();
  }

  /** What can fail because the world outside has changed (a port is gone, no route) is traced, not fatal. */
  attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fault(what, [messageOf(error)]);
    }
  }

  fault(what: string, faults: readonly string[]): void {
    for (const fault of faults) {
      this.#options.trace({ type: 'trace', what: 'fault', detail: { of: what, fault } });
    }
  }
}
