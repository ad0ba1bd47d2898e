/** The command-line program of wasmtime. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cacheDirectory } from './cache.ts';

/** Where scripts/wasmtime.ts installs it. */
export const WASMTIME_ROOT = cacheDirectory('wasmtime-cli');
const OWN = join(WASMTIME_ROOT, 'bin', 'wasmtime');

/** Path or name of the program: the machine's own, else that of scripts/wasmtime.ts; undefined where there is none. */
export function findWasmtime(): string | undefined {
  return ['wasmtime', OWN].find((program) => spawnSync(program, ['--version']).status === 0);
}
