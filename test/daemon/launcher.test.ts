import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../io/support/namespace.ts';
import { OWN_PORT } from '../support/port.ts';
import { running } from '../support/process.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/maar.js', import.meta.url));

/** The launcher with an AAA server that listens, and the process number of what it launched. */
async function launched(t: TestContext): Promise<{ launcher: ChildProcess; daemon: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'maar-launcher-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'aaa.toml');
  writeFileSync(
    config,
    `name = "aaa"
originHost = "aaa.example.org"
originRealm = "example.org"
database = "${join(folder, 'registrations.db')}"
peer = []
[[listen]]
address = "::1"
port = ${OWN_PORT}
`,
  );
  const launcher = spawn(process.execPath, [LAUNCHER, 'aaa', '--config', config], { stdio: 'pipe' });
  t.after(() => launcher.kill('SIGKILL'));
  const [line] = (await once(launcher.stderr, 'data')) as [Buffer];
  assert.match(String(line), /"what":"listen"/);
  const { pid } = launcher;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const daemon = Number(children);
  t.after(() => {
    if (running(daemon)) process.kill(daemon, 'SIGKILL');
  });
  return { launcher, daemon };
}

test('a launcher that is killed takes its daemon with it', async (t) => {
  const { launcher, daemon } = await launched(t);
  launcher.kill('SIGKILL');
  await until('the daemon has ended', () => !running(daemon));
});

test('a signal reaches the daemon, and its exit code the caller', async (t) => {
  const { launcher } = await launched(t);
  const exit = once(launcher, 'exit');
  launcher.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
});
