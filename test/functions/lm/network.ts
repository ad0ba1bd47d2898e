import { createHmac } from 'node:crypto';
import type { Key } from '../../../host/functions/lm/association.ts';
import type { MobilityEffect } from '../../../host/functions/lm/channel.ts';
import { CLIENT_SETTINGS, LocationClient } from '../../../host/functions/lm/client/client.ts';
import type { ClientEffect, ClientEvent, ClientSettings } from '../../../host/functions/lm/client/client.ts';
import { MemoryLocationStore } from '../../../host/functions/lm/memory-store.ts';
import { LocationServer } from '../../../host/functions/lm/server/server.ts';
import type { ServerEffect, ServerEvent } from '../../../host/functions/lm/server/server.ts';
import type { ServerSettings } from '../../../host/functions/lm/server/settings.ts';
import type { LocationStore, Registration, StoreRequest } from '../../../host/functions/lm/store.ts';

/** The key of a pair of nodes, by their addresses in any order. */
export function keyOf(a: string, b: string): Key {
  const secret = [a, b].sort().join();
  return { spi: 256, hmac: (data) => createHmac('sha256', secret).update(data).digest() };
}

/** A generator of numbers in [0, 1) that a seed determines. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

type Effect = ServerEffect | ClientEffect;
type Result = Exclude<ClientEffect, { type: 'mobility' | 'timer' | 'trace' }>;

interface Node {
  step(event: never, now: number): Effect[];
  readonly timers: Map<string, number>;
  store?: LocationStore;
}

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** Servers and clients on links of 5 ms in virtual time. `tamper` may drop, change or multiply what is under way. */
export class Network {
  now = 1_767_225_600_000;
  readonly results = new Map<string, Result[]>();
  readonly sent: MobilityEffect[] = [];
  tamper: (effect: MobilityEffect) => readonly { readonly effect: MobilityEffect; readonly delay: number }[] =
    (effect) => [{ effect, delay: 5 }];
  /** Sees every event of every node together with what came of it. */
  stepped: (address: string, event: ServerEvent | ClientEvent, effects: readonly Effect[]) => void = () =>
    undefined;
  readonly #nodes = new Map<string, Node>();
  /** What each node's clock is ahead of the network's, in milliseconds; a restart keeps it. */
  readonly #skews = new Map<string, number>();
  readonly #pending: Pending[] = [];
  readonly #random: () => number;
  #order = 0;

  constructor(seed = 1) {
    this.#random = seeded(seed);
  }

  server(
    address: string,
    peers: Readonly<Record<string, 'client' | 'server'>>,
    settings: Partial<ServerSettings> = {},
    store: LocationStore = new MemoryLocationStore(),
  ): LocationServer {
    const server = new LocationServer(
      {
        name: address,
        address,
        primary: ['2001:db8::/32'],
        gateway: undefined,
        random: this.#random,
        ...settings,
        peers: Object.entries(peers).map(([peer, role]) => ({
          address: peer,
          name: peer,
          role,
          key: keyOf(address, peer),
        })),
      },
      store.load(),
      this.clock(address),
    );
    this.#nodes.set(address, { step: server.step.bind(server), timers: new Map(), store });
    this.#step(address, { type: 'start' } satisfies ServerEvent);
    return server;
  }

  client(
    address: string,
    servers: readonly string[],
    settings: Partial<ClientSettings> = {},
    maars: readonly string[] = [],
  ): LocationClient {
    const peers = (addresses: readonly string[]): ClientSettings['servers'] =>
      addresses.map((peer) => ({ address: peer, name: peer, key: keyOf(address, peer) }));
    const client = new LocationClient(
      {
        ...CLIENT_SETTINGS,
        address,
        random: this.#random,
        ...settings,
        servers: peers(servers),
        maars: peers(maars),
      },
      this.clock(address),
    );
    this.#nodes.set(address, { step: client.step.bind(client), timers: new Map() });
    this.results.set(address, []);
    return client;
  }

  /** Sets a node's clock; before the node is started for one that starts with it. */
  skew(address: string, milliseconds: number): void {
    this.#skews.set(address, milliseconds);
  }

  /** The time by a node's clock. */
  clock(address: string): number {
    return this.now + (this.#skews.get(address) ?? 0);
  }

  /** Takes a node away; what is under way to it is lost. */
  remove(address: string): void {
    this.#nodes.delete(address);
  }

  /** A server hears that another one on its store has changed a registration. */
  change(address: string, registration: Registration): void {
    this.#step(address, { type: 'changed', registration });
  }

  /** Something happens to a client; what it has to say by then, and within `wait` milliseconds. */
  tell(address: string, event: ClientEvent, wait = 100): Result[] {
    const results = this.results.get(address)!;
    const before = results.length;
    this.#step(address, event);
    this.run(wait);
    return results.slice(before);
  }

  /** Octets come to a node as from another. */
  inject(effect: MobilityEffect, delay = 0): void {
    this.later(delay, () => {
      if (this.#nodes.has(effect.dst)) this.#step(effect.dst, effect);
    });
  }

  /** Something happens in `delay` milliseconds. */
  later(delay: number, action: () => void): void {
    this.#pending.push({ at: this.now + delay, order: this.#order++, action });
  }

  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const next = this.#pending.reduce<Pending | undefined>(
        (first, each) =>
          first === undefined || each.at < first.at || (each.at === first.at && each.order < first.order)
            ? each
            : first,
        undefined,
      );
      const timer = this.#nextTimer();
      const at = Math.min(next?.at ?? Infinity, timer?.at ?? Infinity);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at === at) {
        this.#pending.splice(this.#pending.indexOf(next), 1);
        next.action();
      } else if (timer !== undefined) {
        this.#nodes.get(timer.address)!.timers.delete(timer.id);
        this.#step(timer.address, { type: 'timer', id: timer.id });
      }
    }
    this.now = end;
  }

  #nextTimer(): { address: string; id: string; at: number } | undefined {
    let first: { address: string; id: string; at: number } | undefined;
    for (const [address, { timers }] of this.#nodes) {
      const skew = this.#skews.get(address) ?? 0;
      for (const [id, own] of timers) {
        const at = own - skew;
        if (first === undefined || at < first.at) first = { address, id, at };
      }
    }
    return first;
  }

  #step(address: string, event: ServerEvent | ClientEvent): void {
    const node = this.#nodes.get(address)!;
    const requests: StoreRequest[] = [];
    const effects = node.step(event as never, this.clock(address));
    this.stepped(address, event, effects);
    for (const effect of effects) {
      switch (effect.type) {
        case 'trace':
          break;
        case 'timer':
          if (effect.at === undefined) node.timers.delete(effect.id);
          else node.timers.set(effect.id, effect.at);
          break;
        case 'mobility':
          this.sent.push(effect);
          for (const { effect: arriving, delay } of this.tamper(effect)) this.inject(arriving, delay);
          break;
        case 'ticket':
        case 'commit':
        case 'forget':
        case 'confirm':
          requests.push(effect);
          break;
        default:
          this.results.get(address)!.push(effect);
      }
    }
    if (requests.length > 0) {
      node.store!.submit(requests, (answers) => {
        // An answer that comes late is not the next life's.
        if (this.#nodes.get(address) === node) this.#step(address, { type: 'stored', answers });
      });
    }
  }
}
