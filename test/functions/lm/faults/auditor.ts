import type { ClientEffect, ClientEvent } from '../../../../host/functions/lm/client/client.ts';
import { LM_STATUS } from '../../../../host/functions/lm/messages/constants.ts';
import type { Binding, LocationMessage } from '../../../../host/functions/lm/messages/message.ts';
import { parseLocation } from '../../../../host/functions/lm/messages/parse.ts';
import type { MobilityEffect } from '../../../../host/functions/lm/channel.ts';
import type {
  LocationServer,
  ServerEffect,
  ServerEvent,
} from '../../../../host/functions/lm/server/server.ts';
import type { LocationClient } from '../../../../host/functions/lm/client/client.ts';
import type { Registration, StoreState } from '../../../../host/functions/lm/store.ts';
import { prefixesOf } from '../../../../host/functions/lm/table.ts';
import { contains } from '../../../../host/wire/address.ts';
import { parseMobility } from '../../../../host/wire/mobility/message.ts';
import { MAX_DELAY } from './injector.ts';
import { holds } from './invariants.ts';
import type { PlacedServer, Plan } from './placement.ts';

/** How far the clocks of servers are apart at most, in milliseconds; those of MAARs may be any time apart. */
export const SERVER_SKEW = 1_000;
/** What a binding may outlive its registration by: two messages under way, two clocks, a rounded second. */
const GRACE = 2 * MAX_DELAY + 2 * SERVER_SKEW + 1_000;

type Node = LocationServer | LocationClient;
type Event = ServerEvent | ClientEvent;
type Effect = ServerEffect | ClientEffect;

/** A counter, and until when it is to be believed in by the clock of the domain. */
interface Believed {
  readonly counter: number;
  readonly until: number;
}

interface Promised extends Believed {
  /** What the MN's home server had when its own network's server promised; it may hear of a later one. */
  readonly atHome: number;
}

/** Sees every step of every node of a domain, and holds it to the invariants. */
export class Auditor {
  readonly #plan: Plan;
  readonly #now: () => number;
  readonly #load: (store: string) => StoreState;
  readonly #sent = new Set<string>();
  /**
   * Octets that each node took since its start. What came before a restart may count again where the sender's clock is ahead;
   * counters see to it that it changes nothing.
   */
  readonly #taken = new Map<Node, Set<string>>();
  readonly #received = new Map<Node, number>();
  /** Until when each registration was in force, by name. */
  readonly #ends = new Map<string, number>();
  /** By store and MN. */
  readonly #highest = new Map<string, number>();
  readonly #promised = new Map<string, Promised>();
  /** MNs and counters that somebody asked to de-register. */
  readonly #ended = new Set<string>();
  /** By server and MN, since its start. */
  readonly #shown = new Map<Node, Map<string, number>>();
  /** By client and prefix: the counter of what it was told last. */
  readonly #believed = new Map<Node, Map<string, Believed>>();

  constructor(plan: Plan, now: () => number, load: (store: string) => StoreState) {
    this.#plan = plan;
    this.#now = now;
    this.#load = load;
  }

  /** A store has kept a registration of a server whose clock is `skew` ahead. */
  kept(store: string, registration: Registration, skew: number): void {
    const { mnId, counter, locator, expires } = registration;
    const key = `${store} ${mnId}`;
    const highest = this.#highest.get(key) ?? 0;
    holds(counter >= highest, 'counter', () => `${mnId} fell from ${highest} to ${counter} in the store`);
    this.#highest.set(key, counter);
    for (const prefix of prefixesOf(registration)) {
      const name = this.#nameOf(prefix, counter, locator);
      this.#ends.set(name, Math.max(this.#ends.get(name) ?? 0, expires - skew));
    }
  }

  /** A node sends a message. */
  sent(effect: MobilityEffect): void {
    this.#sent.add(octetsOf(effect));
    const message = messageOf(effect);
    if (message?.kind === 'PBU' && message.lifetimeSeconds === 0)
      this.#ended.add(`${message.mnId} ${message.counter}`);
  }

