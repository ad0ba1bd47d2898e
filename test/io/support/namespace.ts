import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing } from '../../support/tools.ts';

const INSIDE = 'MAAR_TEST_NAMESPACE';
/** A tmpfs on /run keeps named namespaces private, so that everything vanishes with the process. */
const PREPARE = 'mount -t tmpfs tmpfs /run && mount -t sysfs sysfs /sys && ip link set lo up && exec "$@"';
/** For tests that hang: none that goes on takes a quarter of it on a machine of its own. */
const LIMIT_MS = 240_000;

/**
 * Runs the tests that `define` declares in network and mount namespaces of their own, by running this file again inside;
 * outside it stands as one test, skipped where namespaces are not permitted. Options go to the inner Node.
 */
export function namespaced(url: string, define: () => void): void {
  if (process.env[INSIDE] === '1') {
    define();
    return;
  }
  const file = fileURLToPath(url);
  test(`${basename(file)} in a network namespace`, (t) => {
    if (process.getuid?.() !== 0 || spawnSync('unshare', ['-nm', 'true']).status !== 0) {
      missing(t, 'permission to create network namespaces');
      return;
    }
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
    const inner = spawnSync('unshare', ['-nm', 'sh', '-c', PREPARE, 'sh', process.execPath, file], {
      encoding: 'utf8',
      env: { ...environment, [INSIDE]: '1' },
      timeout: LIMIT_MS,
    });
    assert.equal(inner.status, 0, `${inner.stdout}\n${inner.stderr}`);
  });
}

/** Runs one command line through the shell; its standard output. */
export function sh(command: string): string {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * The same, while this process goes on: it has to speak up within 3.5 s on a connection to the agent, and on a busy machine
 * a dozen programs take longer.
 */
export async function shell(command: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-ec', command])).stdout;
}

/** Runs a program in Python in a namespace; resolves to what it wrote. */
export function python(namespace: string, program: string): Promise<string> {
  const args = ['netns', 'exec', namespace, 'python3', '-c', program];
  return promisify(execFile)('ip', args).then(({ stdout }) => stdout.trim());
}

/** The JSON that a command of iproute2 prints. */
export function ipJson(command: string): Record<string, unknown>[] {
  const text = sh(`ip -j ${command}`).trim();
  return (text === '' ? [] : JSON.parse(text)) as Record<string, unknown>[];
}

/** Long enough for a machine that does other things; whoever waits goes on as soon as `condition` holds. */
const UNTIL_MS = 20_000;

export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms = UNTIL_MS,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
