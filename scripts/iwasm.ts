/**
 * Sees to iwasm, the interpreter of WAMR, that a test runs the WASI build under, and prints its path.
 * Its sources come from a crate, so that cargo fetches them; it is built with cmake, in a quarter of a minute.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../host/lab/cache.ts';

const CRATE = 'wamr-sys';
const VERSION = '0.1.1';
const PROCESSORS: Readonly<Record<string, string>> = { x64: 'X86_64', arm64: 'AARCH64' };

/** Path of the program, which is there after this script has run. */
export const IWASM = join(cacheDirectory('iwasm'), 'bin', 'iwasm');

/** Standard output of a program that must succeed. */
function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new Error(`scripts/iwasm.ts: ${program}: ${error?.message ?? stderr}`);
  return stdout;
}

/** The folder of the crate, once cargo has fetched and checked it for an empty package that depends on it. */
function sources(folder: string): string {
  const manifest = join(folder, 'Cargo.toml');
  writeFileSync(manifest, `[package]\nname = "sources"\n[dependencies]\n${CRATE} = "=${VERSION}"\n`);
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/lib.rs'), '');
  const metadata = run('cargo', ['metadata', '--format-version', '1', '--manifest-path', manifest]);
  const { packages } = JSON.parse(metadata) as { packages: { name: string; manifest_path: string }[] };
  return dirname(packages.find(({ name }) => name === CRATE)!.manifest_path);
}

function build(): void {
  const folder = mkdtempSync(join(tmpdir(), 'maar-iwasm-'));
  try {
    const linux = join(sources(folder), 'wasm-micro-runtime/product-mini/platforms/linux');
    const out = join(folder, 'out');
    const options = {
      CMAKE_BUILD_TYPE: 'Release',
      CMAKE_POLICY_VERSION_MINIMUM: '3.5',
      WAMR_BUILD_TARGET: PROCESSORS[process.arch] ?? '',
      WAMR_BUILD_BULK_MEMORY: '1',
    };
    run('cmake', [...Object.entries(options).map(([name, value]) => `-D${name}=${value}`), linux, '-B', out]);
    run('cmake', ['--build', out, '--parallel', '2']);
    mkdirSync(dirname(IWASM), { recursive: true });
    copyFileSync(join(out, 'iwasm'), IWASM);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  if (!existsSync(IWASM)) build();
  console.log(IWASM);
}
