import { messageOf } from '../../core/error-message.ts';
import type { MaarEffect, MaarEvent } from '../../core/maar-io.ts';
import type { LeaseStore } from '../../functions/haa/lease.ts';

type Write = Extract<MaarEffect, { readonly type: 'leases' }>;
type Answer = Extract<MaarEvent, { readonly type: 'leases' }>;

/** Carries out what a machine wants of its leases: all that one turn of the event loop brings in one transaction, one sync for all. */
export class LeaseWriter {
  readonly #store: LeaseStore;
  readonly #answer: (event: Answer) => void;
  #pending: Write[] = [];

  constructor(store: LeaseStore, answer: (event: Answer) => void) {
    this.#store = store;
    this.#answer = answer;
  }

  add(write: Write): void {
    this.#pending.push(write);
    if (this.#pending.length === 1) setImmediate(() => this.#flush());
  }

  /** Writes what waits, without an answer to anybody, and closes the store. */
  close(): void {
    const writes = this.#pending;
    this.#pending = [];
    try {
      if (writes.length > 0) this.#write(writes);
    } finally {
      this.#store.close();
    }
  }

  #flush(): void {
    const writes = this.#pending;
    if (writes.length === 0) return;
    this.#pending = [];
    let fault: { fault?: string } = {};
    try {
      this.#write(writes);
    } catch (error) {
      fault = { fault: messageOf(error) };
    }
    for (const { write } of writes) this.#answer({ type: 'leases', write, ...fault });
  }

  /** In order: what one write forgets, a later one may have put again. */
  #write(writes: readonly Write[]): void {
    const forget = new Set<string>();
    const put = new Map<string, Write['put'][number]>();
    for (const write of writes) {
      for (const prefix of write.forget) {
        put.delete(prefix);
        forget.add(prefix);
      }
      for (const record of write.put) put.set(record.prefix, record);
    }
    this.#store.write([...put.values()], [...forget]);
  }
}
