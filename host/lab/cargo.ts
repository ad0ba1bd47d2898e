/** Programs in Rust (bindings/wasmtime/), built on demand. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from './cache.ts';

const compiled = import.meta.url.endsWith('.js');
const WORKSPACE = fileURLToPath(new URL(`${compiled ? '../' : ''}../../bindings/wasmtime/`, import.meta.url));

/** Where cargo keeps what it compiles: outside the checkout, since wasmtime takes minutes the first time. */
const targetDirectory = (): string => cacheDirectory('cargo-target');

export type Built = { readonly path: string } | { readonly obstacle: string };

type ProgramName = 'maar-bench' | 'maar-compile' | 'maar-dp';

/** Runs cargo in the workspace; resolves to its code and what it wrote. */
export function cargo(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn('cargo', args, {
      cwd: WORKSPACE,
      env: { ...process.env, CARGO_TARGET_DIR: targetDirectory(), CARGO_TERM_COLOR: 'never' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ code: 1, output: `${error.message} (is it installed?)` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * Builds one program of the workspace; a line saying why not, if so. The agent is built as for a router: small, without
 * a compiler; all others together, so that they share one wasmtime.
 */
export async function cargoBuild(name: ProgramName): Promise<Built> {
  if (!existsSync(WORKSPACE)) return { obstacle: `${name}: its sources are not part of this installation` };
  const [profile, which] = name === 'maar-dp' ? ['small', ['--package', name]] : ['release', [] as string[]];
  const path = join(targetDirectory(), profile, name);
  if (!existsSync(path)) process.stderr.write(`maar: cargo builds ${name}; the first time takes minutes\n`);
  const { code, output } = await cargo(['build', '--profile', profile, '--locked', '--jobs', '2', ...which]);
  if (code === 0) return { path };
  const fault = output.split('\n').find((line) => /error|installed/.test(line)) ?? output.trim();
  return { obstacle: `${name}: cargo does not build it: ${fault}` };
}

/** As `cargoBuild`, copied into `directory`: a build for another checkout writes to the same place. */
export async function cargoCopy(name: ProgramName, directory: string): Promise<Built> {
  const built = await cargoBuild(name);
  if ('obstacle' in built) return built;
  const path = join(directory, name);
  copyFileSync(built.path, path);
  return { path };
}
