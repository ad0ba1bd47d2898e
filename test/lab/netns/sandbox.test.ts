import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Sandbox } from '../../../host/lab/netns/sandbox.ts';
import { TrafficProcess } from '../../../host/lab/netns/traffic.ts';
import { until } from '../../io/support/namespace.ts';
import { running } from '../../support/process.ts';
import { hasNetns, plainDomain } from './support.ts';

const PATH = process.env['PATH'] ?? '';
const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();

test('namespaces are apart from each other and from the system', async (t) => {
  if (!hasNetns(t)) return;
  const sandbox = await Sandbox.create(['one', 'two']);
  t.after(() => sandbox.close());
  await sandbox.shell('one').run('ip link add here type bridge');
  assert.match(await sandbox.shell('one').run('ip -br link'), /^here /m);
  assert.doesNotMatch(await sandbox.shell('two').run('ip -br link'), /^here /m);
  assert.equal(existsSync('/run/netns/one'), false);
});

test('a line that fails rejects with what it printed, and the shell goes on', async (t) => {
  if (!hasNetns(t)) return;
  const sandbox = await Sandbox.create(['one']);
  t.after(() => sandbox.close());
  const shell = sandbox.shell('one');
  const [good, bad, next] = await Promise.allSettled([
    shell.run('echo first'),
    shell.run('ip link set nowhere up\necho not reached'),
    shell.run('echo third'),
  ]);
  assert.deepEqual(good, { status: 'fulfilled', value: 'first\n' });
  assert.equal(bad.status, 'rejected');
  assert.match(String(bad.reason), /in one: .*Cannot find device "nowhere"/s);
  assert.doesNotMatch(String(bad.reason), /^not reached$/m);
  assert.deepEqual(next, { status: 'fulfilled', value: 'third\n' });
});

test('a ping that nobody answers ends with its sandbox', async (t) => {
  if (!hasNetns(t)) return;
  const sandbox = await Sandbox.create(['one']);
  t.after(() => sandbox.close());
  const shell = sandbox.shell('one');
  const [from, to] = ['2001:db8::1', '2001:db8::2'];
  await shell.run(`
    ip link add silent type veth peer name other; ip link set silent up; ip link set other up
    ip addr add ${from}/64 dev silent nodad
    ip neigh add ${to} lladdr 02:00:5e:10:01:0a dev silent
  `);
  const traffic = new TrafficProcess(sandbox, 'one', 0);
  await traffic.order({ op: 'ping', id: 1, from, to, intervalMs: 10 });
  let pids: number[] = [];
  await until('ping', async () => {
    pids = (await shell.run('ip netns pids one')).trim().split('\n').map(Number).filter(running);
    return pids.some((pid) => nameOf(pid) === 'ping');
  });
  await sandbox.close();
  await until('all have ended', () => !pids.some(running));
});

test('what is asked of a domain that is being taken down is refused', async (t) => {
  if (!hasNetns(t)) return;
  const { sandbox, captures } = await plainDomain(t);
  const traffic = new TrafficProcess(sandbox, 'core', 0);
  const ask = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled([
      sandbox.shell('core').run('echo here'),
      traffic.order({ op: 'count', id: 1 }),
      captures.packets(),
    ]);
  const pids = (await sandbox.shell('core').run('ip netns pids core')).trim().split('\n').map(Number);
  const closed = sandbox.close();
  // They are gone before anybody here is told.
  while (pids.some(running));
  const refusals = [await ask(), (await closed, await ask())].flat();
  assert.deepEqual(
    refusals.map(
      (refusal) => refusal.status === 'rejected' && /ended|takes no more/.test(String(refusal.reason)),
    ),
    refusals.map(() => true),
  );
});

/** Creates a sandbox with a process in it, prints both pids, and waits for ever. */
const OWNER = `
  const { Sandbox } = await import(process.argv[1]);
  const sandbox = await Sandbox.create(['one']);
  const child = sandbox.spawn('one', ['sleep', '1000'], 'ignore');
  console.log(child.pid, /-t (\\d+)/.exec(sandbox.entry('one'))[1]);
`;

/** A sandbox with a process in it, the owner of both elsewhere. */
async function owned(t: TestContext, path: string): Promise<{ owner: ChildProcess; pids: number[] }> {
  const module = new URL('../../../host/lab/netns/sandbox.ts', import.meta.url).href;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER, module], {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => owner.kill('SIGKILL'));
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
  const pids = line.split(' ').map(Number);
  assert.ok(pids.every(running));
  return { owner, pids };
}

async function kill(owner: ChildProcess): Promise<void> {
  const ended = once(owner, 'exit');
  owner.kill('SIGKILL');
  await ended;
}

test('when its owner is killed nothing of a sandbox is left', async (t) => {
  if (!hasNetns(t)) return;
  const { owner, pids } = await owned(t, PATH);
  await until('the process runs', () => nameOf(pids[0]!) === 'sleep');
  await kill(owner);
  await until('both have ended', () => !pids.some(running));
});

test('what has not asked yet to end with the owner of its sandbox does so too', async (t) => {
  if (!hasNetns(t)) return;
  const folder = mkdtempSync(join(tmpdir(), 'maar-late-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const wait = `until [ -e "${folder}/go" ]; do sleep 0.01; done`;
  const late = `#!/bin/sh\ncase "$*" in *" sleep "*) ${wait} ;; esac\nPATH="${PATH}" exec setpriv "$@"\n`;
  writeFileSync(join(folder, 'setpriv'), late, { mode: 0o755 });
  const { owner, pids } = await owned(t, `${folder}:${PATH}`);
  await kill(owner);
  writeFileSync(join(folder, 'go'), '');
  await until('both have ended', () => !pids.some(running));
});