  server(address: string, server: LocationServer, event: Event, effects: readonly Effect[]): void {
    const { counters, registrations } = server.view(this.#now());
    this.#exchanged(address, server, event, Object.entries(counters));
    const shown = this.#shown.get(server) ?? new Map<string, number>();
    this.#shown.set(server, shown);
    for (const { mnId, counter } of registrations) {
      const before = shown.get(mnId) ?? 0;
      holds(counter >= before, 'counter', () => `${mnId} fell from ${before} to ${counter} at ${address}`);
      shown.set(mnId, counter);
    }
    for (const effect of effects) if (effect.type === 'mobility') this.#promise(address, effect);
  }

  client(address: string, client: LocationClient, event: Event, effects: readonly Effect[]): void {
    this.#exchanged(address, client, event, [...client.counters]);
    const believed = this.#believed.get(client) ?? new Map<string, Believed>();
    this.#believed.set(client, believed);
    if (event.type === 'stale' || event.type === 'register' || event.type === 'detach') believed.clear();
    for (const effect of effects) {
      if (effect.type === 'attached' && effect.binding !== undefined) this.#truthful(address, effect.binding);
      if (effect.type !== 'located') continue;
      const { binding, source, where } = effect;
      const prefix = this.#prefixAround(where);
      if (binding === undefined) {
        believed.delete(prefix);
        continue;
      }
      this.#truthful(address, binding);
      const last = believed.get(prefix);
      const { counter } = binding;
      holds(
        last === undefined || last.until <= this.#now() || counter >= last.counter,
        'counter',
        () => `${address} goes back from ${last?.counter} to ${counter} for ${prefix}, by ${source}`,
      );
      believed.set(prefix, { counter, until: this.#now() + binding.lifetimeSeconds * 1000 });
    }
  }

  /** Looks at what the stores have of all that was promised. */
  check(): void {
    for (const [key, { counter, until, atHome }] of this.#promised) {
      if (until <= this.#now()) continue;
      const [store = '', mnId = ''] = key.split(' ');
      const registration = this.#load(store).registrations.find((each) => each.mnId === mnId);
      const inCharge =
        registration?.ended === true ? `${registration.counter}, ended` : registration?.counter;
      const kept =
        registration !== undefined &&
        (registration.counter > counter || (registration.counter === counter && !registration.ended));
      // Its own counter's or that of a later one, which was there before it went and may be forgotten by now.
      const latest = Math.max(counter, this.#highest.get(key) ?? 0);
      const ended =
        this.#ended.has(`${mnId} ${latest}`) ||
        this.#ended.has(`${mnId} ${counter}`) ||
        this.#highestAtHome(mnId) > atHome ||
        this.#leftNetwork(store, mnId);
      holds(
        kept || ended,
        'acknowledged',
        () => `${mnId} with counter ${counter}; the store has ${inCharge ?? 'nothing'}`,
      );
    }
  }

  #exchanged(
    address: string,
    node: Node,
    event: Event,
    counters: readonly (readonly [string, number])[],
  ): void {
    const received = counters.reduce((sum, [name, n]) => (name.startsWith('received-') ? sum + n : sum), 0);
    const took = received > (this.#received.get(node) ?? 0);
    this.#received.set(node, received);
    if (!took || event.type !== 'mobility') return;
    const octets = octetsOf(event);
    holds(this.#sent.has(octets), 'authentic', () => `${address} took what ${event.src} never sent`);
    const taken = this.#taken.get(node) ?? new Set<string>();
    this.#taken.set(node, taken);
    holds(!taken.has(octets), 'once', () => `${address} took the same octets of ${event.src} twice`);
    taken.add(octets);
  }

  /** An acknowledgement is a promise of the store that keeps the registration. */
  #promise(address: string, effect: MobilityEffect): void {
    const message = messageOf(effect);
    if (message?.kind !== 'PBA' || message.status !== LM_STATUS.accepted || message.lifetimeSeconds === 0)
      return;
    const { mnId, counter } = message;
    const server = this.#plan.servers.find((each) => each.address === address)!;
    const { store } = server.gateway === undefined ? homeOf(this.#plan, message) : server;
    const registration = this.#load(store).registrations.find((each) => each.mnId === mnId);
    if (registration !== undefined && registration.counter > counter) return;
    holds(
      registration?.counter === counter,
      'acknowledged',
      () => `${mnId} with counter ${counter}; the store has ${registration?.counter ?? 'nothing'}`,
    );
    const key = `${store} ${mnId}`;
    const last = this.#promised.get(key);
    this.#promised.set(key, {
      counter,
      until: this.#endOf(registration) - GRACE,
      // A refreshment that is acknowledged here may be too late at home.
      atHome: last?.counter === counter ? last.atHome : this.#highestAtHome(mnId),
    });
  }

  /** Behind a gateway bindings of other networks go by counters of their own. */
  #nameOf(prefix: string, counter: number, locator: string): string {
    return this.#plan.placement === 'hierarchy' ? `${prefix} ${locator}` : `${prefix} ${counter} ${locator}`;
  }

  #endOf({ prefixes, counter, locator }: Registration): number {
    return this.#ends.get(this.#nameOf(prefixes[0]!, counter, locator)) ?? 0;
  }

  /** Whether an MN's home server believes it to be elsewhere than in the network of a gateway, which may hear of that late. */
  #leftNetwork(store: string, mnId: string): boolean {
    const { gateway } = this.#plan.servers.find((each) => each.store === store)!;
    const home = homeOf(
      this.#plan,
      this.#plan.mns.find((each) => each.mnId === mnId)!,
    ).store;
    const there = this.#load(home).registrations.find((each) => each.mnId === mnId);
    return gateway !== undefined && home !== store && there?.locator !== gateway;
  }

  #highestAtHome(mnId: string): number {
    const mn = this.#plan.mns.find((each) => each.mnId === mnId)!;
    return this.#highest.get(`${homeOf(this.#plan, mn).store} ${mnId}`) ?? 0;
  }

