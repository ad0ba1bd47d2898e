import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { until } from '../io/support/namespace.ts';
import { hasTool } from '../support/tools.ts';
import type { Shell } from './support/router.ts';
import { Router, SHELLS } from './support/router.ts';

/** As hostapd 2.10 of OpenWrt answered; its stations are :0a, authorized, and :0b, which is not yet. */
const CLIENTS = readFileSync(new URL('recorded/get_clients.json', import.meta.url), 'utf8');
const NOBODY = '{"freq":5180,"clients":{}}';
const [FIRST, SECOND, THIRD] = ['02:00:00:00:01:0a', '02:00:00:00:01:0c', '02:00:00:00:01:0d'];
const GONE = `absent phy0-ap0 ${SECOND}`;
/** Longer than the interval of the watcher, on a busy machine. */
const PATIENCE = 30_000;

const authorized = (mac: string): string =>
  `{ "sta-authorized": {"address":"${mac}","ifname":"phy0-ap0","auth-alg":"ft"} }\n`;
const gone = (how: string, mac: string): string => `{ "${how}": {"address":"${mac}"} }\n`;
const probe = (mac: string): string =>
  `{ "probe": {"address":"${mac}","target":"ff:ff:ff:ff:ff:ff","signal":-60,"freq":5180} }\n`;

