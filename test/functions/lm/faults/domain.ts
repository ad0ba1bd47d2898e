import type { Random } from '../../../../host/core/machine.ts';
import type { LocationClient } from '../../../../host/functions/lm/client/client.ts';
import type { ClientEvent } from '../../../../host/functions/lm/client/client.ts';
import { LM_STATUS } from '../../../../host/functions/lm/messages/constants.ts';
import type { Binding } from '../../../../host/functions/lm/messages/message.ts';
import { MemoryLocationStore } from '../../../../host/functions/lm/memory-store.ts';
import type { LocationServer } from '../../../../host/functions/lm/server/server.ts';
import type { Registration } from '../../../../host/functions/lm/store.ts';
import { seededRandom } from '../../../../host/sim/random.ts';
import { Network } from '../network.ts';
import { Auditor, SERVER_SKEW } from './auditor.ts';
import { FaultyStore } from './faulty-store.ts';
import { FaultCount, Injector } from './injector.ts';
import { holds } from './invariants.ts';
import type { Invariant } from './invariants.ts';
import { drawPlan } from './placement.ts';
import type { MobileNode, PlacedServer, Plan } from './placement.ts';

/** Clocks of MAARs: most nearly right, some a minute apart, some hours. */
const CLIENT_SKEWS = [3_000, 3_000, 3_000, 60_000, 10_000_000];
const MAX_WATCH_DELAY = 300;
/** A packet sent to the wrong MAAR is known to be lost after so long. */
const ROUND_TRIP = 100;
/** MAARs that a packet may pass before its hop limit counts as used up. */
const MAX_HOPS = 8;

/** One domain of location management that a seed determines: who is where, what goes wrong, and what must hold. */
export class RandomDomain {
  readonly count = new FaultCount();
  readonly plan: Plan;
  readonly network: Network;
  readonly auditor: Auditor;
  readonly #random: Random;
  readonly #injector: Injector;
  readonly #stores = new Map<string, MemoryLocationStore>();
  readonly #ways = new Map<string, FaultyStore>();
  readonly #servers = new Map<string, LocationServer>();
  readonly #clients = new Map<string, LocationClient>();
  /** Where each MN is; absent while it is nowhere. */
  readonly #at = new Map<string, string>();
  /** When each server hears of the last change that others made. */
  readonly #watched = new Map<string, number>();
  /** Results of each client that were dealt with. */
  readonly #followed = new Map<string, number>();
  #calm = false;

  constructor(seed: number) {
    this.#random = seededRandom(seed, 'domain');
    this.plan = drawPlan(seededRandom(seed, 'plan'));
    this.network = new Network(seed);
    this.#injector = new Injector(seededRandom(seed, 'messages'), this.count);
    for (const { store } of this.plan.servers) this.#stores.set(store, new MemoryLocationStore());
    this.auditor = new Auditor(
      this.plan,
      () => this.network.now,
      (store) => this.#stores.get(store)!.load(),
    );
    this.network.tamper = (effect) => {
      this.auditor.sent(effect);
      return this.#injector.tamper(effect, this.network.now);
    };
    this.network.stepped = (address, event, effects) => {
      const server = this.#servers.get(address);
      const client = this.#clients.get(address);
      if (server !== undefined) this.auditor.server(address, server, event, effects);
      if (client !== undefined) this.auditor.client(address, client, event, effects);
    };
    for (const server of this.plan.servers) this.#startServer(server);
    for (const address of this.plan.maars.keys()) this.#startClient(address);
  }

