import type { DataPlane } from '../../bindings/dataplane.ts';
import type { Address, Mac } from '../../bindings/entries.ts';
import type { MaarConfig } from '../core/config.ts';
import type { MaarEffect, MaarEvent } from '../core/maar-io.ts';
import type { Machine, StreamEvent, TraceEffect } from '../core/machine.ts';
import type { MaarView, StatusView } from '../core/view.ts';
import type { LeaseRecord } from '../functions/haa/lease.ts';
import { NEXT_HEADER } from '../wire/ipv6.ts';
import type { AccessRouter } from './access-link.ts';
import { RouterKernel } from './kernel.ts';
import type { KernelLinks } from './kernel.ts';
import type { LinkEnd } from './link.ts';
import type { Scheduler } from './scheduler.ts';
import type { StreamFabric, StreamNode } from './streams.ts';
import { Timers } from './timers.ts';

export interface MaarMachine extends Machine<MaarEvent, MaarEffect> {
  view(now: number): MaarView;
}

export interface MaarNodeOptions {
  readonly config: MaarConfig;
  /** Called at every start: a new process remembers nothing. */
  readonly machine: (leases: readonly LeaseRecord[]) => MaarMachine;
  readonly dataPlane: () => DataPlane;
  /** Milliseconds from an `apply` effect to the tables standing. */
  readonly applyDelay: number;
  readonly trace: (effect: TraceEffect) => void;
}

/** Milliseconds that the disk takes for a write. */
const WRITE_MILLIS = 1;

/** Everything that dies with the process. */
interface Process {
  readonly machine: MaarMachine;
  readonly kernel: RouterKernel;
  readonly timers: Timers;
  readonly queue: MaarEvent[];
  draining: boolean;
}

/** One MAAR: its control plane and data plane in one process, on the kernel of one router. */
export class MaarNode implements LinkEnd, AccessRouter, StreamNode {
  readonly name: string;
  readonly node: string;
  readonly address: Address;
  readonly #options: MaarNodeOptions;
  readonly #scheduler: Scheduler;
  readonly #streams: StreamFabric;
  /** Ports with carrier, which outlive the process. */
  readonly #ports = new Set<string>();
  /** What is on the disk, by prefix. */
  readonly #leases = new Map<string, LeaseRecord>();
  /** Who waits for a confirmed buffer, by station. */
  readonly #leaving = new Map<Mac, () => void>();
  #links: KernelLinks | undefined;
  #process: Process | undefined;

  constructor(options: MaarNodeOptions, scheduler: Scheduler, streams: StreamFabric) {
    this.name = options.config.name;
    this.node = this.name;
    this.address = options.config.address;
    this.#options = options;
    this.#scheduler = scheduler;
    this.#streams = streams;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  connect(links: KernelLinks): void {
    this.#links = links;
  }

