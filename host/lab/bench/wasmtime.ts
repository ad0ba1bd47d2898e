/** The WASM module under wasmtime: a program in Rust that answers to the same lines as the native engines. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoCopy } from '../cargo.ts';
import type { NativeEngines, Shared } from './native.ts';
import { NativeEngine, Program } from './native.ts';
import type { PathBench } from './packets.ts';

const WASMTIME_PATHS: readonly PathBench[] = ['encapsulate', 'decapsulate', 're-tunnel', 'hold'];
/** The interpreter takes a hundred times as long as machine code: larger tables would only make everybody wait. */
const PULLEY_MOST = 10_000;

/** The SIMD module under wasmtime, compiled ahead of time to machine code, and the scalar one under its interpreter. */
export async function wasmtimeEngines(directory: string, simd: URL, scalar: URL): Promise<NativeEngines> {
  const program = await cargoCopy('maar-bench', directory);
  if ('obstacle' in program) return { engines: [], missing: [`wasmtime: ${program.obstacle}`] };
  const engines: NativeEngine[] = [];
  const missing: string[] = [];
  const kinds = [
    ['wasmtime AOT', 'native', simd, Infinity],
    ['wasmtime Pulley', 'pulley', scalar, PULLEY_MOST],
  ] as const;
  for (const [name, kind, module, most] of kinds) {
    const arguments_ = [kind, fileURLToPath(module), join(directory, `${kind}.cwasm`)];
    const shared: Shared = { program: Program.start(program.path, arguments_) };
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