  /** One MN moves, something breaks, and time passes. */
  round(): void {
    this.#move(this.#pick(this.plan.mns));
    if (this.#random() < 0.3) this.#partition();
    if (this.#random() < 0.15) this.#restartServer(this.#pick(this.plan.servers));
    if (this.#random() < 0.1) this.#restartClient(this.#pick([...this.plan.maars.keys()]));
    const calm = this.#random() < 0.05;
    for (let step = 0; step < 10; step++) {
      this.#run(this.#random() * (calm ? 100_000 : 500));
      const mn = this.#pick(this.plan.mns);
      this.#send(this.#pick([...this.plan.maars.keys()]), mn, this.#pick(mn.addresses));
    }
  }

  /** Nothing goes wrong any more; everyone is found, and once more after all have moved. */
  settle(): void {
    this.#calm = true;
    this.#injector.calm = true;
    for (const way of this.#ways.values()) way.calm = true;
    for (const mn of this.plan.mns) {
      const at = this.#at.get(mn.mnId) ?? this.#pick([...this.plan.maars.keys()]);
      this.#attach(at, mn);
    }
    // Longer than any registration lives: what nobody refreshes is gone by then.
    for (let step = 0; step < 350; step++) this.#run(2_000);
    this.#expectFound();
    // Everyone moves once more while all caches know where it was.
    for (const mn of this.plan.mns) this.#attach(this.#pick([...this.plan.maars.keys()]), mn);
    for (let step = 0; step < 5; step++) this.#run(ROUND_TRIP);
    for (const mn of this.plan.mns) {
      for (const where of mn.addresses) {
        for (const maar of this.plan.maars.keys()) {
          this.#warm(maar, mn, where, ROUND_TRIP);
          this.#expect('blackHole', maar, mn, where);
        }
      }
    }
    this.#expectFound();
  }

  #expectFound(): void {
    for (const mn of this.plan.mns) {
      for (const where of mn.addresses) {
        for (const maar of this.plan.maars.keys()) {
          this.#warm(maar, mn, where, 5_000);
          this.#expect('found', maar, mn, where);
        }
      }
    }
  }

  /** A packet goes as far as somebody knows the way; there, and at a gateway behind, the query runs. */
  #warm(maar: string, mn: MobileNode, where: string, wait: number): void {
    for (let router = 0; router < (this.plan.placement === 'hierarchy' ? 2 : 1); router++) {
      this.#send(maar, mn, where);
      this.#run(wait);
    }
  }

  #expect(invariant: Invariant, from: string, mn: MobileNode, where: string): void {
    const path = this.#send(from, mn, where);
    const at = this.#at.get(mn.mnId);
    holds(
      path.at(-1) === at,
      invariant,
      () => `packets to ${where}, which is at ${at}, go ${path.join(', ')}`,
    );
  }

  #run(milliseconds: number): void {
    this.network.run(milliseconds);
    for (const maar of this.plan.maars.keys()) this.#follow(maar);
    this.auditor.check();
  }

  #move(mn: MobileNode): void {
    const from = this.#at.get(mn.mnId);
    const to = this.#pick([...this.plan.maars.keys()]);
    if (from !== undefined && from !== to) {
      // Most departures are noticed at once, some late, some never.
      const noticed = this.#random();
      const detach = (): void => {
        if (this.#at.get(mn.mnId) !== from) this.network.tell(from, { type: 'detach', mnId: mn.mnId }, 0);
      };
      if (noticed < 0.6) {
        this.#at.delete(mn.mnId);
        detach();
      } else if (noticed < 0.85) this.network.later(this.#random() * 20_000, detach);
    }
    this.#attach(to, mn);
  }

  #attach(maar: string, { mnId, prefixes }: MobileNode): void {
    this.#at.set(mnId, maar);
    this.network.tell(maar, { type: 'attach', mnId, where: prefixes[0]! }, 0);
  }

  /** Does what a MAAR does with the answers of its client. */
  #follow(maar: string): void {
    const results = this.network.results.get(maar)!;
    const from = this.#followed.get(maar) ?? 0;
    this.#followed.set(maar, results.length);
    for (const result of results.slice(from)) {
      if (result.type === 'located' || result.type === 'asked' || result.type === 'context') continue;
      const mn = this.plan.mns.find(({ mnId }) => mnId === result.mnId)!;
      if (this.#at.get(mn.mnId) !== maar) continue;
      if (result.type === 'attached') {
        const { mnId, prefixes, delegated } = mn;
        const { counter } = result;
        this.network.tell(maar, { type: 'register', mnId, counter, prefixes, delegated }, 0);
      } else if (result.type === 'unreachable' || result.status === LM_STATUS.superseded) {
        this.#attach(maar, mn);
      }
    }
  }

  /** A packet from a host at a MAAR, handed on as each MAAR knows; the MAARs that it came to. */
  #send(from: string, mn: MobileNode, where: string): string[] {
    const path = [from];
    for (let maar = from; this.#at.get(mn.mnId) !== maar;) {
      const next = this.#knows(maar, where)?.locator;
      // A MAAR that is told of itself has lost the MN, and nobody knows yet.
      if (next === undefined || next === maar) break;
      // News of two networks with gateways can cross: until both have come, packets may go in a circle.
      const crossing = this.plan.placement === 'hierarchy' && !this.#calm;
      if (crossing && path.includes(next)) break;
      holds(!path.includes(next), 'loop', () => `packets for ${mn.mnId} go ${[...path, next].join(', ')}`);
      path.push(next);
      if (this.#at.get(mn.mnId) !== next) this.#strays(maar, next, where);
      maar = next;
      if (path.length > MAX_HOPS) break;
    }
    return path;
  }

