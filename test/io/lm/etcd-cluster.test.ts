import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { etcdStore } from '../../../host/lab/etcd.ts';
import { LmClient } from '../../../host/lab/location/client.ts';
import { Walk } from '../../../host/lab/location/walk.ts';
import type { Answered } from '../../../host/lab/location/walk.ts';
import { hasTool } from '../../support/tools.ts';
import { EtcdCluster } from '../support/etcd.ts';
import { namespaced, sh, until } from '../support/namespace.ts';

const PROGRAM = fileURLToPath(new URL('../../../host/daemon/main.ts', import.meta.url));
const MEMBERS = ['fd00::e1', 'fd00::e2', 'fd00::e3'];
const SERVERS = ['2001:db8:ff::1', '2001:db8:ff::2', '2001:db8:ff::3'];
const MAARS = ['2001:db8:0:1::1', '2001:db8:0:2::1', '2001:db8:0:3::1'];
const KEY = '42'.repeat(32);
/** Of registrations, in seconds: after each fault updates and queries have to be answered again before one ends. */
const LIFETIME = 60;
const WALKERS = 4;

/** `maar lm` at one of the addresses. */
class LmServer {
  readonly #directory: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(t: TestContext, index: number, cluster: EtcdCluster) {
    this.#directory = mkdtempSync(join(tmpdir(), 'maar-lm-'));
    const file = join(this.#directory, 'lm.toml');
    writeFileSync(
      file,
      [
        `name = "lm${index}"\naddress = "${SERVERS[index]}"\nstateDirectory = "${this.#directory}"`,
        'primary = ["2001:db8:a::/48"]',
        `store = "${etcdStore(cluster.members)}"`,
        ...MAARS.map((maar) => `[[peer]]\naddress = "${maar}"\nrole = "maar"\nkey = "${KEY}"`),
      ].join('\n'),
    );
    this.#args = [PROGRAM, 'lm', '--config', file];
    t.after(async () => {
      await this.kill();
      rmSync(this.#directory, { recursive: true });
    });
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, this.#args, { stdio: ['ignore', 'inherit', 'pipe'] });
    this.#child = child;
    let log = '';
    child.stderr.on('data', (data: Buffer) => (log += data.toString()));
    await until(`the server starts: ${log}`, () => log.includes('"what":"start"'), 30_000);
  }

  /** With SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Locator and counter of each MN, as it shows them. */
  bindings(): Map<string, string> {
    const args = ['show', 'bindings', '--json', '--socket', join(this.#directory, 'control.sock')];
    const { stdout } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
    const list = JSON.parse(stdout) as { mnId: string; locator: string; counter: number }[];
    return new Map(list.map(({ mnId, locator, counter }) => [mnId, `${locator} ${counter}`]));
  }
}

/** A walk of MNs, and how many updates and queries each client has had answered. */
class Load {
  readonly walk: Walk;
  readonly #clients: readonly LmClient[];
  readonly #answers: Answered[] = [];

  constructor(clients: readonly LmClient[]) {
    this.#clients = clients;
    this.walk = new Walk({
      clients,
      walkers: WALKERS,
      prefixOf: (number) => `2001:db8:a:${(number + 1).toString(16)}::/64`,
      answered: (answered) => this.#answers.push(answered),
    });
  }

  get total(): string {
    const updates = this.#answers.filter(({ kind }) => kind === 'update').length;
    return `${updates} updates, ${this.#answers.length - updates} queries`;
  }

  /** Waits until each client has had answers to what it asked after now; resolves to the milliseconds until then. */
  async goesOn(): Promise<number> {
    const since = performance.now();
    const done = (kind: Answered['kind'], client: number): boolean =>
      this.#answers.some((each) => each.kind === kind && each.client === client && each.asked > since);
    await until(
      'updates and queries are answered again',
      () => this.#clients.every((_, client) => done('update', client) && done('query', client)),
      LIFETIME * 1000,
    );
    return performance.now() - since;
  }
}

namespaced(import.meta.url, () => {
  test('three servers on three members, each of them killed under load', async (t) => {
    if (!hasTool(t, 'etcd')) return;
    for (const address of [...MEMBERS, ...SERVERS, ...MAARS]) sh(`ip addr add ${address}/128 dev lo nodad`);
    const cluster = await EtcdCluster.start(t, MEMBERS);
    const servers = SERVERS.map((_, index) => new LmServer(t, index, cluster));
    await Promise.all(servers.map((server) => server.start()));
    const clients = MAARS.map((address, index) => {
      const order = [...SERVERS.slice(index), ...SERVERS.slice(0, index)];
      const channel = { retransmit: 300 };
      return new LmClient({
        address,
        servers: order.map((server) => ({ address: server, key: KEY })),
        settings: { lifetime: LIFETIME, channel },
      });
    });
    t.after(() => Promise.all(clients.map((client) => client.close())));
    const load = new Load(clients);
    const report = (what: string, ms: number): void =>
      t.diagnostic(`${what}: answered again after ${Math.round(ms)} ms`);
    report('undisturbed', await load.goesOn());

    const leader = await cluster.leader();
    for (const member of [leader, (leader + 1) % 3, (leader + 2) % 3]) {
      await cluster.kill(member);
      report(`member ${member} killed`, await load.goesOn());
      cluster.launch(member);
      await until(`member ${member} serves again`, () => cluster.serves(member), 30_000);
    }
    for (const [index, server] of servers.entries()) {
      await server.kill();
      report(`server ${index} killed`, await load.goesOn());
      await server.start();
    }
    const cut = await cluster.leader();
    cluster.isolate(cut);
    report(`member ${cut}, the leader, cut off`, await load.goesOn());
    cluster.heal();
    await until('it serves again', () => cluster.serves(cut), 30_000);

    await load.walk.stop();
    t.diagnostic(load.total);
    const acknowledged = [...load.walk.acknowledged].map(
      ([mnId, { locator, counter }]) => [mnId, `${locator} ${counter}`] as const,
    );
    for (const [index, server] of servers.entries()) {
      // A server that is not asked hears of them from its member of etcd, which may be behind the others.
      await until(`server ${index} shows all that was acknowledged`, () => {
        const shown = server.bindings();
        return acknowledged.every(([mnId, binding]) => shown.get(mnId) === binding);
      });
    }
  });
});
