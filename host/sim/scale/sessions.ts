import type { Random } from '../../core/machine.ts';
import type { Scheduler } from '../scheduler.ts';
import { Zipf, interval } from './draws.ts';
import { CELLS_PER_NETWORK } from './grid.ts';
import type { Grid } from './grid.ts';
import { OBSERVED } from './plan.ts';
import type { ScalePlan } from './plan.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

/** What sessions do in the domain. */
export interface SessionPorts {
  /** An MN is going to be sent to. */
  begin(correspondent: number): void;
  /** A packet from a cell; `first`: of a session. */
  send(cell: number, correspondent: number, first: boolean): void;
}

interface Session {
  cell: number;
  correspondent: number;
  /** Nothing was sent yet. */
  fresh: boolean;
  over: boolean;
}

/**
 * The sessions of the observed network's MNs, with MNs of the whole domain. They walk as the MNs do that begin them; where one
 * leaves the network, another comes in over the opposite edge, with another correspondent: as many come as leave.
 */
export class Sessions {
  active = 0;
  readonly #plan: ScalePlan;
  readonly #grid: Grid;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #ports: SessionPorts;
  readonly #popularity: Zipf;
  /** Milliseconds between sessions that begin in the network. */
  readonly #between: number;
  #stopped = false;

  constructor(plan: ScalePlan, grid: Grid, scheduler: Scheduler, random: Random, ports: SessionPorts) {
    const { nodes, traffic } = plan;
    this.#plan = plan;
    this.#grid = grid;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#ports = ports;
    this.#popularity = new Zipf(nodes, traffic.popularity);
    this.#between = (traffic.sessionEvery * SECOND * grid.networks) / nodes;
  }

  start(): void {
    this.#scheduler.after(interval(this.#between, this.#random), () => {
      if (this.#stopped) return;
      this.#begin();
      this.start();
    });
  }

  /** From now on nothing is sent. */
  stop(): void {
    this.#stopped = true;
  }

  #begin(): void {
    const { sessionFor, packetEvery } = this.#plan.traffic;
    const cell = this.#grid.foldInto(OBSERVED, Math.floor(this.#random() * CELLS_PER_NETWORK));
    const session = { cell, correspondent: this.#draw(), fresh: true, over: false };
    this.active++;
    this.#scheduler.after(interval(sessionFor * SECOND, this.#random), () => {
      session.over = true;
      this.active--;
    });
    const send = (): void => {
      if (session.over || this.#stopped) return;
      this.#ports.send(session.cell, session.correspondent, session.fresh);
      session.fresh = false;
      this.#scheduler.after(packetEvery * SECOND, send);
    };
    send();
    if (this.#plan.speed > 0) this.#walk(session);
  }

  #walk(session: Session): void {
    this.#scheduler.after(interval(MINUTE / this.#plan.speed, this.#random), () => {
      if (session.over || this.#stopped) return;
      const next = this.#grid.neighbour(session.cell, this.#random);
      if (this.#grid.networkOf(next) !== OBSERVED) session.correspondent = this.#draw();
      session.cell = this.#grid.foldInto(OBSERVED, next);
      this.#walk(session);
    });
  }

  #draw(): number {
    const correspondent = this.#popularity.draw(this.#random);
    this.#ports.begin(correspondent);
    return correspondent;
  }
}
