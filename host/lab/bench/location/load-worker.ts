/**
 * Clients of location management that ask as fast as they are answered. What they are comes as JSON in the first argument. Each
 * line of standard input is an order, answered by a line: `prepare` registers all MNs; `move MS` and `query MS` tell how many were
 * answered.
 */
import { createInterface } from 'node:readline';
import { LmClient } from '../../location/client.ts';

export interface LoadWorker {
  /** Each with the servers that it asks, in order of preference. */
  readonly clients: readonly { readonly address: string; readonly servers: readonly string[] }[];
  readonly key: string;
  /** A /64 for each MN, by its number. */
  readonly prefix: string;
  readonly mns: number;
  /** Requests that wait for answers at the same time. */
  readonly concurrency: number;
}

const { clients: plans, key, prefix, mns, concurrency } = JSON.parse(process.argv[2]!) as LoadWorker;

/** Every query goes to the server: nothing stays in a cache, and nothing is subscribed to. */
const settings = { capacity: 1, untoldFor: 2_000, subscription: 0, lifetime: 3_000 };
const clients = plans.map(
  ({ address, servers }) =>
    new LmClient({ address, servers: servers.map((server) => ({ address: server, key })), settings }),
);

const homeOf = (mn: number): string => `${prefix}:${(mn + 1).toString(16)}::`;
const clientOf = (step: number): LmClient => clients[step % clients.length]!;

async function move(mn: number, client: LmClient): Promise<boolean> {
  return (await client.arrive(`mn${mn}`, `${homeOf(mn)}/64`)) !== undefined;
}

async function query(mn: number, client: LmClient): Promise<boolean> {
  return (await client.lookUp(`${homeOf(mn)}1`)).binding !== undefined;
}

/** Each of as many workers as requests may wait has MNs of its own. */
async function run(ms: number, what: typeof move): Promise<number> {
  const end = performance.now() + ms;
  let answered = 0;
  const worker = async (first: number): Promise<void> => {
    for (let step = 0; performance.now() < end; step++) {
      const mn = (first + step * concurrency) % mns;
      if (await what(mn, clientOf(first + step))) answered++;
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: concurrency }, (_, index) => worker(index)));
  return answered / ((performance.now() - begun) / 1000);
}

async function prepare(): Promise<number> {
  for (let mn = 0; mn < mns; mn += concurrency) {
    const some = Array.from({ length: Math.min(concurrency, mns - mn) }, (_, index) => mn + index);
    await Promise.all(some.map((each) => move(each, clientOf(each))));
  }
  return mns;
}

for await (const line of createInterface(process.stdin)) {
  const [order, ms] = line.split(' ');
  const rate = order === 'prepare' ? prepare() : run(Number(ms), order === 'move' ? move : query);
  process.stdout.write(`${await rate}\n`);
}
await Promise.all(clients.map((client) => client.close()));
process.exit();
