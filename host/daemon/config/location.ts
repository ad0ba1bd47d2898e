import { z } from 'zod';
import { DEFAULT_LOCATION, type LocationConfig } from '../../core/config.ts';
import type { ChannelPeer } from '../../functions/lm/channel.ts';
import { address } from './aaa.ts';
import { ASSOCIATION_REMEDY, association, channelPeer, isProtected } from './association.ts';

const seconds = (millis: number): number => millis / 1000;
const whole = (what: string, least: number, most: number) =>
  z
    .int({ error: `must be ${what}` })
    .min(least, { error: `must be ${what}, at least ${least}` })
    .max(most, { error: `must be ${what}, at most ${most}` });

/** Lifetime fields hold 16 bits in units of 4 seconds. */
const MAX_SECONDS = 262_140;

/** [lm] of a MAAR: its servers of location management, and how long it believes what it has heard. */
export const locationSection = z.strictObject(
  {
    cacheEntries: whole('a number of entries', 16, 16_777_216).default(DEFAULT_LOCATION.capacity),
    absentSeconds: whole('seconds', 1, 3_600).default(seconds(DEFAULT_LOCATION.absentFor)),
    untoldSeconds: whole('seconds', 1, 3_600).default(seconds(DEFAULT_LOCATION.untoldFor)),
    subscriptionSeconds: whole('seconds', 4, MAX_SECONDS).default(DEFAULT_LOCATION.subscription),
    clockSeconds: whole('seconds', 3, 3_600).default(seconds(DEFAULT_LOCATION.window)),
    server: z
      .array(
        z
          .strictObject({
            name: z.string({ error: 'must be a name for the log' }).exactOptional(),
            address: address('the address of a server of location management'),
            ...association,
          })
          .refine(isProtected, { path: ['key'], error: ASSOCIATION_REMEDY }),
        { error: 'must be a list of [[lm.server]] tables, in order of preference' },
      )
      .min(1, { error: 'must have one [[lm.server]] table at least' }),
  },
  { error: 'must be a table, [lm]' },
);

export type LocationSection = z.output<typeof locationSection>;

/** What the client in the control plane needs of it; `maars` are the peers with their keys. */
export function locationConfig(section: LocationSection, maars: readonly ChannelPeer[]): LocationConfig {
  return {
    servers: section.server.map((server) => channelPeer({ ...server, name: server.name ?? server.address })),
    maars,
    capacity: section.cacheEntries,
    absentFor: section.absentSeconds * 1000,
    untoldFor: section.untoldSeconds * 1000,
    subscription: section.subscriptionSeconds,
    window: section.clockSeconds * 1000,
  };
}
