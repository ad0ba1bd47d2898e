import type { Server } from 'node:net';
import type { Command, Mac } from '../../bindings/entries.ts';
import type { MaarEffect, MaarEvent } from '../core/maar-io.ts';
import type { Machine, TraceEffect } from '../core/machine.ts';
import type { MaarView, StatusView } from '../core/view.ts';
import { AccessPorts } from './access/ports.ts';
import { clockFrom } from './clock.ts';
import { controlPath, serveControl } from './control-socket.ts';
import { readCounters } from './kernel/base-table.ts';
import { KernelState } from './kernel/kernel-state.ts';
import type { LinuxConfig } from './linux-config.ts';
import { parseMessages } from './netlink/message.ts';
import { PacketPlane } from './packet-plane.ts';
import type { Notice } from './packet-plane.ts';
import { sendRaw } from './raw-socket.ts';
import { Runner } from './runner.ts';
import type { OtherEffect } from './runner.ts';
import { Streams } from './streams.ts';
import { openSystem } from './system.ts';
import type { System } from './system.ts';
import { NativeUsage, destinationUsage } from './usage.ts';

/** Capacities of the data plane: some ten thousand stations, in about 32 MB. */
const CAPACITIES = {
  batch: 64,
  destinations: 65_536,
  sources: 65_536,
  peers: 1024,
  flows: 65_536,
  held: 4096,
  flowEntries: 256,
} as const;
/** How long messages that the machine sends at its stop may take to leave. */
const FAREWELL_MS = 200;

export interface LinuxHostOptions {
  readonly config: LinuxConfig;
  readonly machine: Machine<MaarEvent, MaarEffect>;
  readonly view: (now: number) => MaarView;
  /** Takes what the machine traces, and faults of the system under `what: "fault"`. */
  readonly trace: (effect: TraceEffect) => void;
  /** Of `clockOrigin()`. */
  readonly clockOrigin: number;
  /** Seeds the data plane's hashes. */
  readonly seed: bigint;
}

/** One MAAR on Linux: carries out the effects of its state machine and brings it what happens. */
export class LinuxHost {
  readonly #options: LinuxHostOptions;
  readonly #clock: () => number;
  readonly #runner: Runner<MaarEvent, MaarEffect>;
  readonly #system: System;
  readonly #plane: PacketPlane;
  readonly #ports: AccessPorts;
  readonly #kernel: KernelState;
  readonly #usage: NativeUsage;
  readonly #streams: Streams;
  #batches: Promise<void> = Promise.resolve();
  /** Who waits for a confirmed buffer, by station. */
  readonly #confirmations = new Map<Mac, (() => void)[]>();
  #control: Server | undefined;
  #closed = false;

