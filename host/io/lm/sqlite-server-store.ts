import type { ServerStore, StoreEvent, StoreRequest, StoreState } from '../../functions/lm/store.ts';
import { SqliteLocationStore } from './location-store.ts';

/**
 * An SQLite file as the store of one server: puts what is wanted while one batch of messages is handled into one transaction, one
 * sync for all.
 */
export class SqliteServerStore implements ServerStore {
  readonly shared = false;
  readonly state: StoreState;
  readonly #store: SqliteLocationStore;
  #dispatch: (event: StoreEvent) => void = () => undefined;
  #pending: StoreRequest[] = [];

  /** Throws as SqliteLocationStore does. */
  constructor(file: string) {
    this.#store = new SqliteLocationStore(file);
    this.state = this.#store.load();
  }

  start(dispatch: (event: StoreEvent) => void): void {
    this.#dispatch = dispatch;
  }

  add(request: StoreRequest): void {
    this.#pending.push(request);
    if (this.#pending.length === 1) setImmediate(() => this.#flush());
  }

  async close(): Promise<void> {
    this.#flush();
    this.#store.close();
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const requests = this.#pending;
    this.#pending = [];
    this.#store.submit(requests, (answers) => this.#dispatch({ type: 'stored', answers }));
  }
}
