import type {
  Random,
  StreamEffect,
  StreamEvent,
  TimerEffect,
  TimerEvent,
  TraceEffect,
} from '../../host/core/machine.ts';

type Effect = StreamEffect | TimerEffect | TraceEffect;

/** A node of the network: anything that takes stream and timer events. */
export interface Node {
  step(event: StreamEvent | TimerEvent, now: number): readonly Effect[];
}

interface End {
  readonly node: string;
  readonly stream: string;
}

export interface TraceLine extends TraceEffect {
  readonly at: number;
  readonly node: string;
}

/** Seeded uniform numbers (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * Nodes joined by byte streams with a fixed delay, in virtual time. Segments are cut at seeded places;
 * `intercept` may cut a connection around any segment.
 */
export class Net {
  now = 1_000_000;
  readonly trace: TraceLine[] = [];
  /** Called for each segment before and after it reaches its node; true resets the connection there. */
  intercept: (when: 'before' | 'after', to: string, data: Uint8Array) => boolean = () => false;
  readonly #random: Random;
  readonly #nodes = new Map<string, Node>();
  readonly #timers = new Map<string, { readonly at: number; readonly node: string; readonly id: string }>();
  readonly #peers = new Map<string, End>();
  #events: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  #accepted = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Listens under its own name as the host. */
  add(name: string, node: Node): void {
    this.#nodes.set(name, node);
  }

  /** The process dies: its connections are reset, its timers gone. */
  remove(name: string): void {
    this.#nodes.delete(name);
    for (const [key, timer] of this.#timers) if (timer.node === name) this.#timers.delete(key);
    for (const [key, peer] of this.#peers) {
      if (key.startsWith(`${name}|`)) this.#reset(peer, 'reset');
    }
  }

  apply(node: string, effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'trace':
          this.trace.push({ ...effect, at: this.now, node });
          break;
        case 'timer': {
          const key = `${node}|${effect.id}`;
          if (effect.at === undefined) this.#timers.delete(key);
          else this.#timers.set(key, { at: effect.at, node, id: effect.id });
          break;
        }
        case 'stream.open':
          this.#open({ node, stream: effect.stream }, effect.host);
          break;
        case 'stream.send':
          this.#send({ node, stream: effect.stream }, effect.data);
          break;
        case 'stream.close': {
          const end = { node, stream: effect.stream };
          const peer = this.#peers.get(key(end));
          this.#peers.delete(key(end));
          if (peer !== undefined) this.#later(() => this.#reset(peer, 'closed by the peer'));
        }
      }
    }
  }

  /** Runs until nothing is left before `until`. */
  run(until: number): void {
    for (;;) {
      const timer = [...this.#timers.values()].reduce<{ at: number; node: string; id: string } | undefined>(
        (first, each) => (first === undefined || each.at < first.at ? each : first),
        undefined,
      );
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      const event = this.#events[0];
      const next = Math.min(timer?.at ?? Infinity, event?.at ?? Infinity);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (event !== undefined && event.at === next) {
        this.#events.shift();
        event.run();
      } else {
        this.#timers.delete(`${timer!.node}|${timer!.id}`);
        this.#step(timer!.node, { type: 'timer', id: timer!.id });
      }
    }
    this.now = until;
  }

  /** Names of messages that were sent, "AAR>server". */
  sent(): string[] {
    return this.trace.filter(({ what }) => what === 'send').map(({ message, node }) => `${node}:${message}`);
  }

  #later(run: () => void, delay = 10): void {
    this.#events.push({ at: this.now + delay, order: this.#order++, run });
  }

  #open(end: End, host: string): void {
    this.#later(() => {
      if (!this.#nodes.has(host)) {
        this.#step(end.node, { type: 'stream.closed', stream: end.stream, reason: 'connection refused' });
        return;
      }
      const accepted = { node: host, stream: `in-${++this.#accepted}` };
      this.#peers.set(key(end), accepted);
      this.#peers.set(key(accepted), end);
      this.#step(host, { type: 'stream.opened', stream: accepted.stream, remote: end.node });
      this.#step(end.node, { type: 'stream.opened', stream: end.stream, remote: host });
    });
  }

  #send(end: End, data: Uint8Array): void {
    const cut = Math.floor(this.#random() * (data.length + 1));
    for (const part of [data.slice(0, cut), data.slice(cut)]) {
      if (part.length > 0) this.#later(() => this.#arrive(end, part));
    }
  }

  #arrive(from: End, data: Uint8Array): void {
    const to = this.#peers.get(key(from));
    if (to === undefined) return;
    if (this.intercept('before', to.node, data)) {
      this.#break(from, to);
      return;
    }
    this.#step(to.node, { type: 'stream.data', stream: to.stream, data });
    if (this.intercept('after', to.node, data)) this.#break(from, to);
  }

  #break(from: End, to: End): void {
    this.#reset(to, 'reset');
    this.#reset(from, 'reset');
  }

  #reset(end: End, reason: string): void {
    if (!this.#peers.delete(key(end))) return;
    this.#step(end.node, { type: 'stream.closed', stream: end.stream, reason });
  }

  #step(name: string, event: StreamEvent | TimerEvent): void {
    const node = this.#nodes.get(name);
    if (node !== undefined) this.apply(name, node.step(event, this.now));
  }
}

function key(end: End): string {
  return `${end.node}|${end.stream}`;
}
