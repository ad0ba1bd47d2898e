/** `maar bench lm`: updates and queries a second of servers of location management, beside the store alone. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { emitConfig } from '../../../daemon/config/emit.ts';
import { lmSchema } from '../../../daemon/config/lm.ts';
import { etcdCommand, etcdObstacle, etcdServes, etcdStore } from '../../etcd.ts';
import { nodeCommand } from '../../netns/node-command.ts';
import { Sandbox, netnsObstacle } from '../../netns/sandbox.ts';
import { Program } from '../native.ts';
import { quantile } from '../run.ts';
import { numbers, shuffled } from '../workload.ts';
import type { LoadWorker } from './load-worker.ts';

const NETNS = 'bench';
const KEY = '5a'.repeat(32);
const MEMBERS = [1, 2, 3].map((number) => ({ name: `etcd${number}`, address: `fd00::e${number}` }));
const SQLITE = { name: 'sqlite1', address: 'fd00::1' };
const SERVERS = [1, 2, 3].map((number) => ({ name: `lm${number}`, address: `fd00::d${number}` }));
const PREFIX = '2001:db8:a';
/** MNs of one arrangement, and requests that wait at the same time. */
const [MNS, CONCURRENCY] = [2_048, 64];
/** For servers that were stopped to learn what was done meanwhile. */
const SETTLE_MS = 700;
/** Of a daemon's output, for a report of its end. */
const LAST_LINES = 5;

/** Who is asked; the servers of etcd that take no part are stopped, so that they cost nothing. */
const LINES = [
  { name: 'SQLite, one server', servers: [SQLITE], running: 0 },
  { name: 'etcd, one server', servers: SERVERS.slice(0, 1), running: 1 },
  { name: 'etcd, three servers', servers: SERVERS, running: 3 },
  { name: 'etcd alone', together: 1, running: 0 },
  { name: 'etcd alone, 32 requests a transaction', together: 32, running: 0 },
] as const;
/** Each arrangement has its own, since every socket of an address gets all that comes to it. */
const clientsOf = (line: (typeof LINES)[number]): string[] =>
  'servers' in line ? [1, 2, 3].map((number) => `fd00::c${LINES.indexOf(line)}${number}`) : [];
const CLIENTS = LINES.flatMap(clientsOf);
const ORDERS = ['move', 'query'] as const;
const REFERENCE = 'etcd alone';

export interface LocationPlan {
  readonly rounds: number;
  readonly ms: number;
}

export interface LocationRow {
  readonly what: (typeof ORDERS)[number];
  readonly line: (typeof LINES)[number]['name'];
  /** A second: median, 10th and 90th percentile of the rounds. */
  readonly perSecond: number;
  readonly p10: number;
  readonly p90: number;
  /** Against etcd alone, one request a transaction: median of the rounds' ratios. */
  readonly toBare: number;
}

/** Throws an Error where namespaces or etcd cannot be had. `directory` should be on a disk, where etcd and SQLite write. */
export async function runLocation(
  plan: LocationPlan,
  directory: string,
  say: (line: string) => void,
): Promise<LocationRow[]> {
  const obstacle = netnsObstacle() ?? etcdObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  const sandbox = await Sandbox.create([NETNS]);
  try {
    const addresses = [SQLITE, ...MEMBERS, ...SERVERS].map(({ address }) => address).concat(CLIENTS);
    const add = addresses.map((address) => `ip addr add ${address}/128 dev lo nodad`);
    await sandbox.shell(NETNS).run(['ip link set lo up', ...add].join('\n'));
    await Promise.all(MEMBERS.map((member) => startMember(sandbox, member, directory)));
    const servers = await Promise.all(
      SERVERS.map((server) => startServer(sandbox, server, directory, etcdStore(MEMBERS))),
    );
    await startServer(sandbox, SQLITE, directory, `sqlite:${join(directory, 'lm.db')}`);
    return await measure(plan, sandbox, servers, say);
  } finally {
    await sandbox.close();
  }
}

