import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Endpoint } from '../../../host/io/lm/etcd/client.ts';
import { etcdCommand } from '../../../host/lab/etcd.ts';
import type { EtcdMember } from '../../../host/lab/etcd.ts';
import { sh, until } from './namespace.ts';

const CLIENT_PORT = 2379;
/** Each member runs as a user of its own, by which its packets are told apart. */
const FIRST_USER = 61_000;

/** An etcd cluster of real processes, each member at an address of its own in the namespace of the test. */
export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly Endpoint[];
  readonly #directory = mkdtempSync(join(tmpdir(), 'maar-etcd-'));
  readonly #processes: (ChildProcess | undefined)[];

  private constructor(hosts: readonly string[]) {
    this.members = hosts.map((address, index) => ({ name: `m${index}`, address }));
    this.endpoints = hosts.map((host) => ({ host, port: CLIENT_PORT }));
    this.#processes = hosts.map(() => undefined);
  }

  /** `hosts`: an address of the namespace for each member; they end with the test. */
  static async start(t: TestContext, hosts: readonly string[]): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(hosts);
    chmodSync(cluster.#directory, 0o755);
    t.after(async () => {
      await Promise.all(hosts.map((_, index) => cluster.kill(index)));
      rmSync(cluster.#directory, { recursive: true });
    });
    hosts.forEach((_, index) => cluster.launch(index));
    await until('the cluster serves', () => cluster.serves(0), 30_000);
    return cluster;
  }

  /** Starts a member, which goes on from its data if it has any. */
  launch(index: number): void {
    const data = join(this.#directory, `m${index}`);
    const user = FIRST_USER + index;
    mkdirSync(data, { recursive: true, mode: 0o700 });
    chownSync(data, user, user);
    const [program = '', ...args] = etcdCommand(this.members[index]!, this.members, data);
    this.#processes[index] = spawn(program, args, { stdio: 'ignore', uid: user, gid: user });
  }

  /** With SIGKILL. */
  async kill(index: number): Promise<void> {
    const child = this.#processes[index];
    this.#processes[index] = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Drops every packet that a member sends, to other members and to servers. */
  isolate(index: number): void {
    sh(`nft 'table inet etcd {
      chain output { type filter hook output priority 0; meta skuid ${FIRST_USER + index} drop; }
    }'`);
  }

  heal(): void {
    sh('nft delete table inet etcd');
  }

  /** Which member leads, by its own word, once one does: where a leader is held up for a second the others elect another. */
  async leader(): Promise<number> {
    let found: number | undefined;
    await until('a member leads', async () => {
      for (const [index, endpoint] of this.endpoints.entries()) {
        const status = await ask(endpoint, '/v3/maintenance/status', {}).catch(() => undefined);
        const { leader, header } = (status ?? {}) as { leader?: string; header?: { member_id: string } };
        if (leader !== undefined && leader === header?.member_id) found ??= index;
      }
      return found !== undefined;
    });
    return found!;
  }

  /** Whether a member carries a linearizable reading out. */
  async serves(index: number): Promise<boolean> {
    const key = Buffer.from('x').toString('base64');
    return (await ask(this.endpoints[index]!, '/v3/kv/range', { key }).catch(() => undefined)) !== undefined;
  }

  /** One request of the gateway, at the first member. */
  async call(path: string, body: object): Promise<Record<string, unknown>> {
    return (await ask(this.endpoints[0]!, path, body)) as Record<string, unknown>;
  }
}

async function ask({ host, port }: Endpoint, path: string, body: object): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(2_000);
    const sent = request({ host, port, path, method: 'POST', signal }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(text));
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}
