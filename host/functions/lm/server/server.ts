import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { Machine, TimerEvent } from '../../../core/machine.ts';
import { CHANNEL_SETTINGS, Channel } from '../channel.ts';
import type { Asked, ChannelEffect, MobilityEvent } from '../channel.ts';
import { HACK_STATUS, LM_STATUS, LRA_STATUS } from '../messages/constants.ts';
import type {
  Binding,
  ProxyBindingQuery,
  ProxyBindingUpdate,
  UpdateNotification,
} from '../messages/message.ts';
import type { Registration, StoreEvent, StoreRequest, StoreState } from '../store.ts';
import { RegistrationTable, inForce, prefixesOf } from '../table.ts';
import { bindingOf } from './binding.ts';
import { JOIN, Membership } from './membership.ts';
import { Notifier } from './notifier.ts';
import { Pool } from './pool.ts';
import { Registrar } from './registrar.ts';
import type { Outcome } from './registrar.ts';
import { Renumbering } from './renumbering.ts';
import { SERVER_LIMITS } from './settings.ts';
import type { ServerPeer, ServerSettings } from './settings.ts';
import { Upstream } from './upstream.ts';
import { Visitors } from './visitors.ts';
import { serverView } from './view.ts';
import type { ServerView } from './view.ts';

export type ServerEvent =
  { readonly type: 'start' } | MobilityEvent | StoreEvent | TimerEvent | { readonly type: 'stop' };

/** Store requests of one step are to be carried out together, in order. */
export type ServerEffect = ChannelEffect | StoreRequest;

/** In place of the primary server of a prefix that no member of the pool has. */
const NOBODY = '';
const SWEEP = 'lm:sweep';
const SWEEP_EVERY = 10_000;

/**
 * A server of location management (LMs), and the proxy (LMp) towards the other servers of its pool. `now` is in milliseconds
 * since 1970, since stored times outlive the process. What is acknowledged has been kept by the store before.
 */
export class LocationServer implements Machine<ServerEvent, ServerEffect> {
  readonly #settings: ServerSettings;
  readonly #channel: Channel;
  readonly #table: RegistrationTable;
  readonly #registrar: Registrar;
  readonly #notifier: Notifier;
  readonly #pool: Pool;
  readonly #membership: Membership;
  readonly #upstream: Upstream;
  readonly #visitors: Visitors;
  readonly #renumbering: Renumbering;
  readonly #roles: Map<Address, ServerPeer['role']>;
  #storeRequests: StoreRequest[] = [];

