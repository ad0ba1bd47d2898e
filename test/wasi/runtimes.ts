/** The WASI build under three runtimes: Node's own, within this process, and the programs wasmtime and iwasm. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { WASI } from 'node:wasi';
import { IWASM } from '../../scripts/iwasm.ts';
import { WASMTIME } from '../../scripts/wasmtime.ts';
import { missing } from '../support/tools.ts';

export const COMMANDS = ['maar-wasi', 'maar-wasi-scalar'] as const;
export type Command = (typeof COMMANDS)[number];

export interface Run {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the command with these arguments in `folder`, the only one that it may use. */
export type Runtime = (command: Command, folder: string, args: readonly string[], input?: Uint8Array) => Run;

export const built = (command: Command): string =>
  new URL(`../../build/${command}.wasm`, import.meta.url).pathname;

const modules = new Map<Command, WebAssembly.Module>();

export function compiled(command: Command): WebAssembly.Module {
  const known = modules.get(command) ?? new WebAssembly.Module(readFileSync(built(command)));
  modules.set(command, known);
  return known;
}

export const underNode: Runtime = (command, folder, args, input = new Uint8Array()) => {
  const own = mkdtempSync(join(tmpdir(), 'maar-wasi-'));
  const path = (name: string): string => join(own, name);
  writeFileSync(path('stdin'), input);
  const files = [openSync(path('stdin'), 'r'), openSync(path('stdout'), 'w'), openSync(path('stderr'), 'w')];
  try {
    const [stdin, stdout, stderr] = files as [number, number, number];
    const wasi = new WASI({
      version: 'preview1',
      args: [command, ...args],
      preopens: { '.': folder },
      stdin,
      stdout,
      stderr,
    });
    const imports = wasi.getImportObject();
    const code = wasi.start(new WebAssembly.Instance(compiled(command), imports));
    return { code, stdout: readFileSync(path('stdout')), stderr: readFileSync(path('stderr'), 'utf8') };
  } finally {
    files.forEach(closeSync);
    rmSync(own, { recursive: true });
  }
};

/** Runs a program that may use `folder` alone. */
function underProgram(program: string, args: readonly string[], folder: string, input: Uint8Array): Run {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    input,
    maxBuffer: 64 << 20,
  });
  if (error !== undefined) throw error;
  return { code: status ?? -1, stdout, stderr: stderr.toString() };
}

/** `flags` go before the module: `--target`, `--allow-precompiled`; `module` in place of the command's own. */
export function underWasmtime(flags: readonly string[] = [], module?: string): Runtime {
  return (command, folder, args, input = new Uint8Array()) =>
    underProgram(WASMTIME, ['run', '--dir', '.', ...flags, module ?? built(command), ...args], folder, input);
}

/** Takes the scalar build only. */
export const underIwasm: Runtime = (command, folder, args, input = new Uint8Array()) =>
  underProgram(IWASM, ['--dir=.', built(command), ...args], folder, input);

/** True if the wasmtime program has been built; else the test is skipped or failed. */
export function hasWasmtime(t: TestContext): boolean {
  const present = existsSync(WASMTIME);
  if (!present) missing(t, 'wasmtime (node bin/node.js scripts/wasmtime.ts builds it)');
  return present;
}

/** True if iwasm has been built; else the test is skipped or failed. */
export function hasIwasm(t: TestContext): boolean {
  const present = existsSync(IWASM);
  if (!present) missing(t, 'iwasm (node bin/node.js scripts/iwasm.ts builds it)');
  return present;
}

/** A folder that is removed when the tests of the file have run. */
export function workFolder(t: { after(work: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'maar-wasi-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
