import type { Address } from '../../../../bindings/entries.ts';
import type { Channel } from '../channel.ts';
import { LM_STATUS } from '../messages/constants.ts';
import type {
  Binding,
  ProxyBindingQuery,
  ProxyBindingUpdate,
  ProxyQueryAnswer,
} from '../messages/message.ts';
import { prefixesOf } from '../table.ts';
import type { Outcome } from './registrar.ts';

/** An MN that is registered with its home server as being in this network. */
interface Kept {
  readonly mnId: string;
  readonly counter: number;
  readonly prefixes: string;
  /** When to register and subscribe again: at half of what ends first. */
  readonly renew: number;
  readonly until: number;
}

/** The proxy's side of a server (LMp): asks and updates the primary servers of other prefixes on behalf of clients here. */
export class Upstream {
  readonly #channel: Channel;
  readonly #subscription: number;
  /** By home server and MN. */
  readonly #kept = new Map<string, Kept>();
  /** Tells queries apart that are under way at the same time. */
  #queries = 0;

  /** `subscription`: seconds for which to be told of MNs that move to another network. */
  constructor(channel: Channel, subscription: number) {
    this.#channel = channel;
    this.#subscription = subscription;
  }

  query(
    server: Address,
    query: Pick<ProxyBindingQuery, 'register' | 'lifetimeSeconds' | 'mnId' | 'where'>,
    done: (answer: ProxyQueryAnswer | undefined) => void,
  ): void {
    const { register, lifetimeSeconds, mnId, where } = query;
    this.#channel.request(
      server,
      `query ${++this.#queries}`,
      {
        ...{ kind: 'PBQ', register, lifetimeSeconds },
        ...(mnId === undefined ? {} : { mnId }),
        ...(where === undefined ? {} : { where }),
      },
      (answer) => done(answer?.kind === 'PQA' ? answer : undefined),
    );
  }

  /** Passes an update on as it is; the counter in it is the primary server's. */
  update(server: Address, update: ProxyBindingUpdate, done: (outcome: Outcome) => void): void {
    const { sequence: _, timestamp: __, ...draft } = update;
    this.#channel.request(server, `update ${update.mnId}`, draft, (answer) =>
      done(
        answer?.kind === 'PBA' ? answer : { status: LM_STATUS.unspecified, counter: 0, lifetimeSeconds: 0 },
      ),
    );
  }

  /**
   * Sees to it that the home server knows the MN to be in this network: `done` with a status, at once if it knows already.
   * Moves within the network thus never reach it, and refreshments only when its own registration needs one.
   */
  keep(
    home: Address,
    update: ProxyBindingUpdate,
    lifetimeSeconds: number,
    done: (status: number) => void,
  ): void {
    const { mnId } = update;
    const { now } = this.#channel;
    const key = `${home} ${mnId}`;
    const prefixes = prefixesOf(update).sort().join();
    const kept = this.#kept.get(key);
    const current = kept !== undefined && kept.until > now && kept.prefixes === prefixes ? kept : undefined;
    if (lifetimeSeconds === 0) {
      this.#kept.delete(key);
      if (current === undefined) done(LM_STATUS.accepted);
      else this.#register(home, { ...update, counter: current.counter, lifetimeSeconds: 0 }, done);
    } else if (current !== undefined) {
      if (now >= current.renew) {
        this.query(home, { ...this.#aboutHome(update), register: false }, () => undefined);
        this.#register(home, { ...update, counter: current.counter }, () => undefined);
      }
      done(LM_STATUS.accepted);
    } else {
      this.query(home, { ...this.#aboutHome(update), register: true }, (answer) => {
        if (answer?.ticket === undefined) done(answer?.status ?? LM_STATUS.unspecified);
        else this.#register(home, { ...update, counter: answer.ticket }, done);
      });
    }
  }

  /** The home server says where an MN is now. Returns the MNs that are thus no longer in this network. */
  moved(binding: Binding): string[] {
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

  /** A query about a visitor, which also asks to be told when it goes elsewhere. */
  #aboutHome({ mnId, prefixes }: ProxyBindingUpdate): Omit<Parameters<Upstream['query']>[1], 'register'> {
    const [where] = prefixes;
    return { mnId, lifetimeSeconds: this.#subscription, ...(where === undefined ? {} : { where }) };
  }

  #register(home: Address, update: ProxyBindingUpdate, done: (status: number) => void): void {
    this.update(home, update, ({ status, lifetimeSeconds }) => {
      const { now } = this.#channel;
      const { mnId, counter } = update;
      const key = `${home} ${mnId}`;
      if (status === LM_STATUS.accepted && lifetimeSeconds > 0) {
        const prefixes = prefixesOf(update).sort().join();
        const until = now + lifetimeSeconds * 1000;
        const renew = now + Math.min(lifetimeSeconds, this.#subscription) * 500;
        this.#kept.set(key, { mnId, counter, prefixes, renew, until });
      } else {
        this.#kept.delete(key);
      }
      done(status);
    });
  }
}
