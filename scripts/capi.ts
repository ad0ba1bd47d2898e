/**
 * `capi.ts wasmtime|wasmi`: sees to the C API of an engine, and prints the folder with its `include/` and `lib/`.
 * Cargo shares wasmtime with the other programs in Rust, so that it takes minutes once; the rest takes one.
 */
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheDirectory } from '../host/lab/cache.ts';
import { cargo } from '../host/lab/cargo.ts';

/** The library in the crate that has the headers of each engine. */
const CRATES = { wasmtime: 'wasmtime_c_api', wasmi: 'wasmi_c_api' } as const;
export type Engine = keyof typeof CRATES;

interface Artifact {
  readonly reason: string;
  readonly manifest_path: string;
  readonly target: { readonly name: string };
  readonly filenames: readonly string[];
}

/** Where an engine's `include/` and `lib/` are after this script has run. */
export function folderOf(engine: Engine): string {
  return join(cacheDirectory('capi'), engine);
}

/** Builds the library of an engine, and gathers it and its headers; throws what cargo said where it fails. */
async function build(engine: Engine): Promise<void> {
  const { code, output } = await cargo(
    `build --quiet --release --locked --jobs 2 --package maar-capi-${engine} --message-format json`.split(
      ' ',
    ),
  );
  if (code !== 0) throw new Error(`scripts/capi.ts: ${output}`);
  const artifacts = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Artifact)
    .filter(({ reason }) => reason === 'compiler-artifact');
  const crate = artifacts.find(({ target }) => target.name === CRATES[engine])!;
  const library = artifacts.find(({ manifest_path: path }) => path.endsWith(`capi/${engine}/Cargo.toml`))!;
  const lib = join(folderOf(engine), 'lib');
  mkdirSync(lib, { recursive: true });
  for (const file of library.filenames) copyFileSync(file, join(lib, basename(file)));
  const headers = join(dirname(crate.manifest_path), 'include');
  cpSync(headers, join(folderOf(engine), 'include'), { recursive: true });
}

if (import.meta.main) {
  const [engine] = process.argv.slice(2);
  if (engine !== 'wasmtime' && engine !== 'wasmi') {
    console.error('usage: capi.ts wasmtime|wasmi');
    process.exit(2);
  }
  await build(engine);
  console.log(folderOf(engine));
}