class Watcher {
  readonly router: Router;
  readonly socket: string;
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(shell: Shell, ...devices: readonly string[]) {
    this.router = new Router(shell);
    this.socket = this.router.path('stations.sock');
    writeFileSync(this.socket, '');
    mkdirSync(this.router.path('sys/class/net/br-maar/brif/phy0-ap0'), { recursive: true });
    this.router.record('list', 'hostapd.phy0-ap0\nhostapd.phy1-ap0\n');
    this.router.record('objects', '');
    for (const port of ['phy0-ap0', 'phy1-ap0']) {
      this.router.record(`events.${port}`, '');
      this.router.record(`get_clients.${port}`, CLIENTS);
    }
    this.#child = this.router.start('usr/libexec/maar-stations', this.socket, ...devices);
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** What the agent was told, without the words that are always the same. */
  get told(): string[] {
    return this.router.lines('told').map((line) => line.replace(`station ${this.socket} `, ''));
  }

  hears(...words: readonly string[]): Promise<void> {
    const complete = (): boolean => words.every((word) => this.told.includes(word));
    return until(`${words.join(', ')} is told`, complete, PATIENCE);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.ended;
    this.router.remove();
  }
}

for (const { name, command } of SHELLS) {
  describe(`the watcher of hostapd under ${name}`, () => {
    let watcher: Watcher | undefined;
    afterEach(() => watcher?.stop());

    test('stations that were there before it are told, those not authorized are not', async (t) => {
      if (!hasTool(t, command[0], ...command.slice(1), '-c', ':')) return;
      watcher = new Watcher(command, 'br-maar');
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      assert.deepEqual(watcher.told, [`present phy0-ap0 ${FIRST}`], 'phy1-ap0 belongs to another network');
    });

    test('an access link that is an access point itself has no ports', async () => {
      watcher = new Watcher(command, 'br-maar', 'phy1-ap0');
      await watcher.hears(`present phy0-ap0 ${FIRST}`, `present phy1-ap0 ${FIRST}`);
    });

    test('notifications are told, each kind of departure as leaving and absent', async () => {
      watcher = new Watcher(command, 'br-maar');
      watcher.router.record('get_clients.phy0-ap0', NOBODY);
      const { router } = watcher;
      for (const how of ['disassoc', 'deauth', 'local-deauth', 'inactive-deauth']) {
        router.happens('events.phy0-ap0', probe(SECOND) + authorized(SECOND) + gone(how, SECOND));
      }
      router.happens('events.phy1-ap0', authorized(THIRD));
      router.happens('events.phy0-ap0', `{ "sta-auth\n${authorized(THIRD)}`);
      await watcher.hears(`present phy0-ap0 ${THIRD}`);
      await until(
        'all have gone',
        () => watcher!.told.filter((word) => word === GONE).length === 4,
        PATIENCE,
      );
      const turns = watcher.told.filter((word) => word.endsWith(SECOND)).map((word) => word.split(' ')[0]);
      for (const what of ['present', 'leaving', 'absent']) {
        assert.equal(turns.filter((turn) => turn === what).length, 4, turns.join(' '));
      }
      assert.deepEqual(turns.slice(0, 1).concat(turns.slice(-1)), ['present', 'absent']);
      assert.ok(!watcher.told.some((word) => word.includes('phy1-ap0')));
    });

    test('a station that accepts to be steered away is leaving, one that declines is not', async () => {
      watcher = new Watcher(command, 'br-maar');
      const { router } = watcher;
      const answer = (mac: string, status: string): string =>
        `{ "bss-transition-response": {"address":"${mac}","dialog-token":1,"status-code":${status},"bss-termination-delay":0} }\n`;
      // An octet, which hostapd of 24.10 has for the status, comes out as a boolean.
      router.happens('events.phy0-ap0', answer(THIRD, '7') + answer(FIRST, '0') + answer(SECOND, 'false'));
      await watcher.hears(`leaving phy0-ap0 ${FIRST}`, `leaving phy0-ap0 ${SECOND}`);
      assert.ok(!watcher.told.includes(`leaving phy0-ap0 ${THIRD}`));
    });

    test('a station that is thrown out without a word is missed', async () => {
      watcher = new Watcher(command, 'br-maar');
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      watcher.router.record('get_clients.phy0-ap0', NOBODY);
      await watcher.hears(`absent phy0-ap0 ${FIRST}`);
    });

    test('an access point that goes takes its stations along, and is followed when it comes back', async () => {
      watcher = new Watcher(command, 'br-maar');
      const { router } = watcher;
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      router.record('list', 'hostapd.phy1-ap0\n');
      router.happens('objects', '{ "ubus.object.remove": {"id":17,"path":"hostapd.phy0-ap0"} }\n');
      await watcher.hears(`absent phy0-ap0 ${FIRST}`);
      router.record('get_clients.phy0-ap0', NOBODY);
      router.record('list', 'hostapd.phy0-ap0\n');
      router.happens('objects', '{ "ubus.object.add": {"id":18,"path":"hostapd.phy0-ap0"} }\n');
      await until(
        'a station is told',
        () => {
          router.happens('events.phy0-ap0', authorized(SECOND));
          return watcher!.told.includes(`present phy0-ap0 ${SECOND}`);
        },
        PATIENCE,
      );
    });

    test('an agent that was not there, or is another one, is told everything', async () => {
      watcher = new Watcher(command, 'br-maar');
      const { router } = watcher;
      router.record('deaf', '');
      await until('it is not heard', () => router.lines('unheard').length > 0, PATIENCE);
      router.forget('deaf');
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      router.record('told', '');
      // It keeps its number, which the next socket can then not have.
      renameSync(watcher.socket, router.path('other'));
      writeFileSync(watcher.socket, '');
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      router.record('told', '');
      const later = Date.now() / 1000 + 60;
      utimesSync(watcher.socket, later, later);
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
    });

    test('at its end nothing of it is left', async () => {
      const works = (): string[] => readdirSync(tmpdir()).filter((file) => file.startsWith('maar-stations.'));
      const before = new Set(works());
      const ending = new Watcher(command, 'br-maar');
      await ending.hears(`present phy0-ap0 ${FIRST}`);
      const mine = works().filter((file) => !before.has(file));
      assert.ok(mine.length > 0);
      await ending.stop();
      assert.deepEqual(
        works().filter((file) => mine.includes(file)),
        [],
      );
      assert.deepEqual(followers(ending.router), []);
    });
  });
}

/** Processes that stand for `ubus` and follow a file of this router. */
function followers(router: Router): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes(router.path('replay'));
      } catch {
        return false;
      }
    });
}