  #knows(maar: string, where: string): Binding | undefined {
    const answer = this.network
      .tell(maar, { type: 'lookup', where }, 0)
      .find((result) => result.type === 'located');
    return answer?.type === 'located' ? answer.binding : undefined;
  }

  /** A packet has come to a MAAR that does not have the MN: it redirects, or says so. */
  #strays(sender: string, wrong: string, where: string): void {
    const known = this.#knows(wrong, where);
    const gateways = this.plan.servers.map(({ gateway }) => gateway);
    // It is what a gateway is there for.
    if (known !== undefined && known.locator !== wrong && gateways.includes(wrong)) return;
    const told: ClientEvent = { type: 'stale', where, locator: wrong };
    const redirects = this.plan.maars.get(wrong)!.maars.includes(sender) && this.#random() < 0.5;
    if (known !== undefined && known.locator !== wrong && redirects) {
      this.network.tell(wrong, { type: 'redirect', to: sender, binding: known }, 0);
    } else if (this.#calm || this.#random() < 0.7) {
      this.network.later(10, () => this.network.tell(sender, told, 0));
    }
  }

  #partition(): void {
    const kind = this.#pick([
      'partition of client and server',
      'partition of servers',
      'partition of clients',
    ] as const);
    const maars = [...this.plan.maars.keys()];
    const servers = this.plan.servers.map(({ address }) => address);
    const some = kind === 'partition of servers' ? servers : maars;
    const one = this.#pick(some);
    const others = (kind === 'partition of clients' ? maars : servers).filter((each) => each !== one);
    if (others.length === 0) return;
    const two = this.#pick(others);
    this.count.add(kind);
    this.#injector.partition(one, two, this.network.now + 1_000 + this.#random() * 60_000);
  }

  #restartServer(server: PlacedServer): void {
    this.count.add('restart of a server');
    this.network.remove(server.address);
    this.#servers.delete(server.address);
    this.#run(this.#random() * 5_000);
    this.#startServer(server);
  }

  #restartClient(address: string): void {
    this.count.add('restart of a client');
    this.network.remove(address);
    this.#startClient(address);
    for (const mn of this.plan.mns) if (this.#at.get(mn.mnId) === address) this.#attach(address, mn);
  }

  #startServer({ address, store, primary, gateway, peers }: PlacedServer): void {
    this.count.add('clock skew');
    const skew = (this.#random() * 2 - 1) * SERVER_SKEW;
    const way = new FaultyStore(this.#stores.get(store)!, {
      random: this.#random,
      count: this.count,
      now: () => this.network.now,
      later: (delay, action) => this.network.later(delay, action),
      kept: (registration) => {
        this.auditor.kept(store, registration, skew);
        this.#watch(address, store, registration);
      },
    });
    way.calm = this.#calm;
    this.#ways.set(address, way);
    this.network.skew(address, skew);
    this.#servers.set(address, this.network.server(address, peers, { primary, gateway }, way));
  }
  #startClient(address: string): void {
    this.count.add('clock skew');
    this.network.skew(address, (this.#random() * 2 - 1) * this.#pick(CLIENT_SKEWS));
    this.#followed.delete(address);
    const { servers, maars } = this.plan.maars.get(address)!;
    this.#clients.set(address, this.network.client(address, servers, {}, maars));
  }

  /** The other servers on a store hear of a change, in order and somewhat later. */
  #watch(by: string, store: string, registration: Registration): void {
    for (const { address, store: theirs } of this.plan.servers) {
      const server = this.#servers.get(address);
      if (theirs !== store || address === by || server === undefined) continue;
      const delay = this.#calm ? 0 : this.#random() * MAX_WATCH_DELAY;
      const at = Math.max(this.#watched.get(address) ?? 0, this.network.now + delay);
      this.#watched.set(address, at);
      this.network.later(at - this.network.now, () => {
        if (this.#servers.get(address) === server) this.network.change(address, registration);
      });
    }
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }
}
