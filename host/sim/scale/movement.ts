import type { Random } from '../../core/machine.ts';
import type { ClientEffect } from '../../functions/lm/client/client.ts';
import { CLIENT_SETTINGS } from '../../functions/lm/client/client.ts';
import type { Scheduler } from '../scheduler.ts';
import { interval } from './draws.ts';
import type { Grid } from './grid.ts';
import type { Population } from './population.ts';
import type { MaarSite } from './sites.ts';

const MINUTE = 60_000;
const REFRESH_EVERY = (CLIENT_SETTINGS.lifetime * 1000) / 2;
/** Until an MN that no server has answered for is attached again. */
const RETRY = 1_000;

/**
 * The MNs that move: they walk from cell to cell, and the MAAR of each new cell registers them there. One begins to walk when
 * it is first sent to: where it has been before nobody has seen, and after any walk it would be in any cell as likely.
 */
export class Movement {
  readonly sites: MaarSite[] = [];
  /** Attachments asked for: one for each move, and again where another registration was faster. */
  attachments = 0;
  readonly #population: Population;
  readonly #grid: Grid;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  /** Milliseconds in a cell, on average. */
  readonly #stay: number;
  /** The last registration of each moving MN. */
  readonly #registrations = new Map<number, { readonly site: MaarSite }>();
  /** Of the moving MNs' times of beginning. */
  #sum = 0;
  #stopped = false;

  constructor(
    population: Population,
    grid: Grid,
    scheduler: Scheduler,
    { speed, random }: { readonly speed: number; readonly random: Random },
  ) {
    this.#population = population;
    this.#grid = grid;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#stay = MINUTE / speed;
  }

  get moving(): number {
    return this.#registrations.size;
  }

  /** For how long MNs have walked until now: the sum over all, in milliseconds. */
  get walked(): number {
    return this.moving * this.#scheduler.now - this.#sum;
  }

  /** Lets an MN walk, unless it does; its MAAR refreshes its registration for the first time at a random point of the interval. */
  start(node: number): void {
    if (this.#registrations.has(node)) return;
    const site = this.sites[this.#population.cells[node]!]!;
    const first = { site };
    this.#registrations.set(node, first);
    this.#sum += this.#scheduler.now;
    this.#scheduler.after(this.#random() * REFRESH_EVERY, () => {
      const counter = this.#population.firstCounterOf(node);
      if (this.#registrations.get(node) === first) this.#register(site, node, counter);
    });
    if (Number.isFinite(this.#stay)) this.#walk(node);
  }

  /** What a MAAR's client says of an MN; of one that has moved on meanwhile nothing follows. */
  heard(
    site: MaarSite,
    effect: Extract<ClientEffect, { type: 'attached' | 'registered' | 'unreachable' }>,
  ): void {
    const node = this.#population.nodeOf(effect.mnId);
    if (this.#population.cells[node] !== site.cell) return;
    if (effect.type === 'attached') this.#register(site, node, effect.counter);
    else if (effect.type === 'unreachable' || effect.status !== 0)
      this.#scheduler.after(RETRY, () => this.#attach(node));
    else {
      const previous = this.#registrations.get(node)?.site;
      if (previous !== site) previous?.take({ type: 'detach', mnId: effect.mnId, elsewhere: true });
      this.#registrations.set(node, { site });
    }
  }

  /** From now on every MN stays where it is. */
  stop(): void {
    this.#stopped = true;
  }

  #walk(node: number): void {
    this.#scheduler.after(interval(this.#stay, this.#random), () => {
      if (this.#stopped) return;
      this.#population.cells[node] = this.#grid.neighbour(this.#population.cells[node]!, this.#random);
      this.#attach(node);
      this.#walk(node);
    });
  }

  #attach(node: number): void {
    this.attachments++;
    const mnId = this.#population.nameOf(node);
    const site = this.sites[this.#population.cells[node]!]!;
    site.take({ type: 'attach', mnId, where: this.#population.prefixOf(node) });
  }

  #register(site: MaarSite, node: number, counter: number): void {
    const mnId = this.#population.nameOf(node);
    const prefixes = [this.#population.prefixOf(node)];
    site.take({ type: 'register', mnId, counter, prefixes, delegated: [] });
  }
}
