import type { Random } from '../../../../host/core/machine.ts';
import type { MemoryLocationStore } from '../../../../host/functions/lm/memory-store.ts';
import type {
  LocationStore,
  Registration,
  StoreAnswer,
  StoreRequest,
  StoreState,
} from '../../../../host/functions/lm/store.ts';
import type { FaultCount } from './injector.ts';

/** What a faulty store needs of the domain around it. */
export interface StorePorts {
  readonly random: Random;
  readonly count: FaultCount;
  now(): number;
  later(delay: number, action: () => void): void;
  /** Called as soon as a registration is kept, before anybody is told. */
  kept(registration: Registration): void;
}

const FAILURE = 0.05;
const LATE = 0.2;
const MAX_LATENESS = 400;

/** A server's way to a store that outlives it: requests fail, with or without effect, and answers come late. */
export class FaultyStore implements LocationStore {
  calm = false;
  readonly #store: MemoryLocationStore;
  readonly #ports: StorePorts;
  #lastAnswer = 0;

  constructor(store: MemoryLocationStore, ports: StorePorts) {
    this.#store = store;
    this.#ports = ports;
  }

  load(): StoreState {
    return this.#store.load();
  }

  submit(requests: readonly StoreRequest[], done: (answers: readonly StoreAnswer[]) => void): void {
    const { random, count } = this.#ports;
    const now = this.#ports.now();
    const fails = !this.calm && random() < FAILURE;
    let answers: readonly StoreAnswer[] = [];
    if (!fails || random() < 0.5) {
      this.#store.submit(requests, (all) => (answers = all));
      requests.forEach((request, index) => {
        if (request.type === 'commit' && answers[index]?.type === 'committed')
          this.#ports.kept(request.registration);
      });
    }
    if (fails) {
      count.add('failure of a store');
      answers = requests.map(({ id }) => ({ type: 'failed', id, reason: 'the disk is full' }));
    }
    const late = !this.calm && random() < LATE;
    if (late) count.add('late answer of a store');
    // Answers keep their order.
    this.#lastAnswer = Math.max(this.#lastAnswer, now + (late ? random() * MAX_LATENESS : 0));
    if (this.#lastAnswer > now) this.#ports.later(this.#lastAnswer - now, () => done(answers));
    else done(answers);
  }

  close(): void {
    this.#store.close();
  }
}
