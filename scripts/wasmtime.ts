/**
 * Sees to the command-line program of wasmtime that the tests of the WASI build run it under, and prints its path.
 * Built once from crates.io into a cache outside the repository: ten minutes of processor time and more (docs/testing.md).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WASMTIME_ROOT } from '../host/lab/wasmtime-cli.ts';

/** The long-term release line; 48 is the last that the Rust of `docs/dependencies.md` compiles. */
const VERSION = '48.0.8';
/** `run`, `compile` with Cranelift, and the Pulley interpreter: nothing of components, profiling or WASI preview 2. */
const FEATURES = 'run,compile,cranelift,pulley';

/** The code that Cranelift makes does not depend on how Cranelift itself was compiled: so that takes little time. */
const QUICK = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '256',
  CARGO_PROFILE_RELEASE_DEBUG: '0',
  CARGO_PROFILE_RELEASE_STRIP: 'true',
};

/** Path of the program, which is there after this script has run. */
export const WASMTIME = join(WASMTIME_ROOT, 'bin', 'wasmtime');

function build(): number {
  const target = join(WASMTIME_ROOT, 'target');
  const options = ['--locked', '--no-default-features', '--features', FEATURES, '--root', WASMTIME_ROOT];
  const { status, error } = spawnSync(
    'cargo',
    ['install', 'wasmtime-cli', '--version', `=${VERSION}`, ...options, '--target-dir', target],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...QUICK },
    },
  );
  if (error !== undefined) console.error(`scripts/wasmtime.ts: cargo: ${error.message}`);
  // What was compiled on the way takes a gigabyte; after a failure it shortens the next attempt.
  if (status === 0) rmSync(target, { recursive: true });
  return status ?? 1;
}

if (import.meta.main) {
  const known = existsSync(WASMTIME) ? spawnSync(WASMTIME, ['--version'], { encoding: 'utf8' }).stdout : '';
  process.exitCode = known.includes(VERSION) ? 0 : build();
  if (process.exitCode === 0) console.log(WASMTIME);
}
