import type { Random } from '../core/machine.ts';
import type { Scheduler } from './scheduler.ts';
import type { Taps } from './taps.ts';

/** What all links of a simulation share. */
export interface Medium {
  readonly scheduler: Scheduler;
  readonly taps: Taps;
  readonly random: Random;
  /** One-way delay of every link, in milliseconds. */
  readonly delay: number;
  /** Probability that a link loses a packet. */
  readonly loss: number;
}

export interface LinkEnd {
  readonly node: string;
  receive(packet: Uint8Array): void;
}

/** A point-to-point link that carries IPv6 packets in order, without a link layer of its own. */
export class PointToPointLink {
  readonly name: string;
  /** A cut link loses what is on its way too. */
  cut = false;
  readonly #medium: Medium;
  readonly #ends: readonly [LinkEnd, LinkEnd];

  constructor(name: string, medium: Medium, ends: readonly [LinkEnd, LinkEnd]) {
    this.name = name;
    this.#medium = medium;
    this.#ends = ends;
  }

  get delay(): number {
    return this.#medium.delay;
  }

  /** Sends from the end of node `sender` to the other. */
  send(sender: string, packet: Uint8Array): void {
    const { scheduler, taps, random, delay, loss } = this.#medium;
    const receiver = this.#ends[0].node === sender ? this.#ends[1] : this.#ends[0];
    const copies = taps.carry(this.name, sender, packet);
    if (this.cut) return;
    for (const { data, late } of copies) {
      if (loss > 0 && random() < loss) continue;
      scheduler.after(delay + late, () => {
        if (!this.cut) receiver.receive(data);
      });
    }
  }
}
