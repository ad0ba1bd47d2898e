import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Forwarding } from '../../host/lab/bench/forward/run.ts';
import { netnsObstacle } from '../../host/lab/netns/sandbox.ts';
import { missing as missingTool } from '../support/tools.ts';

const main = fileURLToPath(new URL('../../host/daemon/main.ts', import.meta.url));

test('every data plane carries every load, and the agent is there for the first packet', async (t) => {
  const obstacle = netnsObstacle();
  if (obstacle !== undefined) {
    missingTool(t, obstacle);
    return;
  }
  const args = [main, 'bench', 'forward', '--quick', '--json', '--entries', '1000'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { rows, figures, missing } = JSON.parse(stdout) as Forwarding;
  if (process.env['MAAR_REQUIRE_TOOLS'] === '1') assert.deepEqual(missing, []);
  const planes = ['plain', 'kernel', 'node', ...(missing.length === 0 ? ['pump', 'wasmtime'] : [])];
  const loads = [...new Set(rows.map(({ load }) => load))];
  assert.equal(loads.length, 5);
  for (const load of loads) {
    const of = rows.filter((row) => row.load === load);
    assert.deepEqual(
      of.map(({ plane }) => plane),
      planes,
    );
    // How much of TCP in so short a time is a matter of who got the processor.
    for (const { plane, loss, megabits } of of)
      assert.ok(load.startsWith('UDP') ? loss < 0.5 : megabits > 0, `${load} by ${plane}`);
  }
  for (const { what, value } of figures) assert.ok(value > 0 && Number.isFinite(value), what);
});

test('forward runs by itself, and --rate belongs to it', async () => {
  for (const args of [
    ['forward', 'hit'],
    ['hit', '--rate', '5'],
  ]) {
    await assert.rejects(promisify(execFile)(process.execPath, [main, 'bench', ...args]), { code: 2 });
  }
});