  /** Takes hold of the system; throws, with everything put back, where something is missing. */
  constructor(options: LinuxHostOptions) {
    const { config } = options;
    this.#options = options;
    this.#clock = clockFrom(options.clockOrigin);
    this.#runner = new Runner(options.machine, this.#clock, (effect) => this.#carryOut(effect));
    this.#streams = new Streams((event) => this.#runner.dispatch(event), config.address);
    this.#system = openSystem(config);
    const { sockets, interfaces } = this.#system;
    this.#plane = new PacketPlane(
      {
        clockOrigin: options.clockOrigin,
        dataPlane: {
          capacities: CAPACITIES,
          locator: config.address,
          seed: options.seed,
          coreMtu: config.coreMtu,
          hopLimitDone: true,
          clampMss: config.clampMss,
        },
        ...sockets,
        accessInterfaces: [...interfaces.keys()],
        pool: config.pool,
      },
      config.dataPlane,
      (notice) => this.#notice(notice),
    );
    process.on('exit', this.#abandon);
    try {
      this.#kernel = new KernelState(
        this.#system.route,
        this.#system.netfilter,
        config.name,
        new Map([...interfaces].map(([ifindex, { link }]) => [link, ifindex])),
        this.#system.coreTunIndex,
      );
      this.#usage = new NativeUsage(this.#system.netfilter);
      this.#ports = new AccessPorts(
        this.#system.route,
        interfaces,
        (message) => this.#plane.post(message),
        (event) => this.#runner.dispatch(event),
      );
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  async start(): Promise<void> {
    await this.#plane.ready();
    this.#control = await serveControl(controlPath(this.#options.config.stateDirectory), (request) =>
      'show' in request ? this.status() : this.#leaving(request.leaving),
    );
    this.#runner.dispatch({ type: 'start' });
    this.#ports.resync();
  }

  /** Gives the machine an event of the caller's own. */
  dispatch(event: MaarEvent): void {
    this.#runner.dispatch(event);
  }

  async status(): Promise<StatusView> {
    return { maar: this.#options.view(this.#clock()), dataplane: await this.dataPlane() };
  }

  /** Resolves once the data plane keeps what comes for the station. */
  #leaving({ port, mac }: { readonly port: string; readonly mac: Mac }): Promise<{ buffering: Mac }> {
    const link = this.#ports.linkOf(port);
    if (link === undefined) throw new Error(`no access link has a port ${port}`);
    return new Promise((resolve) => {
      const confirm = (): void => resolve({ buffering: mac });
      this.#confirmations.set(mac, [...(this.#confirmations.get(mac) ?? []), confirm]);
      this.#runner.dispatch({ type: 'leaving', link, port, mac });
    });
  }

  /** Counters of the data plane, the packet worker and nftables, each drop under one name; and the data plane's tables. */
  async dataPlane(): Promise<StatusView['dataplane']> {
    const { counters, entries } = await this.#plane.dump();
    const summed: Record<string, number> = { ...counters };
    for (const [name, value] of Object.entries(readCounters(this.#options.config.name))) {
      summed[name] = (summed[name] ?? 0) + value;
    }
    return { counters: summed, entries };
  }

  /** Orderly end: the machine says farewell, then the kernel is as it was before. Returns one line for each fault. */
  async stop(): Promise<readonly string[]> {
    this.#runner.dispatch({ type: 'stop' });
    await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
    await this.#batches;
    this.#runner.close();
    this.#streams.close();
    this.#control?.close();
    const faults = this.#release();
    await this.#plane.exited();
    this.#ports.close();
    this.#system.close();
    process.off('exit', this.#abandon);
    return faults;
  }

  /** On every way out of the process: the worker is let out of its system call, and the kernel put back. */
  readonly #abandon = (): void => {
    for (const fault of this.#release()) process.stderr.write(`maar: ${fault}\n`);
  };

  #release(): readonly string[] {
    if (this.#closed) return [];
    this.#closed = true;
    this.#plane.halt();
    return this.#system.undo();
  }

  #carryOut(effect: OtherEffect<MaarEffect>): void {
    switch (effect.type) {
      case 'apply':
        this.#batches = this.#batches.then(() => this.#apply(effect.batch, effect.commands));
        return;
      case 'usage':
        void this.#plane.dump().then(({ entries, pairs }) => {
          if (this.#closed) return;
          this.#runner.dispatch({
            type: 'usage',
            destinations: destinationUsage(entries),
            pairs: [...pairs, ...this.#usage.pairs(this.#clock())],
          });
        });
        return;
      case 'activity':
        this.#attempt('activity of stations', () =>
          this.#runner.dispatch({ type: 'activity', stations: this.#kernel.activity() }),
        );
        return;
      case 'frame':
        this.#attempt(`frame on link ${effect.link}`, () => {
          if (!this.#ports.send(effect.link, effect.port, effect.data)) throw new Error('no such port');
        });
        return;
      case 'mobility':
        this.#attempt(`Mobility Header to ${effect.dst}`, () =>
          sendRaw(this.#system.sockets.mobility, effect.dst, effect.data),
        );
        return;
      case 'icmpv6':
        this.#attempt(`ICMPv6 to ${effect.dst}`, () => sendRaw(this.#system.icmp, effect.dst, effect.data));
        return;
      case 'stations':
        this.#attempt(`stations of link ${effect.link}`, () =>
          this.#ports.setAttached(effect.link, effect.macs),
        );
        return;
      case 'buffering':
        for (const confirm of this.#confirmations.get(effect.mac) ?? []) confirm();
        this.#confirmations.delete(effect.mac);
        return;
      case 'trace':
        this.#options.trace(effect);
        return;
      default:
        this.#streams.handle(effect);
    }
  }

  /** The kernel's part before, the data plane's, the kernel's after; only then has the batch been applied. */
  async #apply(batch: number, commands: readonly Command[]): Promise<void> {
    this.#fault('apply', this.#kernel.before(commands));
    const statuses = await this.#plane.apply(batch, commands);
    if (this.#closed) return;
    this.#fault('apply', this.#kernel.after(commands, statuses));
    this.#runner.dispatch({ type: 'applied', batch, statuses });
  }

  #notice(notice: Notice): void {
    if (this.#closed) return;
    switch (notice.type) {
      case 'events':
        for (const event of notice.events) this.#runner.dispatch({ type: 'dataplane', event });
        return;
      case 'frame':
        this.#runner.dispatch(notice);
        return;
      case 'mobility': {
        const { src, ifindex, data } = notice;
        const side = this.#system.interfaces.has(ifindex) ? 'access' : 'core';
        this.#runner.dispatch({ type: 'mobility', src, dst: this.#options.config.address, side, data });
        return;
      }
      case 'route-events':
        for (const message of parseMessages(notice.data)) {
          this.#attempt('interface event', () => this.#ports.handle(message));
        }
        return;
      case 'route-events-lost':
        this.#attempt('interface events', () => this.#ports.resync());
    }
  }

  /** What can fail because the world outside has changed (a port is gone, no route) is traced, not fatal. */
  #attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fault(what, [error instanceof Error ? error.message : String(error)]);
    }
  }

  #fault(what: string, faults: readonly string[]): void {
    for (const fault of faults) {
      this.#options.trace({ type: 'trace', what: 'fault', detail: { of: what, fault } });
    }
  }
}
