/** What the init script starts, as it starts it, on a network of this machine: the agent, and the watcher beside it. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keeping } from '../../bindings/node/cpdp.ts';
import { Recorder } from '../io/support/agent-recorder.ts';
import { Agent, buildPrograms, compile } from '../io/support/agent.ts';
import { namespaced, sh, until } from '../io/support/namespace.ts';
import { missing } from '../support/tools.ts';
import { FILES, Router, SHELLS, commands } from './support/router.ts';

const LOCATOR = '2001:db8:0:1::1';
const CLIENTS = readFileSync(new URL('recorded/get_clients.json', import.meta.url), 'utf8');
const STATION = '02:00:00:00:01:0a';
const PATIENCE = 60_000;

const programs = await buildPrograms();

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('the package with the native agent', (t) => missing(t, programs.obstacle));
    return;
  }
  const router = new Router(SHELLS[0].command);
  let agent: Agent;
  let watcher: ChildProcess;
  let control: Recorder;

  before(async () => {
    sh(`
      ip link add br-maar type bridge; ip link set br-maar up; ip addr add ${LOCATOR}/128 dev lo
      ip link add phy0-ap0 type veth peer name air; ip link set phy0-ap0 master br-maar up; ip link set air up
    `);
    const shipped = readFileSync(join(FILES, 'etc/config/maar'), 'utf8');
    const config = shipped
      .replace("enabled '0'", "enabled '1'")
      .replace("transport 'tls'", "transport 'unix'")
      .replace("locator ''", `locator '${LOCATOR}'`)
      .replace("pool ''", "pool '2001:db8:11::/48'");
    router.record('config/maar', config);
    router.record('device.maar', 'br-maar\n');
    const started = commands(router.init('start'));
    const [, ...words] = started.get('agent')!;
    words[words.indexOf('--module') + 1] = compile(programs, 'maar');
    // What it says goes to syslog otherwise.
    words.splice(words.indexOf('--syslog'), 1);
    agent = new Agent(programs, 'openwrt', words);
    await agent.startMillis;
    control = await Recorder.connect(words[words.indexOf('--control') + 1]!.replace('unix:', ''));

    copyFileSync(programs.agent, router.path('bin/maar-dp'));
    symlinkSync('/sys', router.path('sys'));
    router.record('list', 'hostapd.phy0-ap0\n');
    router.record('objects', '');
    router.record('events.phy0-ap0', '');
    router.record('get_clients.phy0-ap0', CLIENTS);
    const [script, ...args] = started.get('stations')!;
    watcher = router.start(script!, args);
  });
  after(() => {
    control.close();
    watcher.kill();
    agent.kill();
    router.remove();
  });

  const told = (change: string): Promise<void> =>
    until(change, () => control.presence.includes(change), PATIENCE);

  test('the agent runs as configured', () => {
    const { hello } = control.of('hello')[0]!;
    assert.deepEqual([hello.locator, hello.coreMtu], [LOCATOR, 1500]);
    assert.deepEqual(
      hello.links.map(({ link, interface: name, linkLocal, mac }) => [link, name, linkLocal, mac]),
      [[0, 'br-maar', 'fe80::1', '02:00:5e:10:00:00']],
    );
  });

  test('control hears of stations what hostapd says', async () => {
    await told(`present phy0-ap0 ${STATION}`);
    router.record('get_clients.phy0-ap0', '{"freq":5180,"clients":{}}');
    router.happens(
      'events.phy0-ap0',
      `{ "bss-transition-response": {"address":"${STATION}","dialog-token":1,"status-code":false} }\n`,
    );
    await told(`leaving phy0-ap0 ${STATION}`);
    control.send(keeping(STATION));
    router.happens('events.phy0-ap0', `{ "disassoc": {"address":"${STATION}"} }\n`);
    await told(`absent phy0-ap0 ${STATION}`);
  });
});