  /** The prefix of an MN in which an address or prefix lies. */
  #prefixAround(where: string): string {
    const all = this.#plan.mns.flatMap(prefixesOf);
    return all.find((prefix) => contains(prefix, where)) ?? where;
  }

  /** What a MAAR is told is, or was, a registration, and is not said to live longer than that. */
  #truthful(address: string, binding: Binding): void {
    const { counter, locator, lifetimeSeconds } = binding;
    for (const prefix of prefixesOf(binding)) {
      const end = this.#ends.get(this.#nameOf(prefix, counter, locator));
      holds(
        end !== undefined,
        'authentic',
        () => `${address} believes ${prefix} at ${locator} with counter ${counter}, which nobody registered`,
      );
      const excess = (this.#now() + Math.max(0, lifetimeSeconds) * 1000 - end - GRACE) / 1000;
      holds(excess <= 0, 'lifetime', () => `${address} keeps ${prefix} at ${locator} ${excess} s too long`);
    }
  }
}

/** The primary server of an MN's prefixes. */
function homeOf(plan: Plan, { prefixes }: Pick<Registration, 'prefixes'>): PlacedServer {
  return plan.servers.find(({ primary }) => primary.some((prefix) => contains(prefix, prefixes[0]!)))!;
}

function messageOf({ src, dst, data }: MobilityEffect): LocationMessage | undefined {
  const mobility = parseMobility(data, src, dst);
  const message = mobility.ok ? parseLocation(mobility.value) : 'other';
  return message !== 'other' && message.ok ? message.value : undefined;
}

function octetsOf({ src, dst, data }: MobilityEffect): string {
  return `${src} ${dst} ${Buffer.from(data).toString('hex')}`;
}
