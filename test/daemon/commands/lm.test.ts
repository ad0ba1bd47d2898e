import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CLIENT_SETTINGS, LocationClient } from '../../../host/functions/lm/client/client.ts';
import type { ClientEffect, ClientEvent } from '../../../host/functions/lm/client/client.ts';
import { clockFrom, clockOrigin } from '../../../host/io/clock.ts';
import { hmacSha256 } from '../../../host/io/lm/hmac.ts';
import { MobilitySocket } from '../../../host/io/lm/mobility-socket.ts';
import { Runner } from '../../../host/io/runner.ts';
import { namespaced, sh, until } from '../../io/support/namespace.ts';

/** Without the launcher, which would pass on a kill -9 as SIGTERM. */
const PROGRAM = fileURLToPath(new URL('../../../host/daemon/main.ts', import.meta.url));
const LM = '2001:db8:ff::53';
const MAARS = ['2001:db8:0:1::1', '2001:db8:0:2::1'] as const;
const KEYS = ['00'.repeat(16), '11'.repeat(32)] as const;

interface Peer {
  readonly address: string;
  readonly key: string;
}

const PEERS: readonly Peer[] = MAARS.map((address, index) => ({ address, key: KEYS[index]! }));

function maar(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', timeout: 30_000 });
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'maar-lm-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function configuration(path: string, peers: readonly Peer[] = PEERS): string {
  const file = join(path, 'lm.toml');
  writeFileSync(
    file,
    [
      `name = "lm1"\naddress = "${LM}"\nstateDirectory = "${path}"\nprimary = ["2001:db8:a::/48"]\n`,
      ...peers.map(({ address, key }) => `[[peer]]\naddress = "${address}"\nrole = "maar"\nkey = "${key}"\n`),
    ].join(''),
  );
  return file;
}

async function start(t: TestContext, file: string, store: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROGRAM, 'lm', '--config', file, '--store', `sqlite:${store}`], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  await until('the server starts', () => log.includes('"what":"start"'), 15_000);
  return child;
}

/** A MAAR's client on a raw socket of its own. */
class Client {
  readonly effects: ClientEffect[] = [];
  readonly #socket: MobilitySocket;
  readonly #runner: Runner<ClientEvent, ClientEffect>;

  constructor(t: TestContext, index: 0 | 1) {
    const address = MAARS[index];
    const clock = clockFrom(clockOrigin());
    const key = { spi: 256, hmac: hmacSha256(Buffer.from(KEYS[index], 'hex')) };
    const servers = [{ address: LM, name: 'lm1', key }];
    const settings = { ...CLIENT_SETTINGS, address, servers, maars: [], random: Math.random };
    // Asks often, and for longer than a server takes to start again.
    const channel = { retransmit: 200, retransmitMax: 400, attempts: 60 };
    const client = new LocationClient({ ...settings, channel }, clock());
    this.#runner = new Runner(client, clock, (effect) => {
      if (effect.type === 'mobility') this.#socket.send(effect.dst, effect.data);
      else if (effect.type !== 'trace') this.effects.push(effect);
    });
    this.#socket = new MobilitySocket(address, (batch) => {
      for (const { src, data } of batch) this.#runner.dispatch({ type: 'mobility', src, dst: address, data });
    });
    t.after(async () => {
      this.#runner.close();
      await this.#socket.close();
    });
  }

  tell(event: ClientEvent): void {
    this.#runner.dispatch(event);
  }

  /** Waits for an effect, and forgets all before it. */
  async expect<K extends ClientEffect['type']>(
    type: K,
    fits: (effect: Extract<ClientEffect, { type: K }>) => boolean = () => true,
  ): Promise<Extract<ClientEffect, { type: K }>> {
    type Wanted = Extract<ClientEffect, { type: K }>;
    const wanted = (effect: ClientEffect): effect is Wanted => effect.type === type && fits(effect as Wanted);
    await until(type, () => this.effects.some(wanted), 30_000);
    const effect = this.effects.find(wanted)!;
    this.effects.splice(0, this.effects.indexOf(effect) + 1);
    return effect;
  }

  /** An MN comes to it; the status of its registration. */
  async arrive(mnId: string, prefix: string): Promise<number> {
    this.tell({ type: 'attach', mnId });
    const { counter } = await this.expect('attached', (effect) => effect.mnId === mnId);
    this.tell({ type: 'register', mnId, counter, prefixes: [prefix], delegated: [] });
    return (await this.expect('registered', (effect) => effect.mnId === mnId)).status;
  }
}

