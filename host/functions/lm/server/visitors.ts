import type { Address } from '../../../../bindings/entries.ts';
import type { Channel } from '../channel.ts';
import { LM_STATUS } from '../messages/constants.ts';
import type { Binding, ProxyBindingUpdate } from '../messages/message.ts';
import { prefixesOf } from '../table.ts';
import type { Upstream } from './upstream.ts';

/** An MN that is registered with its home server as being in this network. */
interface Kept {
  readonly mnId: string;
  readonly counter: number;
  readonly prefixes: string;
  /** When to register and subscribe again: at half of what ends first. */
  readonly renew: number;
  readonly until: number;
}

/** What was known when a counter of this network was handed out for a visitor. */
interface Arrival {
  /** The network had the MN already: then its home server handed out nothing. */
  readonly wasHere: boolean;
  /** The counter that a home server handed out for this arrival. */
  readonly home: Address | undefined;
  readonly ticket: number | undefined;
}

/** What the server does about its visitors' home servers. */
export interface VisitorPorts {
  /** Where other networks send packets for visitors. */
  readonly gateway: Address;
  /** Seconds for which to be told of visitors that move to another network. */
  readonly subscription: number;
  /** A home server has taken the registration behind the one with this counter of ours. */
  registered(update: ProxyBindingUpdate, theirs: number, ours: number): void;
  /** The MN is registered elsewhere since: its registration here is to end. */
  lost(mnId: string, counter: number): void;
}

/** A first registration with a home server that is under way, and who else waits for it: the update was sent again. */
interface Underway {
  readonly ours: number;
  readonly until: number;
  readonly waiting: ((status: number) => void)[];
}

/** A request that a later one took the place of is never answered: after so long, in milliseconds, it counts for nothing. */
const UNDERWAY = 60_000;
/** Arrivals remembered until their update comes. */
const MAX_ARRIVALS = 65_536;

/** The MNs from other networks that are in this one, as their home servers know them (hierarchy: Chan 7). */
export class Visitors {
  readonly #channel: Channel;
  readonly #upstream: Upstream;
  readonly #ports: VisitorPorts;
  /** By home server and MN. */
  readonly #kept = new Map<string, Kept>();
  /** By home server and MN. */
  readonly #underway = new Map<string, Underway>();
  /** By MN and counter of this network. */
  readonly #arrivals = new Map<string, Arrival>();

  constructor(channel: Channel, upstream: Upstream, ports: VisitorPorts) {
    this.#channel = channel;
    this.#upstream = upstream;
    this.#ports = ports;
  }

