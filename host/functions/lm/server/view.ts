import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { Channel } from '../channel.ts';
import { inForce } from '../table.ts';
import type { RegistrationTable } from '../table.ts';
import type { Pool } from './pool.ts';
import type { Subscriptions } from './subscriptions.ts';

/** What `maar show` shows of an LM server. */
export interface ServerView {
  readonly role: 'lm';
  readonly name: string;
  readonly address: Address;
  readonly now: number;
  readonly registrations: readonly {
    readonly mnId: string;
    readonly locator: Address;
    readonly counter: number;
    readonly prefixes: readonly Prefix[];
    readonly delegated: readonly Prefix[];
    /** Milliseconds since 1970. */
    readonly expires: number;
  }[];
  readonly pool: readonly {
    readonly server: string;
    readonly primary: readonly Prefix[];
    /** Milliseconds since 1970; null: for ever. */
    readonly until: number | null;
  }[];
  readonly subscriptions: number;
  readonly counters: Readonly<Record<string, number>>;
}

export function serverView(
  { name, address }: { readonly name: string; readonly address: Address },
  now: number,
  parts: {
    readonly table: RegistrationTable;
    readonly pool: Pool;
    readonly subscriptions: Subscriptions;
    readonly channel: Channel;
  },
): ServerView {
  const { table, pool, subscriptions, channel } = parts;
  return {
    role: 'lm',
    name,
    address,
    now,
    registrations: table
      .all()
      .filter((registration) => inForce(registration, now))
      .map(({ mnId, locator, counter, prefixes, delegated, expires }) => ({
        ...{ mnId, locator, counter, prefixes, delegated, expires },
      })),
    pool: [
      { server: name, primary: pool.own, until: null },
      ...pool.members().map(({ server, ...member }) => ({ server: channel.nameOf(server), ...member })),
    ],
    subscriptions: subscriptions.size,
    counters: Object.fromEntries(channel.counters),
  };
}
