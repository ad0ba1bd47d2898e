import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { DEFAULT_LOCATION, type LocationConfig } from '../../../core/config.ts';
import type { Machine, Random, TimerEvent } from '../../../core/machine.ts';
import { splitPrefix } from '../../../wire/address.ts';
import { CHANNEL_SETTINGS, Channel } from '../channel.ts';
import type { Asked, ChannelEffect, ChannelTimes, MobilityEvent } from '../channel.ts';
import { HANDOFF, LM_STATUS, LRA_STATUS } from '../messages/constants.ts';
import type {
  Binding,
  Draft,
  HandoverAcknowledge,
  HandoverInitiate,
  LocationAnswer,
  LocationRequest,
  ProxyQueryAnswer,
} from '../messages/message.ts';
import { LocationCache, type Entry } from './cache.ts';

export interface ClientSettings extends Omit<LocationConfig, 'window'> {
  readonly address: Address;
  readonly random: Random;
  /** Asked for registrations, in seconds. */
  readonly lifetime: number;
  readonly accessTechnology: number;
  readonly channel?: Partial<ChannelTimes>;
}

const { window: _, ...defaults } = DEFAULT_LOCATION;
/** Access technology: 802.11 in the registry of RFC 5213 section 8.5. A MAAR asks for the lifetime of its bindings instead. */
export const CLIENT_SETTINGS = { ...defaults, lifetime: 600, accessTechnology: 4 } as const;

/** An MN that is here, and is to be registered. */
export interface LocalRegistration {
  readonly mnId: string;
  /** From the answer to `attach`. */
  readonly counter: number;
  readonly prefixes: readonly Prefix[];
  readonly delegated: readonly Prefix[];
}

export type ClientEvent =
  /** Asks where packets for an address go; answered by `located`. With `ask` false no server is asked: only what is known counts. */
  | { readonly type: 'lookup'; readonly where: Address; readonly ask?: boolean }
  /** The MAAR at `locator` does not have (or no longer has) the MN: asks anew. */
  | { readonly type: 'stale'; readonly where: Address; readonly locator: Address }
  /** Tells another MAAR, which sends packets for these prefixes here, where the MN is. */
  | { readonly type: 'redirect'; readonly to: Address; readonly binding: Binding }
  /** An MN has come; answered by `attached`. `where` is a prefix that it brought along, if one is known. */
  | { readonly type: 'attach'; readonly mnId: string; readonly where?: Prefix }
  /** Registers it here and keeps it registered until `detach`; answered by `registered`. */
  | ({ readonly type: 'register' } & LocalRegistration)
  /** It has gone. With `elsewhere` true another MAAR has registered it meanwhile, and no server is told. */
  | { readonly type: 'detach'; readonly mnId: string; readonly elsewhere?: boolean }
  /** Asks the MAAR that an MN came from for its context; answered by `context`. */
  | { readonly type: 'fetch'; readonly from: Address; readonly mnId: string; readonly counter: number }
  /** Answers `asked`. */
  | { readonly type: 'hand'; readonly asked: Asked<HandoverInitiate>; readonly context: HandedContext }
  | MobilityEvent
  | TimerEvent;

export type HandedContext = Pick<HandoverAcknowledge, 'status' | 'counter' | 'homes' | 'sessions'>;

/** From where it is known: `redirect` from another MAAR. */
type Source = 'cache' | 'server' | 'push' | 'redirect';

export type ClientEffect =
  | ChannelEffect
  /** `binding` is absent where none is known: the packets go by the home anchor. */
  | {
      readonly type: 'located';
      readonly where: Address | Prefix;
      readonly source: Source;
      readonly binding?: Binding;
      /** For how long this is believed, in milliseconds of the clock that `step` is given; absent where nobody answered. */
      readonly until?: number;
    }
  /** Another MAAR has an MN now that came from here: to be answered with `hand`. */
  | { readonly type: 'asked'; readonly asked: Asked<HandoverInitiate> }
  /** `context` is absent where the MAAR did not answer. */
  | {
      readonly type: 'context';
      readonly mnId: string;
      readonly from: Address;
      readonly context?: HandedContext;
    }
  /** `counter` is to be registered with; `binding` is where the MN was, if it was registered. */
  | { readonly type: 'attached'; readonly mnId: string; readonly counter: number; readonly binding?: Binding }
  /** Status 0: done, or refreshed. 157: a later registration may exist; if the MN is still here, it is to be attached anew. */
  | { readonly type: 'registered'; readonly mnId: string; readonly status: number }
  /** No server answered `attach`. */
  | { readonly type: 'unreachable'; readonly mnId: string };

