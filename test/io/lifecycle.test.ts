import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findWasmtime } from '../../host/lab/wasmtime-cli.ts';
import { missing } from '../support/tools.ts';
import { CORRESPONDENT, buildNetwork } from './support/bench.ts';
import { dump, settle } from './support/kernel.ts';
import { namespaced, sh, until } from './support/namespace.ts';

const DAEMON = fileURLToPath(new URL('support/daemon.ts', import.meta.url));
/** For a process that hangs: one that ends takes a fraction of it. */
const CRASH_LIMIT_MS = 10_000;
/** A pump that hangs is given up after 5 s. */
const HANG_LIMIT_MS = 5000 + CRASH_LIMIT_MS;
const IDLE_MS = 5000;
/** USER_HZ, the unit of /proc/PID/stat on every architecture that Node runs on. */
const TICK_MS = 10;

/** All that were started, so that none outlives a test that fails. */
const children: ChildProcess[] = [];

interface Daemon {
  readonly process: ChildProcess;
  readonly stderr: () => string;
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;
}

async function start(...args: string[]): Promise<Daemon> {
  const child = spawn(process.execPath, [DAEMON, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let stderr = '';
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  const ended = once(child, 'exit') as Daemon['ended'];
  // What a process said may arrive after its end.
  const closed = once(child, 'close');
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!ready) {
    await closed;
    assert.fail(stderr);
  }
  return { process: child, stderr: () => stderr, ended };
}

function processorMillis(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return TICK_MS * (Number(fields[11]) + Number(fields[12]));
}

/** Voluntary context switches of every thread: how often any of them went to sleep, so woke before. */
function wakeups(pid: number): number {
  const text = sh(`cat /proc/${pid}/task/*/status`);
  return [...text.matchAll(/^voluntary_ctxt_switches:\s+(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}

/** The pump of a daemon whose data plane runs under wasmtime. */
function pumpOf(daemon: Daemon): number {
  return Number(sh(`ps -o pid= --ppid ${daemon.process.pid!}`));
}

async function gone(pid: number): Promise<void> {
  await until('the pump has ended', () => !existsSync(`/proc/${pid}`));
}

/** The program, or undefined with the test skipped. */
function wasmtimeFor(t: TestContext): string | undefined {
  const wasmtime = findWasmtime();
  if (wasmtime === undefined) missing(t, 'wasmtime (node bin/node.js scripts/wasmtime.ts builds it)');
  return wasmtime;
}

async function crash(
  daemon: Daemon,
  provoke: () => void,
  message: RegExp,
  limit = CRASH_LIMIT_MS,
): Promise<void> {
  const begin = performance.now();
  provoke();
  const [code] = await daemon.ended;
  assert.ok(performance.now() - begin < limit, `took ${performance.now() - begin} ms`);
  assert.notEqual(code, 0);
  await until(`${message} on stderr`, () => message.test(daemon.stderr()));
}

namespaced(import.meta.url, () => {
  let pristine = '';
  const state = mkdtempSync('/run/state-');
  before(async () => {
    buildNetwork();
    settle();
    pristine = await dump();
  });
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  test('an orderly stop leaves the kernel as it was', async () => {
    const daemon = await start(state);
    assert.notEqual(await dump(), pristine);
    daemon.process.kill('SIGTERM');
    assert.deepEqual(await daemon.ended, [0, null]);
    assert.equal(await dump(), pristine);
    assert.equal(existsSync(`${state}/undo.jsonl`), false);
  });

  test('after kill -9 the next start and stop leave the kernel as it was', async () => {
    const killed = await start(state);
    killed.process.kill('SIGKILL');
    await killed.ended;
    assert.notEqual(await dump(), pristine);
    const daemon = await start(state);
    daemon.process.kill('SIGTERM');
    assert.deepEqual(await daemon.ended, [0, null]);
    assert.equal(await dump(), pristine);
  });

  test('a second daemon does not take the first one for leavings', async () => {
    const first = await start(state);
    const during = await dump();
    await assert.rejects(start(mkdtempSync('/run/state-')), /create TUN device maar0: EBUSY/);
    assert.equal(await dump(), during);
    first.process.kill('SIGTERM');
    await first.ended;
  });

  test('an exception in the main thread ends the process, and the kernel is put back', async () => {
    const daemon = await start(state);
    await crash(daemon, () => daemon.process.kill('SIGUSR2'), /thrown in the main thread/);
    assert.equal(await dump(), pristine);
  });

  test('an exception in the packet worker ends the process, and the kernel is put back', async () => {
    const daemon = await start(state);
    await crash(daemon, () => sh('ip link del maar0'), /read from the TUN device: EBADFD/);
    assert.equal(await dump(), pristine);
  });

  test('with the data plane under wasmtime, an orderly stop ends it too', async (t) => {
    const wasmtime = wasmtimeFor(t);
    if (wasmtime === undefined) return;
    const daemon = await start(state, wasmtime);
    const pump = pumpOf(daemon);
    daemon.process.kill('SIGTERM');
    assert.deepEqual(await daemon.ended, [0, null], daemon.stderr());
    await gone(pump);
    assert.equal(await dump(), pristine);
  });

  test('a pump that is killed ends the process, and the next one takes its entries', async (t) => {
    const wasmtime = wasmtimeFor(t);
    if (wasmtime === undefined) return;
    const killed = await start(state, wasmtime);
    await crash(killed, () => process.kill(pumpOf(killed), 'SIGKILL'), /pump has ended/);
    assert.equal(await dump(), pristine);
    const daemon = await start(state, wasmtime);
    const pump = pumpOf(daemon);
    daemon.process.kill('SIGKILL');
    await gone(pump);
  });

  test('a pump that hangs ends the process', async (t) => {
    const wasmtime = wasmtimeFor(t);
    if (wasmtime === undefined) return;
    const daemon = await start(state, wasmtime);
    const pump = pumpOf(daemon);
    const provoke = (): void => {
      process.kill(pump, 'SIGSTOP');
      // The kernel leads what goes to the correspondent to the data plane.
      sh(`ping -6 -c 1 -W 1 ${CORRESPONDENT} || true`);
    };
    await crash(daemon, provoke, /the pump has not answered for 5000 ms/, HANG_LIMIT_MS);
    process.kill(pump, 'SIGCONT');
    await gone(pump);
  });

  test('idle, nothing wakes up', async () => {
    const daemon = await start(state);
    const pid = daemon.process.pid!;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const [time, woken] = [processorMillis(pid), wakeups(pid)];
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    assert.ok(
      processorMillis(pid) - time <= IDLE_MS / 200,
      `${processorMillis(pid) - time} ms in ${IDLE_MS} ms`,
    );
    assert.ok(wakeups(pid) - woken <= 20, `${wakeups(pid) - woken} wake-ups`);
    daemon.process.kill('SIGTERM');
    await daemon.ended;
  });
});