  /** Starts a new process. It learns the ports that are up, as from a netlink dump. */
  start(): void {
    if (this.#process !== undefined) throw new Error(`${this.name} is running already`);
    if (this.#links === undefined) throw new Error(`${this.name} is not connected`);
    const { config, machine, dataPlane } = this.#options;
    const hear = (event: MaarEvent): void => this.#hear(event, process);
    const process: Process = {
      machine: machine([...this.#leases.values()]),
      kernel: new RouterKernel(config, this.#scheduler, dataPlane(), this.#links, hear),
      timers: new Timers(this.#scheduler, (id) => this.#hear({ type: 'timer', id }, process)),
      queue: [],
      draining: false,
    };
    this.#process = process;
    hear({ type: 'start' });
    for (const port of this.#ports) hear(this.#portEvent(port, true));
  }

  /** Ends the process at once: state and timers are lost, the system resets its streams. */
  kill(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    process.timers.clear();
    process.kernel.halt();
    this.#streams.reset(this);
  }

  /** Tells the process to stop; it is still there to finish. */
  stop(): void {
    if (this.#process !== undefined) this.#hear({ type: 'stop' }, this.#process);
  }

  /** A port of the access link gained or lost carrier. */
  setPort(port: string, up: boolean): void {
    if (up) this.#ports.add(port);
    else this.#ports.delete(port);
    if (this.#process !== undefined) this.#hear(this.#portEvent(port, up), this.#process);
  }

  /** A station of the access link announces that it leaves; `confirmed` is called once its packets are kept. */
  leaving(port: string, mac: Mac, confirmed: () => void): void {
    if (this.#process === undefined) throw new Error(`${this.name} is not running`);
    this.#leaving.set(mac, confirmed);
    this.#hear({ type: 'leaving', link: this.#link().id, port, mac }, this.#process);
  }

  receive(packet: Uint8Array): void {
    this.#process?.kernel.receiveCore(packet);
  }

  receiveFrame(port: string, frame: Uint8Array): void {
    this.#process?.kernel.receiveFrame(this.#link(), port, frame);
  }

  streamEvent(event: StreamEvent): void {
    if (this.#process !== undefined) this.#hear(event, this.#process);
  }

  /** Throws while the MAAR is down, as the control socket would refuse. */
  status(): StatusView {
    if (this.#process === undefined) throw new Error(`${this.name} is not running`);
    const { machine, kernel } = this.#process;
    return {
      maar: machine.view(this.#now()),
      dataplane: { counters: kernel.dataPlane.counters(), entries: kernel.dataPlane.dump() },
    };
  }

  #now(): number {
    return Math.floor(this.#scheduler.now);
  }

  /** Every MAAR of the lab has one access link. */
  #link(): MaarConfig['links'][number] {
    return this.#options.config.links[0]!;
  }

  #portEvent(port: string, up: boolean): MaarEvent {
    return { type: 'port', link: this.#link().id, port, up };
  }

  /** Effects can cause events at once; those wait until all effects of the first have been carried out. */
  #hear(event: MaarEvent, process: Process): void {
    if (process !== this.#process) return;
    process.queue.push(event);
    if (process.draining) return;
    process.draining = true;
    for (let next = process.queue.shift(); next !== undefined; next = process.queue.shift()) {
      for (const effect of process.machine.step(next, this.#now())) this.#perform(effect, process);
    }
    process.draining = false;
  }

  #perform(effect: MaarEffect, process: Process): void {
    const { kernel } = process;
    switch (effect.type) {
      case 'apply':
        this.#scheduler.after(this.#options.applyDelay, () => {
          if (process !== this.#process) return;
          const statuses = kernel.apply(effect.commands);
          this.#hear({ type: 'applied', batch: effect.batch, statuses }, process);
        });
        break;
      case 'leases':
        // What a process that is killed has not been told of may be there or not; here it is not.
        this.#scheduler.after(WRITE_MILLIS, () => {
          if (process !== this.#process) return;
          for (const prefix of effect.forget) this.#leases.delete(prefix);
          for (const record of effect.put) this.#leases.set(record.prefix, record);
          this.#hear({ type: 'leases', write: effect.write }, process);
        });
        break;
      case 'usage':
        this.#hear(kernel.usage(), process);
        break;
      case 'activity':
        this.#hear(kernel.activity(), process);
        break;
      case 'frame':
        kernel.sendFrame(effect.link, effect.data, effect.port);
        break;
      case 'mobility':
      case 'icmpv6':
        kernel.send(NEXT_HEADER[effect.type], effect.src, effect.dst, effect.data);
        break;
      case 'stations':
        kernel.setStations(effect.link, effect.macs);
        break;
      case 'buffering':
        this.#leaving.get(effect.mac)?.();
        this.#leaving.delete(effect.mac);
        break;
      case 'timer':
        process.timers.set(effect);
        break;
      case 'stream.open':
        this.#streams.open(this, effect.stream, effect.host, effect.port);
        break;
      case 'stream.send':
        this.#streams.send(this, effect.stream, effect.data);
        break;
      case 'stream.close':
        this.#streams.close(this, effect.stream);
        break;
      case 'trace':
        this.#options.trace(effect);
        break;
    }
  }
}
