import { z } from 'zod';
import type { PoolConfig } from '../../core/config.ts';
import { contains, splitPrefix } from '../../wire/address.ts';
import { canonicalPrefix } from './load.ts';

export const SQLITE = 'sqlite:';
export const MEMORY = 'memory';

/** Networks are cut into one /64 for each MN, of which the first is left out. */
const MN_PREFIX_LENGTH = 64;
const LONGEST = MN_PREFIX_LENGTH - 1;

const text = (what: string) => z.string({ error: `must be ${what}` }).min(1, { error: `must be ${what}` });
const prefix = (what: string) => text(what).transform(canonicalPrefix);
const seconds = z.int({ error: 'must be seconds' }).min(1, { error: 'must be seconds, at least 1' });

const network = z.strictObject({
  name: text('a name for logs').regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, {
    error: 'must be letters, digits, "-" and "_", 32 at most',
  }),
  prefix: prefix('a part of the prefix of the pool'),
  mode: z
    .enum(['stateless', 'stateful'], { error: 'must be "stateless" (by RA) or "stateful" (by DHCPv6)' })
    .default('stateless'),
  preferredSeconds: seconds.exactOptional(),
  validSeconds: seconds.exactOptional(),
  mnId: text('an MN-ID, or a pattern with one "*"')
    .refine((id) => id.split('*').length <= 2, { error: 'may have one "*" at most' })
    .default('*'),
});

/** `[pool]` and its `[[pool.network]]` tables. */
export const poolSection = z.strictObject(
  {
    prefix: prefix('the prefix that this MAAR assigns from'),
    preferredSeconds: seconds.default(1_800),
    validSeconds: seconds.default(3_600),
    /** Where leases survive a restart; without, a file of the state directory. */
    store: z
      .string({ error: `must be "${SQLITE}FILE" or "${MEMORY}"` })
      .regex(/^(?:sqlite:.+|memory)$/, { error: `must be "${SQLITE}FILE" or "${MEMORY}"` })
      .exactOptional(),
    network: z.array(network, { error: 'must be a list of [[pool.network]] tables' }).default([]),
  },
  { error: 'must be a table, [pool]' },
);

type Pool = z.output<typeof poolSection>;

interface Fault {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** What can only be seen of several values of the section together. */
export function poolFaults(pool: Pool): Fault[] {
  const faults: Fault[] = [];
  const fault = (path: PropertyKey[], message: string): void => void faults.push({ path, message });
  const check = (
    path: PropertyKey[],
    part: Pick<PoolConfig, 'prefix' | 'preferredSeconds' | 'validSeconds'>,
  ): void => {
    if (splitPrefix(part.prefix).length > LONGEST) {
      const why = `every MN gets a /${MN_PREFIX_LENGTH}, and the first of them is the router's`;
      fault([...path, 'prefix'], `must be a /${LONGEST} or shorter: ${why}`);
    }
    if (part.preferredSeconds > part.validSeconds) {
      fault([...path, 'preferredSeconds'], 'must not be longer than validSeconds (RFC 4861 section 6.2.1)');
    }
  };
  check([], pool);
  const { networks = [] } = controlPool(pool);
  networks.forEach((part, index) => {
    const path = ['network', index];
    check(path, part);
    if (!contains(pool.prefix, part.prefix)) {
      fault([...path, 'prefix'], `must lie in the prefix of the pool, ${pool.prefix}`);
    }
    const earlier = networks.slice(0, index);
    if (earlier.some(({ name }) => name === part.name)) {
      fault([...path, 'name'], 'must not be the same as that of another network');
    }
    const other = earlier.find(
      (one) => contains(one.prefix, part.prefix) || contains(part.prefix, one.prefix),
    );
    if (other !== undefined) {
      fault([...path, 'prefix'], `must not overlap ${other.prefix} of network "${other.name}"`);
    }
  });
  return faults;
}

/** What the control plane needs of the section: a network without times of its own has those of the pool. */
export function controlPool({
  prefix: whole,
  preferredSeconds,
  validSeconds,
  network: networks,
}: Pool): PoolConfig {
  const times = { preferredSeconds, validSeconds };
  return { prefix: whole, ...times, networks: networks.map((part) => ({ ...times, ...part })) };
}