async function measure(
  plan: LocationPlan,
  sandbox: Sandbox,
  servers: readonly ChildProcess[],
  say: (line: string) => void,
): Promise<LocationRow[]> {
  const loads = new Map(LINES.map((line) => [line.name, startLoad(sandbox, line)]));
  const run = async (line: (typeof LINES)[number], order: string): Promise<number> => {
    servers.forEach((server, index) => server.kill(index < line.running ? 'SIGCONT' : 'SIGSTOP'));
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return Number(await loads.get(line.name)!.ask(order));
  };
  for (const line of LINES) await run(line, 'prepare');
  const random = numbers(plan.rounds);
  const jobs = LINES.flatMap((line) => ORDERS.map((order) => ({ line, order }))).filter(isMeasured);
  const rates = new Map<string, number[]>();
  for (let round = 0; round < plan.rounds; round++) {
    say(`round ${round + 1} of ${plan.rounds}`);
    for (const { line, order } of shuffled(jobs, random)) {
      const key = `${order} ${line.name}`;
      rates.set(key, [...(rates.get(key) ?? []), await run(line, `${order} ${plan.ms}`)]);
    }
  }
  for (const server of servers) server.kill('SIGCONT');
  for (const load of loads.values()) load.end();
  return ORDERS.flatMap((what) => {
    const bare = rates.get(`${what} ${REFERENCE}`)!;
    return LINES.filter((line) => isMeasured({ line, order: what })).map(({ name: line }) => {
      const each = rates.get(`${what} ${line}`)!;
      const ratios = each.map((rate, round) => rate / bare[round]!);
      const at = (share: number): number => quantile(each, share);
      return { what, line, perSecond: at(0.5), p10: at(0.1), p90: at(0.9), toBare: quantile(ratios, 0.5) };
    });
  });
}

/** Readings do not go together. */
function isMeasured({ line, order }: { line: (typeof LINES)[number]; order: string }): boolean {
  return order === 'move' || 'servers' in line || line.together === 1;
}

function startLoad(sandbox: Sandbox, line: (typeof LINES)[number]): Program {
  const argv =
    'servers' in line
      ? nodeCommand(new URL('load-worker.ts', import.meta.url), JSON.stringify(loadOf(line)))
      : nodeCommand(
          new URL('bare-worker.ts', import.meta.url),
          ...[etcdStore(MEMBERS), CONCURRENCY, MNS, line.together].map(String),
        );
  return new Program(line.name, sandbox.spawn(NETNS, argv, ['pipe', 'pipe', 'pipe']));
}

/** Each client prefers another server. */
function loadOf(line: Extract<(typeof LINES)[number], { servers: unknown }>): LoadWorker {
  const addresses = line.servers.map(({ address }) => address);
  const clients = clientsOf(line).map((address, index) => {
    const first = index % addresses.length;
    return { address, servers: [...addresses.slice(first), ...addresses.slice(0, first)] };
  });
  return { clients, key: KEY, prefix: PREFIX, mns: MNS, concurrency: CONCURRENCY };
}

async function startMember(
  sandbox: Sandbox,
  member: (typeof MEMBERS)[number],
  directory: string,
): Promise<void> {
  const argv = etcdCommand(member, MEMBERS, join(directory, member.name));
  await startDaemon(sandbox, member.name, argv, etcdServes);
}

async function startServer(
  sandbox: Sandbox,
  { name, address }: (typeof SERVERS)[number],
  directory: string,
  store: string,
): Promise<ChildProcess> {
  const stateDirectory = join(directory, name);
  mkdirSync(stateDirectory);
  const file = join(directory, `${name}.toml`);
  const peer = CLIENTS.map((client) => ({ address: client, role: 'maar' as const, key: KEY }));
  const primary = [`${PREFIX}::/48`];
  writeFileSync(file, emitConfig(lmSchema, { name, address, stateDirectory, store, primary, peer }));
  const argv = nodeCommand(new URL('../../../daemon/main.ts', import.meta.url), 'lm', '--config', file);
  return await startDaemon(sandbox, name, argv, (line) => line.includes('"what":"start"'));
}

/** Resolves once a line of its output says that it serves; it ends with the sandbox. */
async function startDaemon(
  sandbox: Sandbox,
  name: string,
  argv: readonly string[],
  serves: (line: string) => boolean,
): Promise<ChildProcess> {
  const child = sandbox.spawn(NETNS, argv, ['ignore', 'pipe', 'pipe']);
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => {
        last.splice(0, Math.max(0, last.length - LAST_LINES));
        last.push(line);
        if (serves(line)) resolve();
      });
    }
    child.once('close', () => reject(new Error(`${name} ended:\n${last.join('\n')}`)));
  });
  return child;
}

/** The rows as lines of text. */
export function locationText(rows: readonly LocationRow[]): string {
  return ORDERS.map((what) => {
    const lines = rows
      .filter((row) => row.what === what)
      .map(({ line, perSecond, p10, p90, toBare }) => {
        const figures = [perSecond, p10, p90].map((rate) => rate.toFixed(0).padStart(8)).join('');
        return `  ${line.padEnd(38)}${figures}${toBare.toFixed(2).padStart(10)}\n`;
      });
    const head = `  ${''.padEnd(38)}${'a second'.padStart(8)}${'p10'.padStart(8)}${'p90'.padStart(8)}${'to alone'.padStart(10)}\n`;
    return `${what}\n${head}${lines.join('')}`;
  }).join('\n');
}
