import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { contains } from '../../../wire/address.ts';
import { LM_STATUS } from '../messages/constants.ts';
import type { ProxyBindingUpdate } from '../messages/message.ts';
import { PrefixMap } from '../prefix-map.ts';
import type { Registration, StoreAnswer, StoreRequest } from '../store.ts';
import { inForce, prefixesOf } from '../table.ts';
import type { RegistrationTable } from '../table.ts';

export interface Outcome {
  readonly status: number;
  /** The counter in force at the server. */
  readonly counter: number;
  readonly lifetimeSeconds: number;
}

export type RegistrationRequest = Pick<
  ProxyBindingUpdate,
  'mnId' | 'counter' | 'locator' | 'prefixes' | 'delegated' | 'lifetimeSeconds'
> & { readonly by: Address };

export interface RegistrarSettings {
  /** The longest lifetime that is granted, in seconds. */
  readonly maxLifetime: number;
  /** For how long an ended registration stays, to refuse what comes late, in milliseconds. */
  readonly keepEnded: number;
}

/** What the registrar needs of the server. */
export interface RegistrarPorts {
  /** Whether other servers change the store too, so that the table may be behind it. */
  readonly shared: boolean;
  now(): number;
  store(request: StoreRequest): void;
  /** Called after the store has kept `next`. */
  changed(previous: Registration | undefined, next: Registration): void;
}

/** The store does not answer; whatever it did with the request, the client may send it again. */
const FAILED: Outcome = { status: LM_STATUS.noResources, counter: 0, lifetimeSeconds: 0 };

type Waiting = (answer: StoreAnswer) => void;
/** True if it went to the store. */
type Turn = () => boolean;

/**
 * The registrations that this server is in charge of: compares counters, one update of an MN at a time, and reports nothing
 * done before the store has kept it.
 */
export class Registrar {
  readonly #table: RegistrationTable;
  readonly #settings: RegistrarSettings;
  readonly #ports: RegistrarPorts;
  readonly #waiting = new Map<number, Waiting>();
  /** MNs with an update at the store, and what waits behind it. */
  readonly #busy = new Map<string, Turn[]>();
  /** Prefixes of updates at the store, and whose they are going to be. */
  readonly #claims = new PrefixMap<string>();
  #lastId = 0;

  constructor(table: RegistrationTable, settings: RegistrarSettings, ports: RegistrarPorts) {
    this.#table = table;
    this.#settings = settings;
    this.#ports = ports;
  }

  /** The next counter, or undefined if the store failed. */
  ticket(done: (counter: number | undefined) => void): void {
    const id = this.#wait((answer) => done(answer.type === 'ticket' ? answer.counter : undefined));
    this.#ports.store({ type: 'ticket', id });
  }

  /** Whether the table has every change made so far, by whichever server; false if the store failed. */
  confirm(done: (confirmed: boolean) => void): void {
    const id = this.#wait((answer) => done(answer.type === 'confirmed'));
    this.#ports.store({ type: 'confirm', id });
  }

