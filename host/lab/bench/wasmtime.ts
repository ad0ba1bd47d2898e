/** The WASM module under wasmtime: a program in Rust that answers to the same lines as the native engines. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoBuild } from '../cargo.ts';
import type { NativeEngines, Shared } from './native.ts';
import { NativeEngine, Program } from './native.ts';
import type { PathBench } from './packets.ts';

const NAME = 'maar-bench';
const WASMTIME_PATHS: readonly PathBench[] = ['encapsulate', 'decapsulate', 're-tunnel', 'hold'];
/** The interpreter takes a hundred times as long as machine code: larger tables would only make everybody wait. */
const PULLEY_MOST = 10_000;

/** The SIMD module under wasmtime, compiled ahead of time to machine code, and the scalar one under its interpreter. */
export async function wasmtimeEngines(directory: string, simd: URL, scalar: URL): Promise<NativeEngines> {
  const built = await cargoBuild(NAME);
  if ('obstacle' in built) return { engines: [], missing: [`wasmtime: ${built.obstacle}`] };
  // A build for another checkout writes to the same place.
  const path = join(directory, NAME);
  copyFileSync(built.path, path);
  const engines: NativeEngine[] = [];
  const missing: string[] = [];
  const kinds = [
    ['wasmtime AOT', 'native', simd, Infinity],
    ['wasmtime Pulley', 'pulley', scalar, PULLEY_MOST],
  ] as const;
  for (const [name, kind, module, most] of kinds) {
    const arguments_ = [kind, fileURLToPath(module), join(directory, `${kind}.cwasm`)];
    const shared: Shared = { program: Program.start(path, arguments_) };
    try {
      const first = await shared.program.line();
      if (first !== 'ready') throw new Error(first);
      engines.push(new NativeEngine(name, shared, kind, ['hosts', 'prefixes'], WASMTIME_PATHS, most));
    } catch (error) {
      missing.push(`${name}: ${String(error)}`);
    }
  }
  return { engines, missing };
}
