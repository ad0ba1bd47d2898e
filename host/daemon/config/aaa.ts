import { z } from 'zod';
import { DOCUMENTATION_VENDOR } from '../../wire/diameter/dictionary.ts';
import { isIdentity } from '../../wire/diameter/values.ts';
import { canonicalAddress } from './load.ts';

/** Port of Diameter over TCP, RFC 6733 section 2.1. */
export const DIAMETER_PORT = 3868;

const text = (what: string) => z.string({ error: `must be ${what}` });
const integer = (what: string, least: number, most: number) =>
  z
    .int({ error: `must be ${what}, ${least} to ${most}` })
    .min(least, { error: `must be at least ${least}` })
    .max(most, { error: `must be at most ${most}` });

/** A Diameter identity or realm: a domain name. */
export const identity = (what: string) =>
  text(`${what}, like "aaa.example.org"`).refine(isIdentity, {
    error: `must be ${what}, like "aaa.example.org"`,
  });
export const address = (what: string) => text(what).transform(canonicalAddress);
export const port = integer('a TCP port', 1, 65_535);
export const vendorId = integer('the enterprise number that owns our AVPs', 1, 0xffff_ffff).default(
  DOCUMENTATION_VENDOR,
);

/** `maar aaa --config FILE`. */
export const aaaSchema = z.strictObject({
  /** Name in the log. */
  name: text('a name for the log').default('aaa'),
  originHost: identity('the name of this server'),
  originRealm: identity('the realm that it serves'),
  listen: z
    .array(
      z.strictObject({
        address: address('the IPv6 address to listen on'),
        port: port.default(DIAMETER_PORT),
      }),
      {
        error: 'must be a list of [[listen]] tables',
      },
    )
    .min(1, { error: 'must have one [[listen]] table at least' }),
  /** SQLite file of the registrations. */
  database: text('the path of the file that keeps the registrations'),
  vendorId,
  /** How long a registration outlives its STR. */
  holdSeconds: z
    .number({ error: 'must be a number of seconds' })
    .min(0, { error: 'must not be negative' })
    .default(10),
  watchdogSeconds: z
    .number({ error: 'must be a number of seconds' })
    .min(6, { error: 'must be at least 6 (RFC 3539 section 3.4.1)' })
    .default(30),
  peer: z.array(
    z.strictObject({
      host: identity('the Diameter identity of a MAAR or relay'),
      role: z.enum(['maar', 'relay'], { error: 'must be "maar" or "relay"' }),
      address: address('the address at which this MAAR registers MNs').optional(),
    }),
    { error: 'must be a list of [[peer]] tables: who may talk to this server' },
  ),
  subscriber: z
    .array(
      z.strictObject({
        mnId: text('an MN-ID, or a pattern with one "*"').refine((id) => id.split('*').length <= 2, {
          error: 'may have one "*" at most',
        }),
        allowed: z.boolean({ error: 'must be true or false' }).default(true),
      }),
      { error: 'must be a list of [[subscriber]] tables: the MNs that may attach' },
    )
    .default([]),
});

export type AaaServerConfig = z.output<typeof aaaSchema>;
