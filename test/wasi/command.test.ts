import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS, compiled, hasWasmtime, underNode, underWasmtime, workFolder } from './runtimes.ts';

/** All that docs/wasi.md promises to need. */
const IMPORTS = [
  'args_get',
  'args_sizes_get',

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

test('anything else is answered with the usage and exit code 2', (t) => {
  const folder = workFolder(t);
  for (const args of [[], ['help'], ['selftest', 'x'], ['replay'], ['replay', '--entries', 'E', 'IN']]) {
    const { code, stderr } = underNode('maar-wasi', folder, args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /^usage: maar-wasi selftest$/m);
  }
});
