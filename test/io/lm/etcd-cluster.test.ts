import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasTool } from '../../support/tools.ts';
import { EtcdCluster } from '../support/etcd.ts';
import { LmClient } from '../support/lm-client.ts';
import { namespaced, sh, until } from '../support/namespace.ts';

const PROGRAM = fileURLToPath(new URL('../../../host/daemon/main.ts', import.meta.url));
const MEMBERS = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
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
    const store = cluster.endpoints.map(({ host, port }) => `${host}:${port}`).join();
    writeFileSync(
      file,
      [
        `name = "lm${index}"\naddress = "${SERVERS[index]}"\nstateDirectory = "${this.#directory}"`,
        'primary = ["2001:db8:a::/48"]',
        `store = "etcd://${store}"`,
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

/** MNs that move from MAAR to MAAR without end, and are looked for, each of them at one place at a time. */
class Load {
  /** Locator and counter of each MN, as they were last acknowledged. */
  readonly acknowledged = new Map<string, string>();
  readonly #clients: readonly LmClient[];
  readonly #walkers: Promise<void>[];
  /** How many updates and queries each client has had answered. */
  readonly #answered: { updates: number; queries: number }[];
  #count = 0;
  #stopping = false;

  constructor(clients: readonly LmClient[]) {
    this.#clients = clients;
    this.#answered = clients.map(() => ({ updates: 0, queries: 0 }));
    this.#walkers = Array.from({ length: WALKERS }, (_, index) => this.#walk(index));
  }

  get total(): { updates: number; queries: number } {
    const sum = (of: 'updates' | 'queries'): number =>
      this.#answered.reduce((all, each) => all + each[of], 0);
    return { updates: sum('updates'), queries: sum('queries') };
  }

  /** Waits until each client has had answers to what it asked after now; resolves to the milliseconds until then. */
  async goesOn(): Promise<number> {
    const since = performance.now();
    // Each walker has one thing asked at a time: of more answers than walkers, one was asked for after now.
    const wanted = this.#answered.map(
      ({ updates, queries }) => [updates + WALKERS, queries + WALKERS] as const,
    );
    const done = (): boolean =>
      this.#answered.every(
        ({ updates, queries }, index) => updates > wanted[index]![0] && queries > wanted[index]![1],
      );
    await until('updates and queries are answered again', done, LIFETIME * 1000);
    return performance.now() - since;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#walkers);
  }

  async #walk(walker: number): Promise<void> {
    for (let step = walker; !this.#stopping; step++) {
      // Every other one is new, so that nobody has it in a cache.
      const fresh = step % 2 === 0;
      const number = fresh ? ++this.#count * WALKERS + walker + 100 : walker + 1;
      const at = step % this.#clients.length;
      await this.#register(`mn${number}`, `2001:db8:a:${number.toString(16)}::/64`, at);
      if (fresh)
        await this.#find(`2001:db8:a:${number.toString(16)}::1`, at, (at + 1) % this.#clients.length);
    }
  }

  async #register(mnId: string, prefix: string, at: number): Promise<void> {
    const client = this.#clients[at]!;
    const before = Number(this.acknowledged.get(mnId)?.split(' ')[1] ?? 0);
    let counter: number | undefined;
    while (counter === undefined) counter = await client.arrive(mnId, prefix);
    assert.ok(counter > before, `${mnId} had ${before} and got ${counter}`);
    this.acknowledged.set(mnId, `${client.address} ${counter}`);
    this.#answered[at]!.updates++;
  }

  /** What has been acknowledged every server knows at once. */
  async #find(where: string, at: number, from: number): Promise<void> {
    for (;;) {
      const { source, binding } = await this.#clients[from]!.lookUp(where);
      if (binding !== undefined) {
        assert.equal(binding.locator, this.#clients[at]!.address);
        this.#answered[from]!.queries++;
        return;
      }
      assert.equal(source, 'server', `${where} is not known at a server, although it was acknowledged`);
    }
  }
}

namespaced(import.meta.url, () => {
  test('three servers on three members, each of them killed under load', async (t) => {
    if (!hasTool(t, 'etcd')) return;
    for (const address of [...SERVERS, ...MAARS]) sh(`ip addr add ${address}/128 dev lo nodad`);
    const cluster = await EtcdCluster.start(t, MEMBERS);
    const servers = SERVERS.map((_, index) => new LmServer(t, index, cluster));
    await Promise.all(servers.map((server) => server.start()));
    const clients = MAARS.map((address, index) => {
      const order = [...SERVERS.slice(index), ...SERVERS.slice(0, index)];
      const channel = { retransmit: 300 };
      return new LmClient(t, {
        address,
        servers: order,
        key: KEY,
        settings: { lifetime: LIFETIME, channel },
      });
    });
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

    await load.stop();
    const { updates, queries } = load.total;
    t.diagnostic(`${updates} updates, ${queries} queries`);
    for (const [index, server] of servers.entries()) {
      const shown = server.bindings();
      for (const [mnId, where] of load.acknowledged)
        assert.equal(shown.get(mnId), where, `${mnId} at server ${index}`);
    }
  });
});
