import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { afterEach, describe, test } from 'node:test';
import { complaints, workFolder } from '../bindings/c/compile.ts';
import { until } from '../io/support/namespace.ts';
import { hasTool } from '../support/tools.ts';
import type { Shell } from './support/router.ts';
import { Router, SHELLS } from './support/router.ts';

/** As hostapd 2.10 of OpenWrt answered; its stations are :0a, authorized, and :0b, which is not yet. */
const CLIENTS = readFileSync(new URL('recorded/get_clients.json', import.meta.url), 'utf8');
const NOBODY = '{"freq":5180,"clients":{}}';
const [FIRST, SECOND, THIRD] = ['02:00:00:00:01:0a', '02:00:00:00:01:0c', '02:00:00:00:01:0d'];
/** Notifications of a departure, each of another station. */
const DEPARTURES = [
  ['disassoc', '02:00:00:00:02:01'],
  ['deauth', '02:00:00:00:02:02'],
  ['local-deauth', '02:00:00:00:02:03'],
  ['inactive-deauth', '02:00:00:00:02:04'],
] as const;
/** Longer than the interval of the watcher, on a busy machine. */
const PATIENCE = 120_000;

const authorized = (mac: string): string =>
  `{ "sta-authorized": {"address":"${mac}","ifname":"phy0-ap0","auth-alg":"ft"} }\n`;
const gone = (how: string, mac: string): string => `{ "${how}": {"address":"${mac}"} }\n`;
const probe = (mac: string): string =>
  `{ "probe": {"address":"${mac}","target":"ff:ff:ff:ff:ff:ff","signal":-60,"freq":5180} }\n`;

/** What hostapd answers whose stations are all authorized. */
const clients = (...macs: readonly string[]): string =>
  JSON.stringify({ freq: 5180, clients: Object.fromEntries(macs.map((mac) => [mac, { authorized: true }])) });

class Watcher {
  readonly router: Router;
  readonly socket: string;
  readonly #child: ChildProcess;

  /** `recorded` is there before the watcher asks for it. */
  constructor(
    shell: Shell,
    devices: readonly string[],
    recorded: Readonly<Record<string, string>> = {},
    environment: NodeJS.ProcessEnv = {},
  ) {
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
    for (const [name, text] of Object.entries(recorded)) this.router.record(name, text);
    this.#child = this.router.start('usr/libexec/maar-stations', [this.socket, ...devices], environment);
  }

  /** The folder of its fifos, one of which it holds open for as long as it follows access points. */
  get work(): string {
    return dirname(readlinkSync(`/proc/${this.#child.pid}/fd/3`));
  }

  /** What the agent was told, without the words that are always the same. */
  get told(): string[] {
    return this.router.lines('told').map((line) => line.replace(`station ${this.socket} `, ''));
  }

  hears(...words: readonly string[]): Promise<void> {
    const complete = (): boolean => words.every((word) => this.told.includes(word));
    return until(`${words.join(', ')} is told`, complete, PATIENCE);
  }

  ended(): Promise<void> {
    const over = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    return until('the watcher ends', over, PATIENCE);
  }

  async end(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.ended();
  }

  /** It tells of those who leave in the background, which outlasts it, as does for a moment what it was just starting. */
  nothingIsLeft(): Promise<void> {
    return until('nothing of the watcher runs', () => processesOf(this.router).length === 0, PATIENCE);
  }

  async remove(): Promise<void> {
    await this.end();
    await this.nothingIsLeft();
    this.router.remove();
  }
}

