import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { LocationConfig } from '../../../core/config.ts';
import type { Context } from '../../../core/context.ts';
import { withoutLength } from '../../../wire/address.ts';
import type { Asked, MobilityEffect } from '../channel.ts';
import type { Binding, HandoverInitiate } from '../messages/message.ts';
import { CLIENT_SETTINGS, LocationClient } from './client.ts';
import type { ClientEffect, ClientEvent, HandedContext, LocalRegistration } from './client.ts';

/** Timers of the client begin so. */
export const LM_PREFIX = 'lm:';

/** What the client has to say to a scheme; client.ts says when. */
export type LocationEvent = Exclude<ClientEffect, { type: 'mobility' | 'timer' | 'trace' }>;

/** Location management as one of the logical functions of a MAAR: the client, and what it has learnt since it was asked. */
export class LocationService {
  readonly #context: Context;
  readonly #config: LocationConfig;
  readonly #servers: ReadonlySet<Address>;
  #client: LocationClient | undefined;
  readonly #told: LocationEvent[] = [];

  constructor(context: Context, config: LocationConfig) {
    this.#context = context;
    this.#config = config;
    this.#servers = new Set(config.servers.map(({ address }) => address));
  }

  /** Requests stamped before now are refused from here on: what was seen before a restart is forgotten. */
  start(): void {
    const { servers, maars, capacity, absentFor, untoldFor, subscription, window } = this.#config;
    const { config, random, now } = this.#context;
    const { retransmit, retransmitMax, bindingSeconds } = config.timers;
    this.#client = new LocationClient(
      {
        ...CLIENT_SETTINGS,
        ...{ address: config.address, random, servers, maars },
        ...{ capacity, absentFor, untoldFor, subscription, lifetime: bindingSeconds },
        channel: { window, retransmit, retransmitMax },
      },
      now,
    );
  }

  isServer(address: Address): boolean {
    return this.#servers.has(address);
  }

  /** Asks where packets for an address, that of a prefix, go; `located` follows, perhaps from the cache. */
  lookup(where: Address | Prefix): void {
    this.#tell({ type: 'lookup', where: withoutLength(where) });
  }

  /** The MAAR at `locator` does not have the MN: forgets that it should, and asks anew. */
  stale(where: Address, locator: Address): void {
    this.#tell({ type: 'stale', where, locator });
  }

  /** Tells another MAAR where to send packets for the prefixes of a binding. */
  redirect(to: Address, binding: Binding): void {
    this.#tell({ type: 'redirect', to, binding });
  }

  /** An MN has come: asks for a counter to register it with; `attached` or `unreachable` follows. */
  attach(mnId: string, where?: Prefix): void {
    this.#tell({ type: 'attach', mnId, ...(where === undefined ? {} : { where }) });
  }

  /** Registers the MN here, and keeps it registered until `detach`; `registered` follows. */
  register(registration: LocalRegistration): void {
    this.#tell({ type: 'register', ...registration });
  }

  detach(mnId: string): void {
    this.#tell({ type: 'detach', mnId });
  }

  /** Another MAAR has the MN now and sees to its registration. */
  forget(mnId: string): void {
    this.#tell({ type: 'detach', mnId, elsewhere: true });
  }

  /** Asks the MAAR that an MN came from what it knows of it, `counter` being the AAA server's; `context` follows. */
  fetch(from: Address, mnId: string, counter: number): void {
    this.#tell({ type: 'fetch', from, mnId, counter });
  }

  /** Answers what another MAAR asked (`asked`) about an MN that has come to it. */
  hand(asked: Asked<HandoverInitiate>, context: HandedContext): void {
    this.#tell({ type: 'hand', asked, context });
  }

  receive({ src, dst, data }: Omit<MobilityEffect, 'type'>): void {
    this.#tell({ type: 'mobility', src, dst, data });
  }

  timer(id: string): void {
    this.#tell({ type: 'timer', id });
  }

  /** The next thing learnt; undefined once there is no more. */
  take(): LocationEvent | undefined {
    return this.#told.shift();
  }

  /** Locations in the cache. */
  get cached(): number {
    return this.#client?.cached ?? 0;
  }

  /** Of the messages and the cache, for the views. */
  counters(): (readonly [string, number])[] {
    return [...(this.#client?.counters ?? [])].map(([name, count]) => [`lm-${name}`, count] as const);
  }

  #tell(event: ClientEvent): void {
    for (const effect of this.#client?.step(event, this.#context.now) ?? []) {
      if (effect.type === 'mobility' || effect.type === 'timer' || effect.type === 'trace') {
        this.#context.emit(effect);
      } else this.#told.push(effect);
    }
  }
}
