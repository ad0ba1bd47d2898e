import { z } from 'zod';
import { LINK_TUNNEL } from '../../../bindings/entries.ts';
import { parseMac } from '../../wire/address.ts';
import { canonicalAddress, canonicalPrefix } from '../config/load.ts';

const LAST_LINK = LINK_TUNNEL - 1;
const UINT32_MAX = 0xffff_ffff;

const address = z.string({ error: 'must be an IPv6 address in quotes' }).transform(canonicalAddress);
const prefix = z.string({ error: 'must be an IPv6 prefix in quotes' }).transform(canonicalPrefix);
const mac = z.string({ error: 'must be a MAC address in quotes' }).transform((text, context) => {
  const parsed = parseMac(text);
  if (parsed === undefined) context.addIssue('must be a MAC address, like "02:00:00:00:00:0a"');
  return parsed ?? text;
});
const whole = (least: number, most: number) =>
  z
    .int({ error: `must be a whole number from ${least} to ${most}` })
    .min(least)
    .max(most);
const link = whole(0, LAST_LINK);
const limit = whole(0, 254).exactOptional();

/** An object that names a hold entry: by prefix, or by station. */
const holdKeyed = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.discriminatedUnion(
    'direction',
    [
      z.strictObject({ ...shape, direction: z.enum(['from', 'to']), prefix }),
      z.strictObject({ ...shape, direction: z.literal('station'), link, mac }),
    ],
    { error: 'must have "direction": "from", "to" or "station"' },
  );

const flow = {
  src: address,
  dst: address,
  protocol: whole(0, 255),
  sourcePort: whole(0, 65_535).default(0),
  destinationPort: whole(0, 65_535).default(0),
};

const entry = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('deliver'), prefix, link, nextHop: address, mac }),
    z.strictObject({ kind: z.literal('tunnel'), prefix, locator: address, limit }),
    z.strictObject({
      kind: z.literal('flow'),
      ...flow,
      action: z.discriminatedUnion(
        'kind',
        [
          z.strictObject({ kind: z.literal('deliver'), link, nextHop: address, mac }),
          z.strictObject({ kind: z.literal('tunnel'), locator: address, limit }),
        ],
        { error: 'must have "kind": "deliver" or "tunnel"' },
      ),
    }),
    z.strictObject({
      kind: z.literal('rewrite'),
      prefix,
      locator: prefix,
      restore: z.literal(true, { error: 'must be true or absent' }).exactOptional(),
    }),
    z.strictObject({
      kind: z.literal('buffer'),
      prefix,
      packets: whole(1, UINT32_MAX),
      bytes: whole(1, UINT32_MAX),
      millis: whole(1, UINT32_MAX),
    }),
    z.strictObject({
      kind: z.literal('source'),
      prefix,
      link: whole(0, LINK_TUNNEL),
      mac: mac.exactOptional(),
      reverse: address.exactOptional(),
      limit,
    }),
    z.strictObject({ kind: z.literal('peer'), address }),
    holdKeyed({
      kind: z.literal('hold'),
      packets: whole(1, UINT32_MAX),
      millis: whole(1, UINT32_MAX),
    }),
  ],
  { error: 'must have "kind": "deliver", "tunnel", "flow", "buffer", "rewrite", "source", "peer" or "hold"' },
);

const deletion = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ op: z.literal('delete'), kind: z.literal('destination'), prefix }),
    z.strictObject({
      op: z.literal('delete'),
      kind: z.literal('source'),
      prefix,
      link: whole(0, LINK_TUNNEL),
    }),
    z.strictObject({ op: z.literal('delete'), kind: z.literal('flow'), ...flow }),
    z.strictObject({ op: z.literal('delete'), kind: z.literal('peer'), address }),
    holdKeyed({ op: z.literal('delete'), kind: z.literal('hold') }),
  ],
  { error: 'must have "kind": "destination", "source", "flow", "peer" or "hold"' },
);

const command = z.discriminatedUnion(
  'op',
  [
    z.strictObject({ op: z.literal('put'), entry }),
    deletion,
    holdKeyed({ op: z.literal('release') }),
    holdKeyed({ op: z.literal('discard') }),
  ],
  { error: 'must have "op": "put", "delete", "release" or "discard"' },
);

const seed = z
  .string({ error: 'must be up to 16 hexadecimal digits in quotes' })
  .regex(/^[0-9a-f]{1,16}$/i, { error: 'must be up to 16 hexadecimal digits' })
  .transform((digits) => BigInt(`0x${digits}`));

/** The file that `maar replay --entries` reads; docs/replay.md describes it. */
export const replaySchema = z.strictObject({
  options: z.strictObject({
    locator: address,
    coreMtu: whole(1280, 65_535).default(1500),
    seed: seed.default(0n),
    hopLimitDone: z.boolean({ error: 'must be true or false' }).default(false),
    clampMss: z.boolean({ error: 'must be true or false' }).default(false),
    capacities: z
      .strictObject({
        batch: whole(1, 1024).default(64),
        destinations: whole(1, 1_048_576).default(4096),
        sources: whole(1, 1_048_576).default(4096),
        peers: whole(1, 65_536).default(256),
        flows: whole(1, 1_048_576).default(4096),
        held: whole(1, 16_384).default(256),
        flowEntries: whole(0, 65_536).default(256),
      })
      .prefault({}),
  }),
  ports: z
    .array(
      z.strictObject({
        interface: z.string({ error: 'must be the name of a capture interface' }).exactOptional(),
        source: prefix.exactOptional(),
        port: z.union([z.literal('core'), link], {
          error: `must be "core" or the number of an access link, 0 to ${LAST_LINK}`,
        }),
      }),
      { error: 'must be a list of rules that tell where packets came from' },
    )
    .min(1, { error: 'must have one rule at least, such as {"port": "core"}' }),
  entries: z.array(entry, { error: 'must be a list of entries' }),
  commands: z
    .array(z.strictObject({ before: whole(1, UINT32_MAX), command }))
    .refine((list) => list.every(({ before }, index) => index === 0 || before >= list[index - 1]!.before), {
      error: 'must be in the order of their packet numbers',
    })
    .default([]),
});

export type ReplayFile = z.output<typeof replaySchema>;
