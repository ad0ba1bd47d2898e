import { z } from 'zod';
import type { ServerPeer, ServerSettings } from '../../functions/lm/server/settings.ts';
import { parseStore } from '../../io/lm/open-store.ts';
import { address } from './aaa.ts';
import { ASSOCIATION_REMEDY, association, channelPeer, isProtected } from './association.ts';
import { canonicalPrefix } from './load.ts';

const DEFAULT_STATE = '/run/maar';

const text = (what: string) => z.string({ error: `must be ${what}` });
const seconds = (what: string, least: number, most: number) =>
  z
    .number({ error: `must be ${what} in seconds` })
    .min(least, { error: `must be at least ${least}` })
    .max(most, { error: `must be at most ${most}` });

export const storeName = text('a store, like "sqlite:/var/lib/maar/lm.db"').refine(
  (name) => parseStore(name) !== undefined,
  { error: 'must be "sqlite:FILE" or "etcd://HOST:PORT,HOST:PORT,..."' },
);

const peer = z
  .strictObject({
    name: text('a name for the log').optional(),
    address: address('the address that its messages come from'),
    role: z.enum(['maar', 'server'], { error: 'must be "maar" or "server" (of the pool)' }),
    ...association,
  })
  .refine(isProtected, { path: ['key'], error: ASSOCIATION_REMEDY });

/** `maar lm --config FILE`. */
export const lmSchema = z.strictObject({
  name: text('a name for the log').default('lm'),
  address: address('the IPv6 address to be reached at'),
  /** Overridden by --store. */
  store: storeName.optional(),
  stateDirectory: text('a directory for the control socket').optional(),
  primary: z.array(text('an IPv6 prefix').transform(canonicalPrefix), {
    error: 'must be a list of the prefixes that this server is the primary one of',
  }),
  gateway: address('the address that other networks send packets for visitors of this one to').optional(),
  maxLifetimeSeconds: seconds('the longest lifetime of a registration', 4, 262_140).default(3_600),
  clockSeconds: seconds('how far clocks may be apart', 3, 3_600).default(7),
  peer: z.array(peer, { error: 'must be a list of [[peer]] tables: MAARs and other servers' }),
});

export type LmConfig = z.output<typeof lmSchema>;

export function lmStateDirectory(config: LmConfig): string {
  return config.stateDirectory ?? `${DEFAULT_STATE}/${config.name}`;
}

/** What the server of a configuration is made from. */
export function serverSettings(config: LmConfig): Omit<ServerSettings, 'random'> {
  const { name, primary, gateway, maxLifetimeSeconds, clockSeconds } = config;
  return {
    ...{ name, address: config.address, primary, gateway },
    peers: config.peer.map((entry): ServerPeer => ({
      ...channelPeer({ ...entry, name: entry.name ?? entry.address }),
      role: entry.role === 'maar' ? 'client' : 'server',
    })),
    limits: { maxLifetime: maxLifetimeSeconds },
    channel: { window: clockSeconds * 1000 },
  };
}
