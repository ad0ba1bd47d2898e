import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { quantile } from '../../host/lab/bench/run.ts';
import type { Row } from '../../host/lab/bench/run.ts';

const main = fileURLToPath(new URL('../../host/daemon/main.ts', import.meta.url));

interface Output {
  readonly rows: readonly Row[];
  readonly missing: readonly string[];
  readonly figures: readonly { readonly what: string; readonly value: number }[];
}

/** Runs `maar bench`; it fails by itself where engines find different things or the C pipeline other octets. */
async function bench(...args: string[]): Promise<Output> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'bench', ...args, '--json']);
  return JSON.parse(stdout) as Output;
}

test('every bench runs on every engine that is there, and all engines agree on what they find', async () => {
  const { rows, missing, figures } = await bench('--quick');
  if (process.env['MAAR_REQUIRE_TOOLS'] === '1') assert.deepEqual(missing, []);
  const enginesOf = (name: string): string[] =>
    [...new Set(rows.filter((row) => row.bench === name).map((row) => row.engine))].sort();
  const native = missing.some((line) => line.startsWith('twin')) ? [] : ['C, loads', 'C, prefetch'];
  const dpdk = missing.some((line) => line.startsWith('rte') || line.startsWith('dpdk'));
  const hash = dpdk ? [] : ['rte_hash', 'rte_hash bulk'];
  const wasmtime = missing.some((line) => line.startsWith('wasmtime'))
    ? []
    : ['wasmtime AOT', 'wasmtime Pulley'];
  const modules = ['V8 SIMD', 'V8 scalar', ...wasmtime];
  assert.deepEqual(enginesOf('hit'), ['JavaScript Map', ...modules, ...native, ...hash].sort());
  assert.deepEqual(enginesOf('miss'), enginesOf('hit'));
  assert.deepEqual(enginesOf('prefix'), [...modules, ...native, ...(dpdk ? [] : ['rte_fib6 bulk'])].sort());
  for (const name of ['encapsulate', 'decapsulate', 're-tunnel'])
    assert.deepEqual(enginesOf(name), [...modules, ...native].sort());
  assert.deepEqual(enginesOf('hold'), modules.toSorted());
  assert.deepEqual(enginesOf('rewrite'), ['V8 SIMD', 'V8 scalar', ...native].sort());
  for (const name of ['flow', 'buffer']) assert.deepEqual(enginesOf(name), ['V8 SIMD', 'V8 scalar']);
  for (const { p10, median, p90 } of rows) assert.ok(p10 > 0 && p10 <= median && median <= p90);
  const size = figures.find(({ what }) => what.startsWith('octets of the module'));
  assert.ok(size !== undefined && size.value <= 32 * 1024, 'the SIMD module is larger than 32 KiB');
});

test('an unknown bench and a wrong number are faults of the command line', async () => {
  for (const args of [['flight'], ['--entries', '0'], ['--rounds', 'many']]) {
    await assert.rejects(bench(...args), { code: 2 });
  }
});

test('quantiles interpolate', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(quantile([1, 2, 3], 0), 1);
  assert.equal(quantile([1, 2, 3], 1), 3);
});
