/** The C example on a compiling and an interpreting engine; the packet and counters are Node's. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import binaryen from 'binaryen';
import { folderOf } from '../../../scripts/capi.ts';
import type { Engine } from '../../../scripts/capi.ts';
import { hasTool, missing } from '../../support/tools.ts';
import {
  PEERING,
  SOURCE,
  TUNNEL,
  apply,
  dataPlane,
  fromAccess,
  hex,
  outcome,
  packet,
} from '../node/support.ts';
import { complaints, workFolder } from './compile.ts';

const SOURCE_FILE = new URL('../../../bindings/c/example.c', import.meta.url).pathname;
const built = (build: string): string => new URL(`../../../build/${build}`, import.meta.url).pathname;

/** The example, linked to an engine; undefined where the test has been skipped. */
function example(t: TestContext, engine: Engine): string | undefined {
  const folder = folderOf(engine);
  if (!hasTool(t, 'cc')) return undefined;
  if (!existsSync(folder)) {
    missing(t, `the C API of ${engine} (node bin/node.js scripts/capi.ts ${engine} builds it)`);
    return undefined;
  }
  const program = join(workFolder(t), engine);
  const [include, lib] = [join(folder, 'include'), join(folder, 'lib')];
  const link = ['-L', lib, `-l${engine}`, `-Wl,-rpath,${lib}`];
  assert.equal(complaints(['-std=c11', '-isystem', include, SOURCE_FILE, '-o', program, ...link]), '');
  return program;
}

/** Those of the example; every hash of the module depends on the sizes of its tables. */
const CAPACITIES = { batch: 8, destinations: 16, sources: 16, peers: 4, flows: 64, held: 6, flowEntries: 0 };

/** What the example prints, from the data plane in Node. */
function expected(build: string): string {
  const plane = dataPlane({ capacities: CAPACITIES }, build);
  assert.deepEqual(apply(plane, [SOURCE, TUNNEL, PEERING]), ['ok', 'ok', 'ok']);
  const packets = plane
    .process([fromAccess(packet())], 1000)
    .map((out) => `${outcome(out)} ${hex(out.data)}`);
  const counters = Object.entries(plane.counters()).filter(([, value]) => value !== 0);
  return [...packets, ...counters.map(([name, value]) => `${name} ${value}`), ''].join('\n');
}

const RUNS: readonly [Engine, build: string][] = [
  ['wasmtime', 'maar.wasm'],
  ['wasmtime', 'maar-scalar.wasm'],
  ['wasmi', 'maar-scalar.wasm'],
];

for (const [engine, build] of RUNS) {
  test(`on ${engine}, ${build} does what it does in Node`, (t) => {
    const program = example(t, engine);
    if (program === undefined) return;
    const { status, stdout, stderr } = spawnSync(program, [built(build)], { encoding: 'utf8' });
    assert.deepEqual([status, stderr, stdout], [0, '', expected(build)]);
    assert.match(stdout, /^core 6[^]*\ntunnelled 1\n$/);
  });
}

test('a file that is no module, a module that is not ours or misbehaves, and another version are named', (t) => {
  const program = example(t, 'wasmi');
  if (program === undefined) return;
  const folder = workFolder(t);
  const cases: readonly [string, () => Uint8Array, RegExp][] = [
    ['text.wasm', () => Buffer.from('text'), /the engine does not take/],
    ['empty.wasm', () => wat('(module)'), /the module does not export abi_version/],
    ['memory.wasm', () => wat('(module (memory (export "abi_version") 1))'), /something else .* abi_version/],
    ['next.wasm', () => wat(VERSION_2), /the module has another version than maar_abi.h/],
    ['trap.wasm', () => wat(TRAP), /trap in abi_version/],
    ['wild.wasm', () => wat(WILD), /an area is outside of the memory/],
  ];
  const refusal = (path: string): string => {
    const run = spawnSync(program, [path], { encoding: 'utf8' });
    assert.deepEqual([run.status, run.stdout], [1, '']);
    return run.stderr;
  };
  for (const [name, bytes, complaint] of cases) {
    writeFileSync(join(folder, name), bytes());
    assert.match(refusal(join(folder, name)), complaint);
  }
  const absent = join(folder, 'absent.wasm');
  assert.equal(refusal(absent), `example: cannot read ${absent}\n`);
});

const VERSION_2 = '(module (func (export "abi_version") (result i32) (i32.const 2)))';
const TRAP = '(module (func (export "abi_version") (result i32) (unreachable)))';
/** Its command area lies at the very end of its memory. */
const WILD = `(module (memory (export "memory") 1)
  (func (export "abi_version") (result i32) (i32.const 1))
  (func (export "init") (param i32 i32 i32 i32 i32 i32 i32 i64 i64 i64 i32 i32) (result i32) (i32.const 0))
  (func (export "base") (param i32) (result i32) (i32.const 0xffc0)))`;

function wat(text: string): Uint8Array {
  return binaryen.parseText(text).emitBinary();
}
