import type { Address } from '../../../bindings/entries.ts';
import type { TimerEffect, TimerEvent, TraceEffect } from '../../core/machine.ts';
import type { MobilityEffect, MobilityEvent } from '../../functions/lm/channel.ts';
import type { Scheduler } from '../scheduler.ts';
import { Timers } from '../timers.ts';
import type { Grid } from './grid.ts';
import { Tally } from './tally.ts';

/** One-way delays in milliseconds: of any path, and for each step between cells. */
const [DELAY, DELAY_PER_STEP] = [1, 0.5];

/** A node of location management. */
export interface Site {
  readonly address: Address;
  readonly cell: number;
  readonly role: 'maar' | 'server';
  take(event: MobilityEvent | TimerEvent): void;
}

/** Carries messages between sites, without loss and in order, and keeps their timers. */
export class Fabric {
  readonly scheduler: Scheduler;
  readonly tally = new Tally();
  readonly #grid: Grid;
  readonly #sites = new Map<Address, Site>();
  readonly #timers = new Map<Site, Timers>();

  constructor(scheduler: Scheduler, grid: Grid) {
    this.scheduler = scheduler;
    this.#grid = grid;
  }

  add(site: Site): void {
    this.#sites.set(site.address, site);
    this.#timers.set(site, new Timers(this.scheduler, (id) => site.take({ type: 'timer', id })));
  }

  delay(from: number, to: number): number {
    return from === to ? 0 : DELAY + DELAY_PER_STEP * this.#grid.distance(from, to);
  }

  carry(from: Site, effect: MobilityEffect | TimerEffect | TraceEffect): void {
    if (effect.type === 'mobility') this.#send(from, effect);
    else if (effect.type === 'timer') this.#timers.get(from)!.set(effect);
  }

  #send(from: Site, effect: MobilityEffect): void {
    const to = this.#sites.get(effect.dst)!;
    this.tally.count(effect.data, from.role === 'server' && to.role === 'server' ? 'servers' : 'maar');
    this.scheduler.after(this.delay(from.cell, to.cell), () => to.take(effect));
  }
}
