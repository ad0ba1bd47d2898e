import type { SessionRecord, Store } from './store.ts';

/** A store that lives as long as the process: for the simulation, and the reference for the durable one. */
export class MemoryStore implements Store {
  readonly #sessions = new Map<string, SessionRecord>();
  /** Sessions of each MN by counter, ascending. */
  readonly #nodes = new Map<string, SessionRecord[]>();
  #undo: (() => void)[] = [];

  transaction<T>(body: () => T): T {
    this.#undo = [];
    try {
      return body();
    } catch (error) {
      for (const step of this.#undo.reverse()) step();
      throw error;
    }
  }

  session(sessionId: string): SessionRecord | undefined {
    return this.#sessions.get(sessionId);
  }

  current(mnId: string): SessionRecord | undefined {
    return this.#nodes.get(mnId)?.at(-1);
  }

  currents(): SessionRecord[] {
    return [...this.#nodes.keys()].sort().map((mnId) => this.current(mnId)!);
  }

  put(record: SessionRecord): void {
    const { mnId, sessionId } = record;
    const others = (this.#nodes.get(mnId) ?? []).filter((each) => each.sessionId !== sessionId);
    this.#replace(
      mnId,
      [...others, record].sort((a, b) => a.counter - b.counter),
    );
  }

  prune(mnId: string, counter: number): void {
    const kept = (this.#nodes.get(mnId) ?? []).filter((each) => each.counter >= counter);
    this.#replace(mnId, kept);
  }

  close(): void {
    this.#sessions.clear();
    this.#nodes.clear();
  }

  #replace(mnId: string, records: SessionRecord[]): void {
    const before = this.#nodes.get(mnId) ?? [];
    this.#set(mnId, before, records);
    this.#undo.push(() => this.#set(mnId, records, before));
  }

  #set(mnId: string, old: readonly SessionRecord[], records: SessionRecord[]): void {
    for (const { sessionId } of old) this.#sessions.delete(sessionId);
    for (const record of records) this.#sessions.set(record.sessionId, record);
    if (records.length > 0) this.#nodes.set(mnId, records);
    else this.#nodes.delete(mnId);
  }
}
