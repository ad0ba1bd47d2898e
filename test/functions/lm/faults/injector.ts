import type { Random } from '../../../../host/core/machine.ts';
import type { MobilityEffect } from '../../../../host/functions/lm/channel.ts';
import { fillChecksum } from '../../../../host/wire/checksum.ts';
import { NEXT_HEADER } from '../../../../host/wire/ipv6.ts';
import { FaultCount as Count } from '../../../support/fault-count.ts';

export const FAULTS = [
  'loss',
  'delay',
  'reordering',
  'duplicate',
  'corruption',
  'forgery',
  'replay',
  'partition of client and server',
  'partition of servers',
  'partition of clients',
  'restart of a server',
  'restart of a client',
  'clock skew',
  'failure of a store',
  'late answer of a store',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How many faults of each kind were injected. */
export class FaultCount extends Count<Fault> {
  constructor() {
    super(FAULTS);
  }
}

/** The longest that a message is under way, in milliseconds, unless somebody plays it again. */
export const MAX_DELAY = 3_000;
const DELAY = 5;
const MAX_REPLAY_DELAY = 120_000;
const CHECKSUM_AT = 4;
const AUTHENTICATOR = 16;

interface Arrival {
  readonly effect: MobilityEffect;
  readonly delay: number;
}

/** What happens to messages under way. How bad it is is drawn once for each domain. */
export class Injector {
  /** Ends all trouble with messages. */
  calm = false;
  readonly #random: Random;
  readonly #count: FaultCount;
  readonly #rates: Readonly<Record<'loss' | 'delay' | 'duplicate' | 'hostile', number>>;
  /** Pairs of nodes that do not reach each other, in both orders, and until when. */
  readonly #cut = new Map<string, number>();
  readonly #lastArrival = new Map<string, number>();

  constructor(random: Random, count: FaultCount) {
    this.#random = random;
    this.#count = count;
    this.#rates = {
      loss: random() * 0.3,
      delay: random() * 0.6,
      duplicate: random() * 0.15,
      hostile: random() * 0.05,
    };
  }

  partition(a: string, b: string, until: number): void {
    this.#cut.set(`${a} ${b}`, until);
    this.#cut.set(`${b} ${a}`, until);
  }

  tamper(effect: MobilityEffect, now: number): Arrival[] {
    if (this.calm) return [{ effect, delay: DELAY }];
    const pair = `${effect.src} ${effect.dst}`;
    const { loss, duplicate, hostile } = this.#rates;
    const arrivals: Arrival[] = [];
    if (this.#happens('forgery', hostile))
      arrivals.push({ effect: this.#forged(effect), delay: this.#delay() });
    if (this.#happens('replay', hostile))
      arrivals.push({ effect, delay: DELAY + this.#random() * MAX_REPLAY_DELAY });
    if ((this.#cut.get(pair) ?? 0) > now || this.#happens('loss', loss)) return arrivals;
    if (this.#happens('corruption', hostile)) {
      return [...arrivals, { effect: this.#changed(effect), delay: this.#delay() }];
    }
    const copies = this.#happens('duplicate', duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = this.#delay();
      if (now + delay < (this.#lastArrival.get(pair) ?? 0)) this.#count.add('reordering');
      this.#lastArrival.set(pair, Math.max(now + delay, this.#lastArrival.get(pair) ?? 0));
      arrivals.push({ effect, delay });
    }
    return arrivals;
  }

  #happens(fault: Fault, rate: number): boolean {
    if (this.#random() >= rate) return false;
    this.#count.add(fault);
    return true;
  }

  #delay(): number {
    return this.#happens('delay', this.#rates.delay) ? DELAY + this.#random() * (MAX_DELAY - DELAY) : DELAY;
  }

  /** One bit is another. */
  #changed(effect: MobilityEffect, octets = effect.data.length): MobilityEffect {
    const data = Uint8Array.from(effect.data);
    data[Math.floor(this.#random() * octets)]! ^= 1 << Math.floor(this.#random() * 8);
    return { ...effect, data };
  }

  /** As by somebody who has no key and makes a checksum that is right. */
  #forged(effect: MobilityEffect): MobilityEffect {
    const forged = this.#changed(effect, effect.data.length - AUTHENTICATOR);
    fillChecksum(forged.data, CHECKSUM_AT, effect.src, effect.dst, NEXT_HEADER.mobility);
    return forged;
  }
}