test('usage and configuration errors exit 2 and say what would be right', (t) => {
  const path = folder(t);
  const none = maar('lm');
  assert.deepEqual([none.status, none.stderr.split('\n')[0]], [2, 'maar lm: lm needs --config FILE']);
  const file = configuration(path);
  assert.match(
    maar('lm', '--config', file).stderr,
    /needs --store sqlite:FILE or etcd:\/\/HOST:PORT,\.\.\., or "store" in/,
  );
  assert.equal(maar('check', '--config', file).stdout, `${file}: no faults\n`);
  for (const name of ['redis:x', 'etcd://', 'etcd://127.0.0.1', 'etcd://h:2379,h:0', 'etcd://::1:2379']) {
    const store = maar('lm', '--config', file, '--store', name);
    const right = 'must be "sqlite:FILE" or "etcd://HOST:PORT,HOST:PORT,..."';
    assert.deepEqual([store.status, store.stderr.split('\n')[0]], [2, `maar lm: --store "${name}" ${right}`]);
  }
  const faulty = maar(
    'lm',
    '--config',
    configuration(path, [{ address: 'here', key: '00' }]),
    '--store',
    'sqlite:x',
  );
  assert.equal(faulty.status, 2);
  assert.match(faulty.stderr, /peer\[0\]\.address = "here": must be an IPv6 address/);
  assert.match(faulty.stderr, /peer\[0\]\.key = "00": must be 16 to 64 octets in hexadecimal/);
});

namespaced(import.meta.url, () => {
  for (const address of [LM, ...MAARS]) sh(`ip addr add ${address}/128 dev lo nodad`);

  test('two MAARs register, query and are told through the server, and maar show shows it', async (t) => {
    const path = folder(t);
    const child = await start(t, configuration(path), join(path, 'lm.db'));
    const [first, second] = [new Client(t, 0), new Client(t, 1)];
    assert.equal(await first.arrive('mn', '2001:db8:a:1::/64'), 0);
    second.tell({ type: 'lookup', where: '2001:db8:a:1::5' });
    assert.equal((await second.expect('located')).binding?.locator, MAARS[0]);
    assert.equal(await second.arrive('mn', '2001:db8:a:1::/64'), 0);
    first.tell({ type: 'lookup', where: '2001:db8:a:1::5' });
    assert.equal((await first.expect('located')).binding?.locator, MAARS[1]);
    assert.equal(await first.arrive('mn', '2001:db8:a:1::/64'), 0);
    const { source, binding } = await second.expect('located');
    assert.deepEqual([source, binding?.locator], ['push', MAARS[0]]);
    assert.equal(await first.arrive('other', '2001:db8:b::/64'), 153, 'not of this server');

    const socket = join(path, 'control.sock');
    const shown = maar('show', 'bindings', '--json', '--socket', socket);
    const [registration] = JSON.parse(shown.stdout) as { mnId: string; locator: string }[];
    assert.deepEqual([registration?.mnId, registration?.locator], ['mn', MAARS[0]]);
    assert.match(
      maar('show', 'bindings', '--socket', socket).stdout,
      /^mn +2001:db8:a:1::\/64 +2001:db8:0:1::1/m,
    );
    assert.match(
      maar('show', '--config', join(path, 'lm.toml')).stdout,
      /Registrations: 1, subscriptions: 2/,
    );
    assert.match(maar('show', 'peers', '--socket', socket).stdout, /^lm1 +2001:db8:a::\/48 +ever$/m);
    const sessions = maar('show', 'sessions', '--socket', socket);
    assert.deepEqual([sessions.status, sessions.stderr.includes('LM server')], [2, true]);
    child.kill('SIGTERM');
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  });

  test('killed with -9 again and again under load, the server loses nothing that it acknowledged', async (t) => {
    const path = folder(t);
    const file = configuration(path);
    const store = join(path, 'lm.db');
    const acknowledged = new Map<string, string>();
    const client = new Client(t, 0);
    let child = await start(t, file, store);
    let count = 0;
    for (let round = 0; round < 3; round++) {
      const end = count + 40;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      const load = (async () => {
        for (; count < end; count++) {
          // At some moment of the work that is left, by no arrangement with it.
          if (count === end - 25) setTimeout(() => child.kill('SIGKILL'), 7 * round);
          const prefix = `2001:db8:a:${(count + 1).toString(16)}::/64`;
          if ((await client.arrive(`mn${count}`, prefix)) === 0) acknowledged.set(`mn${count}`, prefix);
        }
      })();
      await gone;
      child = await start(t, file, store);
      await load;
      const shown = maar('show', 'bindings', '--json', '--socket', join(path, 'control.sock'));
      const kept = new Map(
        (JSON.parse(shown.stdout) as { mnId: string; prefixes: string[] }[]).map(({ mnId, prefixes }) => [
          mnId,
          prefixes[0],
        ]),
      );
      for (const [mnId, prefix] of acknowledged) assert.equal(kept.get(mnId), prefix, `${mnId} is lost`);
    }
    assert.equal(acknowledged.size, 120, 'in the end everyone is registered');
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  });
});
