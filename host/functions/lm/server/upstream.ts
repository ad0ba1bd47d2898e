import type { Address } from '../../../../bindings/entries.ts';
import type { Channel } from '../channel.ts';
import { LM_STATUS } from '../messages/constants.ts';
import type { ProxyBindingQuery, ProxyBindingUpdate, ProxyQueryAnswer } from '../messages/message.ts';
import type { Outcome } from './registrar.ts';

/** The proxy's side of a server (LMp): asks and updates the primary servers of other prefixes on behalf of clients here. */
export class Upstream {
  readonly #channel: Channel;
  /** Tells queries apart that are under way at the same time. */
  #queries = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
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
}