  register(request: RegistrationRequest, done: (outcome: Outcome) => void): void {
    const queue = this.#busy.get(request.mnId);
    if (queue === undefined) this.#register(request, done);
    else queue.push(() => this.#register(request, done));
  }

  /** Refuses counters up to `floor` for MNs without a registration, from now on. */
  raiseFloor(floor: number): void {
    this.#table.forget([], floor);
    this.#ports.store({ type: 'forget', id: ++this.#lastId, mnIds: [], floor });
  }

  /** Hands on what the store answered. */
  stored(answer: StoreAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    waiting?.(answer);
  }

  /** Lets go of what ended or expired long enough ago. */
  sweep(): void {
    const gone = this.#table
      .stale(this.#ports.now() - this.#settings.keepEnded)
      .filter(({ mnId }) => !this.#busy.has(mnId));
    if (gone.length === 0) return;
    const mnIds = gone.map(({ mnId }) => mnId);
    const floor = Math.max(...gone.map(({ counter }) => counter));
    for (const mnId of mnIds) this.#busy.set(mnId, []);
    const id = this.#wait((answer) => {
      if (answer.type === 'forgotten') {
        // Another server may have registered one anew, and told so already.
        const left = gone.filter((each) => this.#table.get(each.mnId) === each);
        this.#table.forget(
          left.map(({ mnId }) => mnId),
          floor,
        );
      }
      for (const mnId of mnIds) this.#next(mnId);
    });
    this.#ports.store({ type: 'forget', id, mnIds, floor });
  }

  #register(
    request: RegistrationRequest,
    done: (outcome: Outcome) => void,
    confirmed = !this.#ports.shared,
  ): boolean {
    const { mnId, counter } = request;
    const now = this.#ports.now();
    const current = this.#table.get(mnId);
    const refused = this.#refusal(request, current, now);
    if (refused !== undefined && !confirmed) {
      this.#hold(mnId);
      this.confirm((known) => {
        if (!known) done(FAILED);
        if (!known || !this.#register(request, done, true)) this.#next(mnId);
      });
      return true;
    }
    if (refused !== undefined) {
      const inCharge = current?.counter ?? this.#table.floor;
      done({ status: refused, counter: inCharge, lifetimeSeconds: 0 });
      return false;
    }
    const granted = Math.min(request.lifetimeSeconds, this.#settings.maxLifetime);
    const { locator, by, prefixes, delegated } = request;
    const ended = granted === 0;
    const registration = {
      ...{ mnId, counter, locator, by, prefixes, delegated, ended },
      expires: now + granted * 1000,
    };
    this.#hold(mnId);
    const held = current !== undefined && inForce(current, now) ? prefixesOf(current) : [];
    const claimed = ended ? [] : prefixesOf(request).filter((prefix) => !held.includes(prefix));
    for (const prefix of claimed) this.#claims.set(prefix, mnId);
    const id = this.#wait((answer) => {
      // A shared store has told of what it answers already, and perhaps of what came after: then the table has another one.
      const untold = this.#table.get(mnId) === current;
      for (const prefix of claimed) this.#claims.delete(prefix);
      if (answer.type === 'conflict') {
        if (untold) {
          if (answer.current !== undefined) this.#table.put(answer.current);
          else this.#table.forget([mnId], 0);
        }
        if (!this.#register(request, done)) this.#next(mnId);
        return;
      }
      if (answer.type === 'committed') {
        if (untold) {
          this.#table.put(registration);
          this.#ports.changed(current, registration);
        }
        done({ status: LM_STATUS.accepted, counter, lifetimeSeconds: granted });
      } else {
        done(FAILED);
      }
      this.#next(mnId);
    });
    this.#ports.store({ type: 'commit', id, registration, expected: current?.counter, claimed });
    return true;
  }

  /** The status that refuses an update, or undefined. */
  #refusal(request: RegistrationRequest, current: Registration | undefined, now: number): number | undefined {
    const { mnId, counter, lifetimeSeconds } = request;
    if (counter < (current?.counter ?? this.#table.floor + 1)) return LM_STATUS.superseded;
    // The same counter is a refreshment by the one it was handed out to: it moves nothing, and revives nothing.
    if (current?.counter === counter) {
      if (current.by !== request.by || current.locator !== request.locator) return LM_STATUS.superseded;
      if (current.ended && lifetimeSeconds > 0) return LM_STATUS.superseded;
    }
    if (lifetimeSeconds === 0) {
      return current !== undefined && inForce(current, now) ? undefined : LM_STATUS.unknown;
    }
    const prefixes = prefixesOf(request);
    if (prefixes.length === 0) return LM_STATUS.unspecified;
    const taken = prefixes.some(
      (prefix) => this.#claimedByAnother(prefix, mnId) || this.#table.heldByAnother(prefix, mnId, now),
    );
    return taken ? LM_STATUS.prefixOfAnother : undefined;
  }

  /** Whether an update at the store wants a part of the prefix for another MN. */
  #claimedByAnother(prefix: Prefix, mnId: string): boolean {
    for (const [, claimant] of this.#claims.around(prefix)) if (claimant !== mnId) return true;
    if (!this.#claims.hasLongerThan(prefix)) return false;
    for (const [inner, claimant] of this.#claims.entries()) {
      if (claimant !== mnId && contains(prefix, inner)) return true;
    }
    return false;
  }

  /** What else comes for this MN waits from now on. */
  #hold(mnId: string): void {
    if (!this.#busy.has(mnId)) this.#busy.set(mnId, []);
  }

  /** Goes on with what waits for this MN: a turn that goes to the store calls this again, any other is over at once. */
  #next(mnId: string): void {
    const queue = this.#busy.get(mnId) ?? [];
    for (let turn = queue.shift(); turn !== undefined; turn = queue.shift()) if (turn()) return;
    this.#busy.delete(mnId);
  }

  #wait(waiting: Waiting): number {
    this.#waiting.set(++this.#lastId, waiting);
    return this.#lastId;
  }
}
