import type { Command } from '../../bindings/entries.ts';
import type { MaarEvent } from '../core/maar-io.ts';
import type { StatusView } from '../core/view.ts';
import { AccessPorts } from './access/ports.ts';
import { addLinkLocal } from './kernel/access-interface.ts';
import { hasTable, loadTable, readCounters } from './kernel/base-table.ts';
import { KernelState } from './kernel/kernel-state.ts';
import type { LinuxConfig } from './linux-config.ts';
import { MachineRoom } from './machine-room.ts';
import type { MachineOptions, RouterAnswers, RouterEffect } from './machine-room.ts';
import { parseMessages } from './netlink/message.ts';
import { PacketPlane } from './packet-plane.ts';
import type { Notice } from './packet-plane.ts';
import { sendRaw } from './raw-socket.ts';
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

export interface LinuxHostOptions extends MachineOptions {
  readonly config: LinuxConfig;
  /** Seeds the data plane's hashes. */
  readonly seed: bigint;
}

/** One MAAR on Linux: carries out the effects of its state machine and brings it what happens. */
export class LinuxHost {
  readonly #options: LinuxHostOptions;
  readonly #room: MachineRoom;
  readonly #system: System;
  readonly #plane: PacketPlane;
  readonly #ports: AccessPorts;
  readonly #kernel: KernelState;
  readonly #usage: NativeUsage;
  #batches: Promise<void> = Promise.resolve();
  #closed = false;

  /** Takes hold of the system; throws, with everything put back, where something is missing. */
  constructor(options: LinuxHostOptions) {
    const { config } = options;
    this.#options = options;
    this.#room = new MachineRoom(options, (effect) => this.#carryOut(effect), config.address);
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
        (event) => this.#room.dispatch(event),
        (ifindex) => this.#restore(ifindex),
      );
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  async start(): Promise<void> {
    await this.#plane.ready();
    await this.#room.serve(this.#options.config.stateDirectory, this.#answers);
    this.#room.dispatch({ type: 'start' });
    this.#ports.resync();
  }

  /** Gives the machine an event of the caller's own. */
  dispatch(event: MaarEvent): void {
    this.#room.dispatch(event);
  }

  status(): Promise<StatusView> {
    return this.#room.status(this.#answers);
  }

  readonly #answers: RouterAnswers = {
    dataPlane: async () => ({ dataplane: await this.dataPlane() }),
    linkOf: (port) => this.#ports.linkOf(port),
  };

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
    await this.#room.farewell();
    await this.#batches;
    this.#room.close();
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

  #carryOut(effect: RouterEffect): void {
    switch (effect.type) {
      case 'apply':
        this.#batches = this.#batches.then(() => this.#apply(effect.batch, effect.commands));
        return;
      case 'usage':
        void this.#plane.dump().then(({ entries, pairs }) => {
          if (this.#closed) return;
          this.#room.dispatch({
            type: 'usage',
            destinations: destinationUsage(entries),
            pairs: [...pairs, ...this.#usage.pairs(this.#room.now())],
          });
        });
        return;
      case 'activity':
        this.#room.attempt('activity of stations', () =>
          this.#room.dispatch({ type: 'activity', stations: this.#kernel.activity() }),
        );
        return;
      case 'frame':
        this.#room.attempt(`frame on link ${effect.link}`, () => {
          if (!this.#ports.send(effect.link, effect.port, effect.data)) throw new Error('no such port');
        });
        return;
      case 'mobility':
        this.#room.attempt(`Mobility Header to ${effect.dst}`, () =>
          sendRaw(this.#system.sockets.mobility, effect.dst, effect.data),
        );
        return;
      case 'icmpv6':
        this.#room.attempt(`ICMPv6 to ${effect.dst}`, () =>
          sendRaw(this.#system.icmp, effect.dst, effect.data),
        );
        return;
      case 'stations':
        this.#room.attempt(`stations of link ${effect.link}`, () =>
          this.#ports.setAttached(effect.link, effect.macs),
        );
        return;
    }
  }

  /** The kernel's part before, the data plane's, the kernel's after; only then has the batch been applied. */
  async #apply(batch: number, commands: readonly Command[]): Promise<void> {
    this.#room.fault('apply', this.#kernel.before(commands));
    const statuses = await this.#plane.apply(batch, commands);
    if (this.#closed) return;
    this.#room.fault('apply', this.#kernel.after(commands, statuses));
    this.#room.dispatch({ type: 'applied', batch, statuses });
  }

  /** After an access interface was down: its address, routes and neighbours once more. */
  #restore(ifindex: number): void {
    const access = this.#system.interfaces.get(ifindex);
    if (access === undefined) return;
    this.#batches = this.#batches.then(() => {
      if (this.#closed) return;
      this.#room.attempt(`interface ${access.interface}`, () =>
        addLinkLocal(this.#system.route, ifindex, access.linkLocal),
      );
      this.#room.fault('apply', this.#kernel.restore(access.link));
    });
  }

  /** After somebody deleted a table of nftables (`nft flush ruleset` deletes all): ours once more, with its elements. */
  #restoreTable(): void {
    const { name, access, activity } = this.#options.config;
    this.#batches = this.#batches.then(() => {
      if (this.#closed) return;
      this.#room.attempt('nftables', () => {
        if (hasTable(name)) return;
        this.#room.fault('nftables', ['somebody has deleted our table: it is loaded again']);
        const interfaces = access.map((one) => one.interface);
        loadTable(name, interfaces, activity);
        this.#room.fault('nftables', this.#kernel.restoreSources());
      });
    });
  }

  #notice(notice: Notice): void {
    if (this.#closed) return;
    switch (notice.type) {
      case 'events':
        for (const event of notice.events) this.#room.dispatch({ type: 'dataplane', event });
        return;
      case 'frame':
        this.#room.dispatch(notice);
        return;
      case 'mobility': {
        const { src, ifindex, data } = notice;
        const side = this.#system.interfaces.has(ifindex) ? 'access' : 'core';
        this.#room.dispatch({ type: 'mobility', src, dst: this.#options.config.address, side, data });
        return;
      }
      case 'route-events':
        for (const message of parseMessages(notice.data)) {
          this.#room.attempt('interface event', () => this.#ports.handle(message));
        }
        return;
      case 'route-events-lost':
        this.#room.attempt('interface events', () => this.#ports.recover());
        return;
      case 'table-deleted':
        this.#restoreTable();
    }
  }
}