const REFRESH = 'lm:refresh ';
/** Resends to a server before another one is asked: it is given up after 3 seconds. */
const ATTEMPTS_BEFORE_NEXT = 1;
const MILLISECONDS = 1000;

/** The client of location management in a MAAR (LMc): looks locations up and keeps the MNs that are here registered. */
export class LocationClient implements Machine<ClientEvent, ClientEffect> {
  readonly #settings: ClientSettings;
  readonly #channel: Channel;
  readonly #cache: LocationCache;
  readonly #registrations = new Map<string, LocalRegistration>();
  /** MNs that were registered elsewhere when they came, until they are registered here. */
  readonly #movers = new Set<string>();
  /** Addresses that a query is under way for. */
  readonly #asking = new Set<Address>();
  /** Index of the server that answered last. */
  #preferred = 0;
  #effects: ClientEffect[] = [];

  constructor(settings: ClientSettings, startedAt: number) {
    if (settings.servers.length === 0) throw new Error('a client of location management needs a server');
    this.#settings = settings;
    const { address, servers, maars, random } = settings;
    const quick = servers.length > 1 ? { attempts: ATTEMPTS_BEFORE_NEXT } : {};
    this.#channel = new Channel(
      {
        self: address,
        peers: [...servers, ...maars],
        random,
        ...CHANNEL_SETTINGS,
        ...quick,
        ...settings.channel,
      },
      startedAt,
    );
    this.#cache = new LocationCache(settings.capacity);
  }

  step(event: ClientEvent, now: number): ClientEffect[] {
    this.#channel.now = now;
    this.#effects = [];
    switch (event.type) {
      case 'lookup':
        this.#lookup(event.where, event.ask);
        break;
      case 'stale':
        this.#cache.invalidate(event.where, event.locator, now);
        this.#lookup(event.where);
        break;
      case 'redirect': {
        const { to, binding } = event;
        const subject = `redirect ${[...binding.prefixes, ...binding.delegated].join()}`;
        this.#channel.request(to, subject, { kind: 'LRI', binding }, () => undefined);
        break;
      }
      case 'attach':
        this.#attach(event.mnId, event.where);
        break;
      case 'register': {
        const { type: _, ...registration } = event;
        this.#registrations.set(event.mnId, registration);
        for (const prefix of [...event.prefixes, ...event.delegated])
          this.#cache.arrived(prefix, event.counter, now);
        const moved = this.#movers.delete(event.mnId);
        this.#register(registration, moved ? HANDOFF.betweenRouters : HANDOFF.newInterface);
        break;
      }
      case 'detach':
        this.#detach(event.mnId, event.elsewhere);
        break;
      case 'fetch':
        this.#fetch(event.from, event.mnId, event.counter);
        break;
      case 'hand': {
        const { mnId } = event.asked.message;
        this.#channel.answer(event.asked, { kind: 'HAck', mnId, ...event.context });
        break;
      }
      case 'mobility': {
        const asked = this.#channel.receive(event);
        if (asked !== undefined) this.#serve(asked);
        break;
      }
      case 'timer':
        this.#timer(event.id);
    }
    return [...this.#channel.take(), ...this.#effects];
  }

  /** Locations in the cache, those of which nothing is known among them. */
  get cached(): number {
    return this.#cache.size;
  }

  get counters(): ReadonlyMap<string, number> {
    return this.#channel.counters;
  }

  #timer(id: string): void {
    if (!id.startsWith(REFRESH)) {
      this.#channel.timer(id);
      return;
    }
    const registration = this.#registrations.get(id.slice(REFRESH.length));
    if (registration !== undefined) this.#register(registration, HANDOFF.unchanged);
  }

  #lookup(where: Address, ask = true): void {
    const known = this.#cache.find(where, this.#channel.now);
    if (known !== undefined) {
      this.#channel.count('cache-hit');
      this.#located(where, 'cache', known);
      return;
    }
    this.#channel.count('cache-miss');
    if (!ask) {
      this.#located(where, 'cache', undefined);
      return;
    }
    if (this.#asking.has(where)) return;
    this.#asking.add(where);
    const { subscription, untoldFor, absentFor } = this.#settings;
    const query = {
      kind: 'PBQ',
      register: false,
      lifetimeSeconds: subscription,
      where: `${where}/128`,
    } as const;
    this.#ask(`where ${where}`, query, 'PQA', (answer) => {
      this.#asking.delete(where);
      const { now } = this.#channel;
      const told = (answer?.lifetimeSeconds ?? 0) * MILLISECONDS;
      if (answer?.binding !== undefined) {
        this.#keep(answer.binding, 'server', now + (told > 0 ? told : untoldFor), where);
        return;
      }
      // Of a server that is silent or in trouble nothing is learnt about the MN.
      if (answer?.status !== LM_STATUS.unknown) {
        this.#located(where, 'server', undefined);
        return;
      }
      // A server that has promised to tell of changes may forget that: the cache does not count on it for long.
      this.#cache.putAbsent(`${where}/128`, now + absentFor);
      this.#located(where, 'server', { binding: undefined, until: now + (told > 0 ? told : absentFor) });
    });
  }

  /**
   * Puts a binding into the cache, no longer than it lives, and tells of it. What is pushed stays until what it takes the place
   * of would have ended, since a push prolongs no subscription; `until` is for what was not known.
   */
  #keep(binding: Binding, source: Source, until: number, where?: Address): void {
    const { now } = this.#channel;
    const lives = now + binding.lifetimeSeconds * MILLISECONDS;
    for (const prefix of [...binding.prefixes, ...binding.delegated]) {
      const ends = source === 'push' ? (this.#cache.endOf(prefix, now) ?? until) : until;
      const newer =
        binding.lifetimeSeconds > 0
          ? this.#cache.put(prefix, binding, Math.min(ends, lives), now)
          : this.#cache.withdraw(prefix, binding.counter, now + this.#settings.absentFor, now);
      if (newer && where === undefined) {
        this.#located(prefix, source, this.#cache.find(prefix, now));
      }
    }
    if (where !== undefined) this.#located(where, source, this.#cache.find(where, now));
  }

  /** A server tells of what was asked for, another MAAR of packets that go astray; neither does the other's. */
  #serve({ peer, message }: Asked): void {
    const { servers, untoldFor } = this.#settings;
    const fromServer = servers.some(({ address }) => address === peer);
    const { now } = this.#channel;
    if (message.kind === 'UPN') {
      if (fromServer) this.#keep(message.binding, 'push', now + untoldFor);
      const status = fromServer ? LM_STATUS.accepted : LM_STATUS.unspecified;
      this.#channel.answer({ peer, message }, { kind: 'UPA', status });
    } else if (message.kind === 'LRI') {
      if (!fromServer && message.binding.lifetimeSeconds === 0) this.#notThere(message.binding, peer);
      else if (!fromServer) this.#keep(message.binding, 'redirect', now + untoldFor);
      const status = fromServer ? LRA_STATUS.notAllowed : LRA_STATUS.success;
      const lifetimeSeconds = fromServer
        ? 0
        : Math.min(untoldFor / MILLISECONDS, message.binding.lifetimeSeconds);
      this.#channel.answer({ peer, message }, { kind: 'LRA', status, lifetimeSeconds });
    } else if (message.kind === 'HI' && !fromServer) {
      this.#effects.push({ type: 'asked', asked: { peer, message } });
    }
  }

  /** RFC 6705 section 6.1 ends local routing so: what is known of these prefixes at that MAAR is wrong. */
  #notThere({ prefixes, delegated }: Binding, maar: Address): void {
    for (const prefix of [...prefixes, ...delegated]) {
      const { address } = splitPrefix(prefix);
      this.#cache.invalidate(prefix, maar, this.#channel.now);
      this.#lookup(address);
    }
  }

  #fetch(from: Address, mnId: string, counter: number): void {
    this.#channel.request(from, `fetch ${mnId}`, { kind: 'HI', mnId, counter }, (answer) => {
      const context = answer?.kind === 'HAck' ? answer : undefined;
      this.#effects.push({ type: 'context', mnId, from, ...(context === undefined ? {} : { context }) });
    });
  }

  #attach(mnId: string, where: Prefix | undefined): void {
    const query = {
      ...({ kind: 'PBQ', register: true, lifetimeSeconds: 0, mnId } as const),
      ...(where === undefined ? {} : { where }),
    };
    this.#ask(`attach ${mnId}`, query, 'PQA', (answer: ProxyQueryAnswer | undefined) => {
      if (answer?.ticket === undefined) this.#effects.push({ type: 'unreachable', mnId });
      else {
        const { ticket: counter, binding } = answer;
        if (binding !== undefined) this.#movers.add(mnId);
        this.#effects.push({
          type: 'attached',
          mnId,
          counter,
          ...(binding === undefined ? {} : { binding }),
        });
      }
    });
  }

  #register(registration: LocalRegistration, handoff: number): void {
    const { mnId } = registration;
    const { lifetime } = this.#settings;
    this.#ask(`register ${mnId}`, this.#draft(registration, lifetime, handoff), 'PBA', (answer) => {
      const status = answer?.status ?? LM_STATUS.unspecified;
      const granted = answer?.lifetimeSeconds ?? 0;
      if (status === LM_STATUS.superseded) this.#registrations.delete(mnId);
      // Refused for now, or by nobody: tried again, in time for most reasons to be gone.
      else
        this.#channel.arm(`${REFRESH}${mnId}`, ((granted > 0 ? granted : lifetime / 10) * MILLISECONDS) / 2);
      this.#effects.push({ type: 'registered', mnId, status });
    });
  }

  #detach(mnId: string, elsewhere = false): void {
    const registration = this.#registrations.get(mnId);
    this.#movers.delete(mnId);
    this.#registrations.delete(mnId);
    this.#channel.disarm(`${REFRESH}${mnId}`);
    for (const what of ['attach', 'register', 'fetch']) this.#channel.cancel(`${what} ${mnId}`);
    if (elsewhere || registration === undefined) return;
    this.#ask(`register ${mnId}`, this.#draft(registration, 0, HANDOFF.unchanged), 'PBA', () => undefined);
  }

  #draft(registration: LocalRegistration, lifetimeSeconds: number, handoff: number): Draft<LocationRequest> {
    const { address: locator, accessTechnology } = this.#settings;
    return { kind: 'PBU', ...registration, locator, lifetimeSeconds, handoff, accessTechnology };
  }

  /** Asks the server that answered last, and each of the others when one is silent. */
  #ask<K extends LocationAnswer['kind']>(
    subject: string,
    draft: Draft<LocationRequest>,
    kind: K,
    done: (answer: Extract<LocationAnswer, { kind: K }> | undefined) => void,
    tried = 0,
  ): void {
    const { servers } = this.#settings;
    const index = (this.#preferred + tried) % servers.length;
    this.#channel.request(servers[index]!.address, subject, draft, (answer) => {
      const last = tried + 1 === servers.length;
      // One whose store does not answer is no better than a silent one, unless they are all like that.
      if (answer?.kind === kind && (last || answer.status !== LM_STATUS.noResources)) {
        this.#prefer(index);
        done(answer as Extract<LocationAnswer, { kind: K }>);
      } else if (last) done(undefined);
      else this.#ask(subject, draft, kind, done, tried + 1);
    });
  }

  /** A server that is left may be gone, and what was subscribed to there with it: it is soon asked for anew, elsewhere. */
  #prefer(index: number): void {
    if (index === this.#preferred) return;
    this.#preferred = index;
    this.#cache.shorten(this.#channel.now + this.#settings.untoldFor);
  }

  /** `known` is undefined where nobody answered. */
  #located(where: Address | Prefix, source: Source, known: Entry | undefined): void {
    const { binding, until } = known ?? {};
    this.#effects.push({
      ...{ type: 'located', where, source },
      ...(binding === undefined ? {} : { binding }),
      ...(until === undefined ? {} : { until }),
    });
  }
}