  /** A counter of this network was handed out for an MN that has come. */
  arrived(mnId: string, counter: number, arrival: Arrival): void {
    this.#arrivals.set(`${mnId} ${counter}`, arrival);
    if (this.#arrivals.size <= MAX_ARRIVALS) return;
    const oldest = this.#arrivals.keys().next().value;
    if (oldest !== undefined) this.#arrivals.delete(oldest);
  }

  /** Whether the home server has said that the MN is registered as being in this network. */
  confirmed(home: Address, mnId: string): boolean {
    return (this.#kept.get(`${home} ${mnId}`)?.until ?? 0) > this.#channel.now;
  }

  /**
   * Sees to it that the home server knows the MN to be in this network: `done` with a status, at once if it knows already.
   * Moves within the network thus never reach it, and refreshments only when its own registration needs one. `refresh`: the
   * update carries the counter that was in force before it.
   */
  keep(
    home: Address,
    update: ProxyBindingUpdate,
    refresh: boolean,
    lifetimeSeconds: number,
    done: (status: number) => void,
  ): void {
    const { mnId, counter: ours } = update;
    const key = `${home} ${mnId}`;
    const current = this.#current(key, update);
    if (lifetimeSeconds === 0) {
      this.#kept.delete(key);
      const end = (counter: number): void =>
        this.#register(home, { ...update, counter, lifetimeSeconds: 0 }, ours, done);
      if (current !== undefined) end(current.counter);
      else
        this.#adopt(home, update, (status, counter) => (counter === undefined ? done(status) : end(counter)));
    } else if (current !== undefined) {
      if (this.#channel.now >= current.renew) {
        this.#register(home, { ...update, counter: current.counter }, ours, () => undefined);
      }
      this.#ports.registered(update, current.counter, ours);
      done(LM_STATUS.accepted);
    } else {
      const underway = this.#underway.get(key);
      if (underway?.ours === ours && underway.until > this.#channel.now) underway.waiting.push(done);
      else this.#begin(home, update, refresh, this.#waitFor(key, ours, done));
    }
  }

  /** The home server says where an MN is now. Returns the MNs that are thus no longer in this network. */
  moved(binding: Binding): string[] {
    if (binding.locator === this.#ports.gateway) return [];
    const told = new Set(prefixesOf(binding));
    const gone: string[] = [];
    for (const [key, { mnId, prefixes, counter }] of this.#kept) {
      if (binding.counter > counter && prefixes.split(',').some((prefix) => told.has(prefix))) {
        this.#kept.delete(key);
        gone.push(mnId);
      }
    }
    return gone;
  }

  /** Forgets whom nobody has refreshed. */
  sweep(): void {
    for (const [key, { until }] of this.#kept) if (until <= this.#channel.now) this.#kept.delete(key);
  }

  #waitFor(key: string, ours: number, done: (status: number) => void): (status: number) => void {
    const waiting = [done];
    const underway = { ours, until: this.#channel.now + UNDERWAY, waiting };
    this.#underway.set(key, underway);
    return (status) => {
      if (this.#underway.get(key) === underway) this.#underway.delete(key);
      for (const each of waiting) each(status);
    };
  }

  #begin(home: Address, update: ProxyBindingUpdate, refresh: boolean, done: (status: number) => void): void {
    const { mnId, counter: ours } = update;
    const key = `${home} ${mnId}`;
    const arrival = this.#arrivals.get(`${mnId} ${ours}`);
    if (refresh || arrival === undefined || arrival.wasHere) {
      // What happened at home since the MN came here is later than this update.
      this.#adopt(home, update, (status, counter) => {
        if (counter !== undefined) this.#register(home, { ...update, counter }, ours, done);
        else if (status === LM_STATUS.unknown) this.#enter(home, update, done);
        else this.#refused(key, update, ours, status, done);
      });
    } else if (arrival.home === home && arrival.ticket !== undefined) {
      this.#register(home, { ...update, counter: arrival.ticket }, ours, done);
    } else {
      this.#enter(home, update, done);
    }
  }

  #current(key: string, update: ProxyBindingUpdate): Kept | undefined {
    const kept = this.#kept.get(key);
    const valid = kept !== undefined && kept.until > this.#channel.now;
    return valid && kept.prefixes === prefixesOf(update).sort().join() ? kept : undefined;
  }

  /** A first registration with a home server that was not asked when the MN came. */
  #enter(home: Address, update: ProxyBindingUpdate, done: (status: number) => void): void {
    this.#upstream.query(home, { ...this.#aboutHome(update), register: true }, (answer) => {
      if (answer?.ticket === undefined) done(answer?.status ?? LM_STATUS.unspecified);
      else this.#register(home, { ...update, counter: answer.ticket }, update.counter, done);
    });
  }

  /**
   * After a restart the home server's counter is not known here: `done` with it if the MN is still registered as being in this
   * network, else with the status that says why not.
   */
  #adopt(
    home: Address,
    update: ProxyBindingUpdate,
    done: (status: number, counter: number | undefined) => void,
  ): void {
    this.#upstream.query(home, { ...this.#aboutHome(update), register: false }, (answer) => {
      const binding = answer?.binding;
      if (binding?.locator === this.#ports.gateway) done(LM_STATUS.accepted, binding.counter);
      else if (binding !== undefined) done(LM_STATUS.superseded, undefined);
      else done(answer?.status ?? LM_STATUS.unspecified, undefined);
    });
  }

  /** A query about a visitor, which also asks to be told when it goes elsewhere. */
  #aboutHome({ mnId, prefixes }: ProxyBindingUpdate): Omit<Parameters<Upstream['query']>[1], 'register'> {
    const [where] = prefixes;
    const { subscription } = this.#ports;
    return { mnId, lifetimeSeconds: subscription, ...(where === undefined ? {} : { where }) };
  }

  #register(
    home: Address,
    update: ProxyBindingUpdate,
    ours: number,
    done: (status: number) => void,
    adopts = true,
  ): void {
    this.#upstream.update(home, update, ({ status, lifetimeSeconds }) => {
      const { mnId, counter } = update;
      const key = `${home} ${mnId}`;
      const later = (this.#kept.get(key)?.counter ?? 0) > counter;
      if (status === LM_STATUS.accepted && lifetimeSeconds > 0) {
        if (!later) {
          this.#note(key, update, lifetimeSeconds);
          this.#upstream.query(home, { ...this.#aboutHome(update), register: false }, () => undefined);
        }
        this.#ports.registered(update, counter, ours);
        done(status);
      } else if (status === LM_STATUS.superseded && later) {
        done(LM_STATUS.accepted);
      } else if (status === LM_STATUS.superseded && adopts) {
        // The later registration may be this network's own: two moves within it can overtake each other.
        this.#adopt(home, update, (why, current) => {
          if (current === undefined) this.#refused(key, update, ours, why, done);
          else this.#register(home, { ...update, counter: current }, ours, done, false);
        });
      } else {
        this.#refused(key, update, ours, status, done);
      }
    });
  }

  #note(key: string, update: ProxyBindingUpdate, lifetimeSeconds: number): void {
    const { now } = this.#channel;
    const { mnId, counter } = update;
    const prefixes = prefixesOf(update).sort().join();
    const until = now + lifetimeSeconds * 1000;
    const renew = now + Math.min(lifetimeSeconds, this.#ports.subscription) * 500;
    this.#kept.set(key, { mnId, counter, prefixes, renew, until });
  }

  #refused(
    key: string,
    { mnId }: ProxyBindingUpdate,
    ours: number,
    status: number,
    done: (status: number) => void,
  ): void {
    this.#kept.delete(key);
    if (status === LM_STATUS.superseded) this.#ports.lost(mnId, ours);
    done(status);
  }
}
