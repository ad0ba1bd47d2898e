import type { LmClient } from './client.ts';

/** Something that the servers did, in milliseconds of `performance.now`. */
export interface Answered {
  readonly kind: 'update' | 'query';
  /** Which of the clients asked. */
  readonly client: number;
  readonly asked: number;
  readonly at: number;
}

/** Home prefixes of the MNs lie in it; a /48. */
export interface WalkSettings {
  readonly clients: readonly LmClient[];
  /** MNs that move at the same time. */
  readonly walkers: number;
  readonly prefixOf: (number: number) => string;
  readonly answered: (answered: Answered) => void;
}

/**
 * MNs that move from client to client without end and are looked for by the next one, each of them at one place at a time. What
 * the servers may not do rejects `stop`.
 */
export class Walk {
  /** Locator and counter of each MN as they were last acknowledged. */
  readonly acknowledged = new Map<string, { readonly locator: string; readonly counter: number }>();
  readonly #settings: WalkSettings;
  readonly #walkers: Promise<unknown>;
  #count = 0;
  #stopping = false;

  constructor(settings: WalkSettings) {
    this.#settings = settings;
    const walkers = Array.from({ length: settings.walkers }, (_, index) => this.#walk(index));
    this.#walkers = Promise.all(walkers);
    // Told by `stop`.
    this.#walkers.catch(() => undefined);
  }

  /** After the last answer. Rejects if a counter fell, or something acknowledged was not known or at another place. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#walkers;
  }

  async #walk(walker: number): Promise<void> {
    const { clients, walkers } = this.#settings;
    for (let step = walker; !this.#stopping; step++) {
      const at = step % clients.length;
      // Every other one is new, so that no cache has it.
      const fresh = step % 2 === 0;
      const number = fresh ? walkers + this.#count++ : walker;
      await this.#register(number, at);
      if (fresh) await this.#find(number, at, (at + 1) % clients.length);
    }
  }

  async #register(number: number, at: number): Promise<void> {
    const client = this.#settings.clients[at]!;
    const mnId = `walker${number}`;
    const before = this.acknowledged.get(mnId)?.counter ?? 0;
    for (;;) {
      const asked = performance.now();
      const counter = await client.arrive(mnId, this.#settings.prefixOf(number));
      if (counter === undefined) continue;
      if (counter <= before) throw new Error(`${mnId} had counter ${before} and got ${counter}`);
      this.acknowledged.set(mnId, { locator: client.address, counter });
      this.#settings.answered({ kind: 'update', client: at, asked, at: performance.now() });
      return;
    }
  }

  /** What is acknowledged every server knows from then on. */
  async #find(number: number, at: number, from: number): Promise<void> {
    const { clients } = this.#settings;
    const where = this.#settings.prefixOf(number).replace('/64', '1');
    for (;;) {
      const asked = performance.now();
      const { source, binding } = await clients[from]!.lookUp(where);
      if (binding?.locator === clients[at]!.address) {
        this.#settings.answered({ kind: 'query', client: from, asked, at: performance.now() });
        return;
      }
      if (binding !== undefined) throw new Error(`${where} is said to be at ${binding.locator}`);
      // A cache knows of its absence from a server alone; one that is in trouble says nothing about it.
      if (source === 'cache') throw new Error(`${where} is acknowledged, and a server does not know it`);
    }
  }
}
