import type { Address } from '../../../bindings/entries.ts';
import type { MobilityEvent } from '../../functions/lm/channel.ts';
import { LocationClient } from '../../functions/lm/client/client.ts';
import type { ClientEffect, ClientEvent, ClientSettings } from '../../functions/lm/client/client.ts';
import { MemoryLocationStore } from '../../functions/lm/memory-store.ts';
import type { Binding } from '../../functions/lm/messages/message.ts';
import { LocationServer } from '../../functions/lm/server/server.ts';
import type { ServerEvent } from '../../functions/lm/server/server.ts';
import type { ServerSettings } from '../../functions/lm/server/settings.ts';
import type { ServerView } from '../../functions/lm/server/view.ts';
import type { StoreRequest, StoreState } from '../../functions/lm/store.ts';
import type { TimerEvent } from '../../core/machine.ts';
import type { Fabric, Site } from './fabric.ts';

/** A server of location management and its store. */
export class ServerSite implements Site {
  readonly address: Address;
  readonly cell: number;
  readonly role = 'server';
  readonly #fabric: Fabric;
  readonly #server: LocationServer;
  readonly #store: MemoryLocationStore;

  constructor(fabric: Fabric, cell: number, settings: ServerSettings, state: StoreState) {
    this.address = settings.address;
    this.cell = cell;
    this.#fabric = fabric;
    this.#store = new MemoryLocationStore(state);
    this.#server = new LocationServer(settings, state, fabric.scheduler.now);
    fabric.add(this);
  }

  start(): void {
    this.take({ type: 'start' });
  }

  view(): ServerView {
    return this.#server.view(this.#fabric.scheduler.now);
  }

  take(event: ServerEvent): void {
    const requests: StoreRequest[] = [];
    for (const effect of this.#server.step(event, this.#fabric.scheduler.now)) {
      switch (effect.type) {
        case 'ticket':
        case 'commit':
        case 'forget':
        case 'confirm':
          requests.push(effect);
          break;
        default:
          this.#fabric.carry(this, effect);
      }
    }
    if (requests.length === 0) return;
    this.#store.submit(requests, (answers) => this.take({ type: 'stored', answers }));
  }
}

type Registered = Extract<ClientEffect, { type: 'attached' | 'registered' | 'unreachable' }>;
/** `known`: it was in the cache. */
type Located = (binding: Binding | undefined, known: boolean) => void;

/** A MAAR's client of location management. */
export class MaarSite implements Site {
  readonly address: Address;
  readonly cell: number;
  readonly role = 'maar';
  readonly #fabric: Fabric;
  readonly #client: LocationClient;
  readonly #registered: (site: MaarSite, effect: Registered) => void;
  readonly #waiting = new Map<string, Located[]>();

  /** `registered` hears of what becomes of attachments and registrations. */
  constructor(
    fabric: Fabric,
    cell: number,
    settings: ClientSettings,
    registered: (site: MaarSite, effect: Registered) => void,
  ) {
    this.address = settings.address;
    this.cell = cell;
    this.#fabric = fabric;
    this.#client = new LocationClient(settings, fabric.scheduler.now);
    this.#registered = registered;
    fabric.add(this);
  }

  get cached(): number {
    return this.#client.cached;
  }

  get counters(): ReadonlyMap<string, number> {
    return this.#client.counters;
  }

  /** Calls `located` once: at once where it is known, or where no server is to be asked. */
  lookUp(where: Address, ask: boolean, located: Located): void {
    let answered = false;
    for (const effect of this.#step({ type: 'lookup', where, ask })) {
      if (effect.type !== 'located' || effect.where !== where) this.#carry(effect);
      else {
        answered = true;
        located(effect.binding, effect.binding !== undefined);
      }
    }
    if (answered) return;
    const others = this.#waiting.get(where);
    if (others === undefined) this.#waiting.set(where, [located]);
    else others.push(located);
  }

  take(event: ClientEvent | MobilityEvent | TimerEvent): void {
    for (const effect of this.#step(event)) this.#carry(effect);
  }

  #step(event: ClientEvent): ClientEffect[] {
    return this.#client.step(event, this.#fabric.scheduler.now);
  }

  #carry(effect: ClientEffect): void {
    switch (effect.type) {
      case 'located': {
        const waiting = this.#waiting.get(effect.where) ?? [];
        this.#waiting.delete(effect.where);
        for (const located of waiting) located(effect.binding, false);
        break;
      }
      case 'attached':
      case 'registered':
      case 'unreachable':
        this.#registered(this, effect);
        break;
      case 'asked':
      case 'context':
        break;
      default:
        this.#fabric.carry(this, effect);
    }
  }
}
