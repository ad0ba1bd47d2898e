/**
 * etcd alone, asked for what `maar lm` would ask it for, by as many at a time as there are clients of `maar lm`. Arguments: the store,
 * how many ask at a time, how many MNs there are, and how many requests go into one transaction. Orders are as in load-worker.ts.
 */
import { createInterface } from 'node:readline';
import type { StoreRequest } from '../../../functions/lm/store.ts';
import { EtcdClient } from '../../../io/lm/etcd/client.ts';
import { mnKey } from '../../../io/lm/etcd/keys.ts';
import { renew } from '../../../io/lm/etcd/leases.ts';
import { answersOf, transactionOf } from '../../../io/lm/etcd/transaction.ts';
import type { TransactionResult, Wanted } from '../../../io/lm/etcd/transaction.ts';
import { parseStore } from '../../../io/lm/open-store.ts';

const [store = '', concurrency, mns, together] = process.argv.slice(2);
const place = parseStore(store);
if (place?.kind !== 'etcd') throw new Error(`"${store}" is no etcd`);
const [CONCURRENCY, MNS, TOGETHER] = [Number(concurrency), Number(mns), Number(together)];
const DEADLINE = 10_000;
const client = new EtcdClient(place.endpoints, () => undefined);
const lease = await renew(client, 3_600, DEADLINE);

const nameOf = (mn: number): string => `bare${TOGETHER} ${mn}`;

/** Nothing but these workers changes these MNs: what they knew is always what is there. */
async function carryOut(requests: readonly Wanted['request'][]): Promise<number[]> {
  const wanted = requests.map((request) => ({
    ...{ request, basis: Number.MAX_SAFE_INTEGER - 1, lengths: new Set<number>() },
  }));
  const result = await client.call('/v3/kv/txn', transactionOf(wanted, lease), DEADLINE);
  const { answers } = answersOf(wanted, result as TransactionResult);
  return answers.map((answer) => {
    if (answer.type === 'ticket') return answer.counter;
    if (answer.type === 'committed') return 0;
    throw new Error(`${answer.type} where nothing is in the way`);
  });
}

/** A counter and a registration for each, as when an MN moves: two transactions. */
async function move(some: readonly number[], first: boolean): Promise<void> {
  const counters = await carryOut(some.map((id) => ({ type: 'ticket', id })));
  await carryOut(
    some.map((mn, index): Extract<StoreRequest, { type: 'commit' }> => {
      const counter = counters[index]!;
      const where = { locator: '2001:db8:b::1', by: '2001:db8:b::1', prefixes: ['2001:db8:a:1::/64'] };
      const registration = { mnId: nameOf(mn), counter, ...where, delegated: [], ended: false };
      const commit = { type: 'commit', id: mn, claimed: [], expected: first ? undefined : 0 } as const;
      return { ...commit, registration: { ...registration, expires: Date.now() + 3_600_000 } };
    }),
  );
}

async function query(some: readonly number[]): Promise<void> {
  await Promise.all(some.map((mn) => client.call('/v3/kv/range', { key: mnKey(nameOf(mn)) }, DEADLINE)));
}

async function run(ms: number, what: typeof move): Promise<number> {
  const end = performance.now() + ms;
  const begun = performance.now();
  let answered = 0;
  const worker = async (first: number): Promise<void> => {
    for (let step = 0; performance.now() < end; step++) {
      const some = Array.from({ length: TOGETHER }, (_, index) => (first + index + step * CONCURRENCY) % MNS);
      await what(some, false);
      answered += some.length;
    }
  };
  const workers = CONCURRENCY / TOGETHER;
  await Promise.all(Array.from({ length: workers }, (_, index) => worker(index * TOGETHER)));
  return answered / ((performance.now() - begun) / 1000);
}

async function prepare(): Promise<number> {
  for (let mn = 0; mn < MNS; mn += TOGETHER) {
    await move(
      Array.from({ length: Math.min(TOGETHER, MNS - mn) }, (_, index) => mn + index),
      true,
    );
  }
  return MNS;
}

for await (const line of createInterface(process.stdin)) {
  const [order, ms] = line.split(' ');
  const rate = order === 'prepare' ? prepare() : run(Number(ms), order === 'move' ? move : query);
  process.stdout.write(`${await rate}\n`);
}
client.close();
