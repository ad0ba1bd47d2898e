import type { EtcdClient } from './client.ts';
import { KEY, counterText, decode, encode } from './keys.ts';
import { counterOf } from './state.ts';
import { highestCounter } from './transaction.ts';

const SCHEMA_VERSION = '1';
/** How often new leases are taken. */
export const RENEW_MS = 300_000;
/** Of `alive`, in seconds: a server that could not renew it once is still alive. */
const ALIVE_SECONDS = 600;
/**
 * What registrations and claims outlive the longest lifetime by, in seconds: more than `ALIVE_SECONDS` by as much as servers can be
 * late to forget what ended.
 */
const SLACK_SECONDS = 3_600;

interface Granted {
  readonly ID: string;
}

interface Answer {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly {
    readonly response_range?: { readonly kvs?: readonly { readonly value?: string }[] };
  }[];
}

/**
 * Makes the store one that this program knows, and raises the floor where no server has been alive for ten minutes: a lease may
 * have removed registrations meanwhile, and nobody has put their counters into the floor. Throws for a later layout, and for
 * registrations from a cluster whose revisions were higher.
 */
export async function prepare(client: EtcdClient, deadline: number): Promise<void> {
  const schema = encode(KEY.schema);
  const made = (await client.call(
    '/v3/kv/txn',
    {
      compare: [{ key: schema, target: 'VERSION', result: 'EQUAL', version: 0 }],
      success: [
        { request_put: { key: schema, value: encode(SCHEMA_VERSION) } },
        { request_put: { key: encode(KEY.floor), value: encode(counterText(0)) } },
      ],
      failure: [{ request_range: { key: schema } }],
    },
    deadline,
  )) as Answer;
  const version = made.responses?.[0]?.response_range?.kvs?.[0]?.value;
  if (made.succeeded !== true && decode(version ?? '') !== SCHEMA_VERSION) {
    throw new Error(`its layout is version ${decode(version ?? '')}; this program knows ${SCHEMA_VERSION}`);
  }
  await raiseFloor(client, deadline);
}

/** Takes a lease for what is put from now on, and says that a server is alive. Resolves to the lease. */
export async function renew(client: EtcdClient, maxLifetime: number, deadline: number): Promise<string> {
  const alive = (await client.call('/v3/lease/grant', { TTL: ALIVE_SECONDS }, deadline)) as Granted;
  await client.call('/v3/kv/put', { key: encode(KEY.alive), lease: alive.ID }, deadline);
  const TTL = maxLifetime + SLACK_SECONDS;
  return ((await client.call('/v3/lease/grant', { TTL }, deadline)) as Granted).ID;
}

async function raiseFloor(client: EtcdClient, deadline: number): Promise<void> {
  const [alive, key] = [encode(KEY.alive), encode(KEY.floor)];
  const now = (await client.call('/v3/kv/range', { key }, deadline)) as Answer & {
    kvs?: { value?: string }[];
  };
  const highest = highestCounter(Number(now.header.revision));
  if (counterOf(now.kvs?.[0]?.value ?? '') > highest) {
    throw new Error('it was copied from a cluster with higher revisions, which counters are made from');
  }
  await client.call(
    '/v3/kv/txn',
    {
      compare: [
        { key: alive, target: 'VERSION', result: 'EQUAL', version: 0 },
        { key, target: 'VALUE', result: 'LESS', value: encode(counterText(highest)) },
      ],
      success: [{ request_put: { key, value: encode(counterText(highest)) } }],
    },
    deadline,
  );
}
