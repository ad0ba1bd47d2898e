/** Gives up the thread until every task that can run has run (a macrotask of the host's event loop). */
export type Settle = () => Promise<void>;

/** Cancels what was scheduled; does nothing once it has run. */
export type Cancel = () => void;

interface Item {
  readonly at: number;
  /** Orders items of one instant as they were scheduled. */
  readonly serial: number;
  action: (() => void) | undefined;
}

/**
 * Virtual clock and event queue. Time stands still except while some task awaits `sleep` or `until`: then events run in
 * order of time, and of scheduling within one instant, until a sleeper is due; that task runs until it sleeps
 * again before the next event. Tasks may await nothing else that takes real time, or the order would depend on it.
 */
export class Scheduler {
  readonly #settle: Settle;
  readonly #heap: Item[] = [];
  #now = 0;
  #serial = 0;
  #sleeping = 0;
  /** Sleepers woken so far. */
  #wakes = 0;
  #running = false;
  #failure: Error | undefined;
  #fail: ((error: Error) => void)[] = [];

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now;
  }

  /** Runs `action` at time `at`, or now if that has passed, but never before the caller returns. */
  at(at: number, action: () => void): Cancel {
    const item: Item = { at: Math.max(at, this.#now), serial: this.#serial++, action };
    this.#push(item);
    return () => {
      item.action = undefined;
    };
  }

  after(delay: number, action: () => void): Cancel {
    return this.at(this.#now + delay, action);
  }

  /** Resolves `ms` later. Rejects, like every other sleeper, with what an event threw. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#sleeping++;
      this.#fail.push(reject);
      this.after(ms, () => {
        this.#sleeping--;
        this.#fail.splice(this.#fail.indexOf(reject), 1);
        this.#wakes++;
        resolve();
      });
      if (!this.#running) void this.#run();
    });
  }

  /** Looks at `condition` every millisecond until it holds; rejects with `what` after `ms`. */
  async until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = this.#now + ms;
    while (!(await condition())) {
      if (this.#now >= deadline) throw new Error(`${what}: not within ${ms} ms (now ${this.#now})`);
      await this.sleep(1);
    }
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      await this.#settle();
      while (this.#sleeping > 0) {
        this.#runToWake();
        await this.#settle();
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      for (const reject of this.#fail) reject(this.#failure);
    } finally {
      this.#running = false;
    }
  }

  /** A sleeper is an event itself, so while there is one the queue does not run dry. */
  #runToWake(): void {
    const wakes = this.#wakes;
    while (this.#wakes === wakes) this.#next();
  }

  #next(): void {
    const item = this.#pop();
    if (item?.action === undefined) return;
    this.#now = item.at;
    const action = item.action;
    item.action = undefined;
    action();
  }

  #push(item: Item): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(item, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = item;
  }

  #pop(): Item | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || top === last) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function before(a: Item, b: Item): boolean {
  return a.at < b.at || (a.at === b.at && a.serial < b.serial);
}
