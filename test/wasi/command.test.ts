import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WASMTIME } from '../../scripts/wasmtime.ts';
import { output } from '../support/tools.ts';
import { COMMANDS, compiled, hasWasmtime, underNode, underWasmtime, workFolder } from './runtimes.ts';

/** All that docs/wasi.md promises to need. */
const IMPORTS = [
  'args_get',
  'args_sizes_get',
  'clock_time_get',

  'fd_close',
  'fd_prestat_dir_name',
  'fd_prestat_get',
  'fd_read',
  'fd_write',
  'path_open',
  'proc_exit',
];

for (const command of COMMANDS) {
  test(`${command}: the imports are those of the list, the exports those of a WASI command`, () => {
    const imports = WebAssembly.Module.imports(compiled(command));
    assert.deepEqual(new Set(imports.map(({ module }) => module)), new Set(['wasi_snapshot_preview1']));
    assert.deepEqual(imports.map(({ name }) => name).sort(), IMPORTS);
    const exports = WebAssembly.Module.exports(compiled(command)).map(({ name }) => name);
    assert.deepEqual(exports.sort(), ['_start', 'memory']);
  });

  test(`${command}: the self-test passes on Node`, (t) => {
    const { code, stdout, stderr } = underNode(command, workFolder(t), ['selftest']);
    assert.deepEqual([code, stdout.toString(), stderr], [0, '11 passed\n', '']);
  });

  test(`${command}: the self-test passes on wasmtime`, (t) => {
    if (!hasWasmtime(t)) return;
    const { code, stdout } = underWasmtime()(command, workFolder(t), ['selftest']);
    assert.deepEqual([code, stdout.toString()], [0, '11 passed\n']);
  });
}

test('compiled ahead of time, the self-test passes', (t) => {
  if (!hasWasmtime(t)) return;
  const folder = workFolder(t);
  const source = new URL('../../build/maar-wasi.wasm', import.meta.url).pathname;
  output(WASMTIME, ['compile', '-o', join(folder, 'maar-wasi.cwasm'), source]);
  const run = underWasmtime(['--allow-precompiled'], join(folder, 'maar-wasi.cwasm'));
  const { code, stdout } = run('maar-wasi', folder, ['selftest']);
  assert.deepEqual([code, stdout.toString()], [0, '11 passed\n']);
});

test('interpreted by Pulley, as on a processor without a backend, the self-test passes', (t) => {
  if (!hasWasmtime(t)) return;
  const run = underWasmtime(['--target', 'pulley64']);
  const { code, stdout, stderr } = run('maar-wasi-scalar', workFolder(t), ['selftest']);
  assert.deepEqual([code, stdout.toString(), stderr], [0, '11 passed\n', '']);
});

test('the benches answer with a time for each of what they are asked to do', (t) => {
  const folder = workFolder(t);
  for (const name of ['lookup', 'encap', 'decap']) {
    const { code, stdout, stderr } = underNode('maar-wasi', folder, [
      'bench',
      name,
      '--entries',
      '500',
      '--json',
    ]);
    assert.deepEqual([code, stderr], [0, '']);
    const result = JSON.parse(stdout.toString()) as { bench: string; entries: number; nanoseconds: number };
    assert.deepEqual([result.bench, result.entries], [name, 500]);
    assert.ok(result.nanoseconds > 0.5 && result.nanoseconds < 1e6, stdout.toString());
  }
});

test('anything else is answered with the usage and exit code 2', (t) => {
  const folder = workFolder(t);
  for (const args of [
    [],
    ['help'],
    ['selftest', 'x'],
    ['bench'],
    ['bench', 'encap', '--entries', '0'],
    ['replay'],
    ['replay', '--entries', 'E', 'IN'],
  ]) {
    const { code, stderr } = underNode('maar-wasi', folder, args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /^usage: maar-wasi selftest$/m);
  }
});

test('the lines of README.md and docs/wasi.md for wasmtime work', (t) => {
  if (!hasWasmtime(t)) return;
  const root = new URL('../../', import.meta.url);
  const folder = workFolder(t);
  for (const name of ['build', 'test']) symlinkSync(new URL(name, root).pathname, join(folder, name));
  let lines = 0;
  for (const page of ['README.md', 'docs/wasi.md']) {
    for (const [line] of readFileSync(new URL(page, root), 'utf8').matchAll(/^wasmtime .*$/gm)) {
      // The page's own names stand for files that the reader has.
      if (line.includes('E.json')) continue;
      const result = spawnSync(WASMTIME, line.split(' ').slice(1), {
        cwd: line.includes('--dir') ? root : folder,
      });
      assert.equal(result.status, 0, `${line}\n${result.stderr.toString()}`);
      lines++;
    }
  }
  assert.equal(lines, 6);
});
