import type { LocationStore, Registration, StoreAnswer, StoreRequest, StoreState } from './store.ts';

/** A store that lives as long as the process: for simulation, and the reference for durable ones. */
export class MemoryLocationStore implements LocationStore {
  readonly #registrations = new Map<string, Registration>();
  #counter: number;
  #floor: number;

  /** `state`: what it holds from the beginning. */
  constructor(state: StoreState = { registrations: [], floor: 0 }) {
    this.#floor = state.floor;
    this.#counter = state.floor;
    for (const registration of state.registrations) {
      this.#registrations.set(registration.mnId, registration);
      this.#counter = Math.max(this.#counter, registration.counter);
    }
  }

  load(): StoreState {
    return { registrations: [...this.#registrations.values()], floor: this.#floor };
  }

  submit(requests: readonly StoreRequest[], done: (answers: readonly StoreAnswer[]) => void): void {
    done(requests.map((request) => this.#carryOut(request)));
  }

  close(): void {
    this.#registrations.clear();
  }

  #carryOut(request: StoreRequest): StoreAnswer {
    const { id } = request;
    switch (request.type) {
      case 'ticket':
        return { type: 'ticket', id, counter: ++this.#counter };
      case 'commit': {
        const { registration, expected } = request;
        const current = this.#registrations.get(registration.mnId);
        if (current?.counter !== expected) return { type: 'conflict', id, current };
        this.#registrations.set(registration.mnId, registration);
        return { type: 'committed', id };
      }
      case 'forget':
        for (const mnId of request.mnIds) this.#registrations.delete(mnId);
        this.#floor = Math.max(this.#floor, request.floor);
        return { type: 'forgotten', id };
      case 'confirm':
        return { type: 'confirmed', id };
    }
  }
}