  constructor(settings: ServerSettings, state: StoreState, startedAt: number) {
    const limits = { ...SERVER_LIMITS, ...settings.limits };
    const { address, peers, random, primary } = settings;
    this.#settings = settings;
    this.#roles = new Map(peers.map((peer) => [peer.address, peer.role]));
    this.#channel = new Channel(
      { self: address, peers, random, ...CHANNEL_SETTINGS, ...settings.channel },
      startedAt,
    );
    this.#table = new RegistrationTable(state);
    this.#notifier = new Notifier(this.#channel, this.#roles, limits);
    this.#pool = new Pool(address, primary);
    this.#membership = new Membership(this.#channel, this.#pool, peers, limits.poolLifetime);
    this.#registrar = new Registrar(this.#table, limits, {
      shared: settings.shared === true,
      now: () => this.#channel.now,
      store: (request) => this.#storeRequests.push(request),
      changed: (previous, next) => this.#notifier.changed(previous, next),
    });
    this.#upstream = new Upstream(this.#channel);
    this.#renumbering = new Renumbering((done) => this.#registrar.ticket(done));
    this.#visitors = new Visitors(this.#channel, this.#upstream, {
      gateway: settings.gateway ?? NOBODY,
      subscription: limits.maxSubscription,
      registered: (update, theirs, ours) => this.#renumbering.note(prefixesOf(update), theirs, ours),
      lost: (mnId, counter) => this.#end(mnId, counter),
    });
  }

  step(event: ServerEvent, now: number): ServerEffect[] {
    this.#channel.now = now;
    switch (event.type) {
      case 'start':
        this.#channel.arm(SWEEP, SWEEP_EVERY);
        this.#membership.join();
        break;
      case 'stop':
        this.#membership.leave();
        break;
      case 'timer':
        this.#timer(event.id);
        break;
      case 'mobility': {
        const asked = this.#channel.receive(event);
        if (asked !== undefined) this.#serve(asked);
        break;
      }
      case 'stored':
        for (const answer of event.answers) {
          if (answer.type === 'failed') this.#channel.trace('error', { detail: { reason: answer.reason } });
          this.#registrar.stored(answer);
        }
        break;
      case 'changed':
        this.#replace(event.registration);
        break;
      case 'forgotten':
        this.#forgotten(event.mnIds, event.floor);
        break;
      case 'loaded': {
        const { registrations, floor } = event.state;
        const present = new Set(registrations.map(({ mnId }) => mnId));
        const gone = this.#table.all().filter(({ mnId }) => !present.has(mnId));
        this.#forgotten(
          gone.map(({ mnId }) => mnId),
          floor,
        );
        for (const registration of registrations) this.#replace(registration);
      }
    }
    const requests = this.#storeRequests;
    this.#storeRequests = [];
    return [...this.#channel.take(), ...requests];
  }

  view(now: number): ServerView {
    return serverView(this.#settings, now, {
      table: this.#table,
      pool: this.#pool,
      subscriptions: this.#notifier.subscriptions,
      channel: this.#channel,
    });
  }

  #timer(id: string): void {
    if (id === SWEEP) {
      this.#registrar.sweep();
      this.#notifier.subscriptions.sweep(this.#channel.now);
      this.#visitors.sweep();
      this.#channel.arm(SWEEP, SWEEP_EVERY);
    } else if (id === JOIN) {
      this.#membership.join();
    } else {
      this.#channel.timer(id);
    }
  }

  #serve({ peer, message }: Asked): void {
    switch (message.kind) {
      case 'PBQ':
        this.#query({ peer, message });
        break;
      case 'PBU':
        this.#update({ peer, message });
        break;
      case 'LPJ':
        this.#membership.joined({ peer, message });
        break;
      case 'UPN':
        this.#notified({ peer, message });
        break;
      case 'HI': {
        // No MN is ever at a server.
        const { mnId } = message;
        const context = { status: HACK_STATUS.contextUnavailable, counter: 0, homes: [], sessions: [] };
        this.#channel.answer({ peer, message }, { kind: 'HAck', mnId, ...context });
        break;
      }
      case 'LRI':
        // A server forwards no packets.
        this.#channel.answer(
          { peer, message },
          { kind: 'LRA', status: LRA_STATUS.notAllowed, lifetimeSeconds: 0 },
        );
    }
  }

  /** A registration as the store has it, whoever put it there. */
  #replace(registration: Registration): void {
    const previous = this.#table.get(registration.mnId);
    this.#table.put(registration);
    this.#notifier.changed(previous, registration);
  }

  /** Gone from the store; what nobody forgot, but a lease removed, leaves its counter here. */
  #forgotten(mnIds: readonly string[], floor: number): void {
    const counters = mnIds.map((mnId) => this.#table.get(mnId)?.counter ?? 0);
    this.#table.forget(mnIds, floor);
    const highest = Math.max(0, ...counters);
    if (highest > floor) this.#registrar.raiseFloor(highest);
  }

  /** What is told has been true at some moment after it was asked for, also where other servers change the store. */
  #query(asked: Asked<ProxyBindingQuery>): void {
    if (this.#settings.shared !== true) {
      this.#tell(asked);
      return;
    }
    this.#registrar.confirm((confirmed) => {
      if (confirmed) this.#tell(asked);
      else this.#channel.answer(asked, { kind: 'PQA', status: LM_STATUS.noResources, lifetimeSeconds: 0 });
    });
  }

  /** LM-db:1 and 2; LM-svr:2 and 3 where another server of the pool is the primary one. */
  #tell(asked: Asked<ProxyBindingQuery>): void {
    const { peer, message } = asked;
    const { mnId, where, register } = message;
    const known = this.#lookUp(mnId, where);
    const about = where ?? known?.prefixes[0];
    const primary = about === undefined ? this.#settings.address : this.#primaryOf(about);
    const answer = (binding: Binding | undefined, ticket?: number): void => {
      const granted = this.#notifier.subscribe(peer, message, binding);
      this.#channel.answer(asked, {
        kind: 'PQA',
        status: binding === undefined && ticket === undefined ? LM_STATUS.unknown : LM_STATUS.accepted,
        lifetimeSeconds: granted,
        ...(ticket === undefined ? {} : { ticket }),
        ...(binding === undefined ? {} : { binding }),
      });
    };
    const refuse = (status: number): void =>
      this.#channel.answer(asked, { kind: 'PQA', status, lifetimeSeconds: 0 });
    const { gateway, address } = this.#settings;
    const attach = (binding: Binding | undefined, home?: Address, theirs?: number): void => {
      this.#registrar.ticket((ticket) => {
        if (ticket === undefined) refuse(LM_STATUS.noResources);
        else {
          const arrival = { wasHere: known !== undefined && home === undefined, home, ticket: theirs };
          if (gateway !== undefined && mnId !== undefined) this.#visitors.arrived(mnId, ticket, arrival);
          answer(binding, ticket);
        }
      });
    };
    // A visitor whom its home server has not confirmed may be elsewhere by now: only a counter from there is later than that.
    const unconfirmed =
      register && primary !== undefined && mnId !== undefined && !this.#visitors.confirmed(primary, mnId);
    if (primary === address || (known !== undefined && !unconfirmed)) {
      if (register) attach(known);
      else answer(known);
    } else if (primary === undefined || this.#roles.get(peer) === 'server') {
      // A server of the pool asks the one that it takes for the primary: passing on could go round in circles.
      refuse(LM_STATUS.notPrimary);
    } else {
      this.#upstream.query(primary, message, (reply) => {
        if (reply === undefined && known !== undefined) attach(known);
        else if (reply === undefined) refuse(LM_STATUS.unspecified);
        else if (reply.status !== LM_STATUS.accepted) refuse(reply.status);
        else if (gateway === undefined) answer(reply.binding, reply.ticket);
        else if (register) attach(known ?? reply.binding, primary, reply.ticket);
        else if (reply.binding === undefined) answer(undefined);
        else {
          this.#renumbering.translate(reply.binding, (binding) => {
            // The MN may have come here in the meantime, or moved on.
            const latest = this.#lookUp(mnId, where) ?? binding;
            if (latest === undefined) refuse(LM_STATUS.unspecified);
            else answer(latest);
          });
        }
      });
    }
  }

  /** LM-db:4 and 5. */
  #update(asked: Asked<ProxyBindingUpdate>): void {
    const { peer, message } = asked;
    const answer = ({ status, counter, lifetimeSeconds }: Outcome): void => {
      const { locator: _, ...session } = message;
      this.#channel.answer(asked, { ...session, kind: 'PBA', status, counter, lifetimeSeconds });
    };
    const refuse = (status: number): void => answer({ status, counter: 0, lifetimeSeconds: 0 });
    const { address, gateway } = this.#settings;
    const servers = new Set(prefixesOf(message).map((prefix) => this.#primaryOf(prefix) ?? NOBODY));
    const foreign = [...servers].filter((server) => server !== address);
    const [home] = foreign;
    const passesOn = this.#roles.get(peer) === 'client';
    if (home === undefined) {
      this.#registrar.register({ ...message, by: peer }, answer);
    } else if (servers.has(NOBODY) || !passesOn || (gateway === undefined && servers.size > 1)) {
      refuse(LM_STATUS.notPrimary);
    } else if (gateway === undefined) {
      this.#upstream.update(home, message, answer);
    } else {
      const current = this.#table.get(message.mnId);
      const refresh = current?.counter === message.counter;
      // What was told of these prefixes meanwhile would be taken for later than this registration.
      if (!refresh && this.#renumbering.highest(prefixesOf(message)) > message.counter) {
        refuse(LM_STATUS.superseded);
        return;
      }
      this.#registrar.register({ ...message, by: peer }, (outcome) => {
        if (outcome.status === LM_STATUS.accepted)
          this.#keep(foreign, { gateway, refresh, message, outcome }, answer);
        else answer(outcome);
      });
    }
  }

  /** The home servers of visiting prefixes hear where the network is, not where in it; answers once all have agreed. */
  #keep(
    homes: readonly Address[],
    update: {
      readonly gateway: Address;
      readonly refresh: boolean;
      readonly message: ProxyBindingUpdate;
      readonly outcome: Outcome;
    },
    answer: (outcome: Outcome) => void,
  ): void {
    const { gateway, refresh, message, outcome } = update;
    let open = homes.length;
    let status: number = LM_STATUS.accepted;
    for (const home of homes) {
      const of = (prefixes: readonly Prefix[]): Prefix[] =>
        prefixes.filter((prefix) => this.#primaryOf(prefix) === home);
      const { prefixes, delegated } = message;
      const visiting = { ...message, locator: gateway, prefixes: of(prefixes), delegated: of(delegated) };
      this.#visitors.keep(home, visiting, refresh, outcome.lifetimeSeconds, (result) => {
        status = Math.max(status, result);
        if (--open === 0)
          answer(status === LM_STATUS.accepted ? outcome : { ...outcome, status, lifetimeSeconds: 0 });
      });
    }
  }

  /** LM-db:3 from the primary server: what was asked for on behalf of clients here is passed on to them. */
  #notified(asked: Asked<UpdateNotification>): void {
    const { binding } = asked.message;
    // Nobody else has a say in where the MNs of a prefix are.
    const entitled = prefixesOf(binding).every((prefix) => this.#primaryOf(prefix) === asked.peer);
    const status = entitled ? LM_STATUS.accepted : LM_STATUS.unspecified;
    this.#channel.answer(asked, { kind: 'UPA', status });
    if (!entitled) {
      this.#channel.trace('drop', { from: asked.peer, detail: { why: 'UPN from no primary server' } });
      return;
    }
    const gone = this.#visitors.moved(binding);
    for (const mnId of gone) this.#end(mnId, this.#table.get(mnId)?.counter ?? 0);
    // Of an MN that is in this network its home server knows less than this one.
    const tell = (told: Binding): void => {
      const ended = (prefix: Prefix): boolean =>
        gone.includes(this.#table.find(prefix, this.#channel.now)?.registration.mnId ?? '');
      const elsewhere = prefixesOf(told).filter(
        (prefix) => this.#lookUp(undefined, prefix) === undefined || ended(prefix),
      );
      this.#notifier.push(elsewhere, asked.peer, () => told);
    };
    const { gateway } = this.#settings;
    if (gateway === undefined) tell(binding);
    else if (binding.locator !== gateway)
      this.#renumbering.translate(binding, (told) => told !== undefined && tell(told));
  }

  /** Ends a registration here that a later one elsewhere has overtaken; another counter is another one. */
  #end(mnId: string, counter: number): void {
    const registration = this.#table.get(mnId);
    if (registration?.counter !== counter) return;
    this.#registrar.register({ ...registration, lifetimeSeconds: 0 }, () => undefined);
  }

  #primaryOf(where: Prefix): Address | undefined {
    return this.#pool.primaryOf(where, this.#channel.now);
  }

  /** Asked by MN everything of it is told, asked by prefix only that prefix. */
  #lookUp(mnId: string | undefined, where: Prefix | undefined): Binding | undefined {
    const { now } = this.#channel;
    if (mnId !== undefined) {
      const registration = this.#table.get(mnId);
      return registration !== undefined && inForce(registration, now)
        ? bindingOf(registration, now)
        : undefined;
    }
    const found = where === undefined ? undefined : this.#table.find(where, now);
    return found === undefined ? undefined : bindingOf(found.registration, now, [found.prefix]);
  }
}