for (const { name, command } of SHELLS) {
  describe(`the watcher of hostapd under ${name}`, () => {
    let watcher: Watcher | undefined;
    afterEach(async () => {
      await watcher?.remove();
      watcher = undefined;
    });

    test('stations that were there before it are told, those not authorized are not', async (t) => {
      if (!hasTool(t, command[0], ...command.slice(1), '-c', ':')) return;
      watcher = new Watcher(command, ['br-maar']);
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      assert.deepEqual(watcher.told, [`present phy0-ap0 ${FIRST}`], 'phy1-ap0 belongs to another network');
    });

    test('an access link that is an access point itself has no ports', async () => {
      watcher = new Watcher(command, ['br-maar', 'phy1-ap0']);
      await watcher.hears(`present phy0-ap0 ${FIRST}`, `present phy1-ap0 ${FIRST}`);
    });

    test('notifications are told, each kind of departure as leaving and absent', async () => {
      // Listed all the time, so that no list makes up for a notification of a departure.
      watcher = new Watcher(command, ['br-maar'], {
        'get_clients.phy0-ap0': clients(...DEPARTURES.map(([, mac]) => mac)),
      });
      const { router } = watcher;
      for (const [how, mac] of DEPARTURES) {
        router.happens('events.phy0-ap0', probe(mac) + authorized(mac) + gone(how, mac));
      }
      router.happens('events.phy1-ap0', authorized(THIRD));
      router.happens('events.phy0-ap0', `{ "sta-auth\n${authorized(THIRD)}`);
      await watcher.hears(`present phy0-ap0 ${THIRD}`);
      await watcher.hears(...DEPARTURES.map(([, mac]) => `absent phy0-ap0 ${mac}`));
      for (const [how, mac] of DEPARTURES) {
        const turns: string[] = watcher.told.flatMap((word) =>
          word.endsWith(mac) ? word.split(' ', 1) : [],
        );
        assert.equal(turns[0], 'present', how);
        assert.deepEqual(
          turns.filter((turn) => turn !== 'present'),
          ['leaving', 'absent'],
          how,
        );
      }
      assert.ok(!watcher.told.some((word) => word.includes('phy1-ap0')));
    });

    test('a station that accepts to be steered away is leaving, one that declines is not', async () => {
      watcher = new Watcher(command, ['br-maar']);
      const { router } = watcher;
      const answer = (mac: string, status: string): string =>
        `{ "bss-transition-response": {"address":"${mac}","dialog-token":1,"status-code":${status},"bss-termination-delay":0} }\n`;
      // An octet, which hostapd of 24.10 has for the status, comes out as a boolean.
      router.happens('events.phy0-ap0', answer(THIRD, '7') + answer(FIRST, '0') + answer(SECOND, 'false'));
      await watcher.hears(`leaving phy0-ap0 ${FIRST}`, `leaving phy0-ap0 ${SECOND}`);
      assert.ok(!watcher.told.includes(`leaving phy0-ap0 ${THIRD}`));
    });

    test('a station that is thrown out without a word is missed', async () => {
      watcher = new Watcher(command, ['br-maar']);
      await watcher.hears(`present phy0-ap0 ${FIRST}`);
      watcher.router.record('get_clients.phy0-ap0', NOBODY);
      await watcher.hears(`absent phy0-ap0 ${FIRST}`);
    });

    test('an access point that goes takes its stations along, and is followed when it comes back', async () => {
      watcher = new Watcher(command, ['br-maar']);
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
      watcher = new Watcher(command, ['br-maar'], { deaf: '' });
      const { router } = watcher;
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
      const ending = new Watcher(command, ['br-maar']);
      await ending.hears(`present phy0-ap0 ${FIRST}`);
      const { work } = ending;
      assert.ok(existsSync(work) && processesOf(ending.router).length > 1);
      await ending.end();
      assert.ok(!existsSync(work));
      await ending.nothingIsLeft();
      ending.router.remove();
    });

    test('nor is anything left where it is ended as it begins', async (t) => {
      const library = endingLibrary(t);
      if (library === undefined) return;
      // Before it waits for notifications it forks nine times under one shell, and more often under the other.
      const endings = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(async (fork) => {
        const environment = { LD_PRELOAD: library, END_AT_FORK: `${fork}` };
        const ending = new Watcher(command, ['br-maar'], { list: 'hostapd.phy0-ap0\n' }, environment);
        try {
          await ending.ended();
          await ending.nothingIsLeft();
        } finally {
          for (const pid of processesOf(ending.router)) process.kill(Number(pid), 'SIGKILL');
          ending.router.remove();
        }
      });
      await Promise.all(endings);
    });
  });
}

/** A library that ends a shell as it forks for the time that `END_AT_FORK` says: preloaded, and not by what that starts. */
function endingLibrary(t: TestContext): string | undefined {
  if (!hasTool(t, 'cc')) return undefined;
  const path = join(workFolder(t), 'ending.so');
  assert.equal(complaints(['-std=c11', '-shared', '-fPIC', '-xc', '-o', path], ENDING), '');
  return path;
}

const ENDING = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static pid_t (*libc_fork)(void);
static pid_t shell;
static int left;
__attribute__((constructor)) static void prepare(void) {
  *(void **)&libc_fork = dlsym(RTLD_NEXT, "fork");
  shell = getpid();
  left = atoi(getenv("END_AT_FORK"));
  unsetenv("LD_PRELOAD");
}
pid_t fork(void) {
  if (getpid() == shell && --left == 0) raise(SIGTERM);
  return libc_fork();
}
`;

/** Processes that run the scripts of this router, or follow one of its files. */
function processesOf(router: Router): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes(router.path(''));
      } catch {
        return false;
      }
    });
}
