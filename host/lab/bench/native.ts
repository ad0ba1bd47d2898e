/** Native engines: programs built on demand from test/bench/native/, told by lines what to do (rounds.h). */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Engine, Round } from './engine.ts';
import { BATCH, CALL } from './engine.ts';
import type { PathBench, Template } from './packets.ts';
import type { KeyKind, Keys, Queries } from './workload.ts';

const SOURCES = new URL('../../../test/bench/native/', import.meta.url);
const FLAGS = ['-O3', '-march=native', '-Wno-unused-function'];

/** Runs a tool and gives its output; undefined where it is missing or fails. */
export function tool(name: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** Builds a program; a line saying why not, if so. */
export function build(
  directory: string,
  name: string,
  flags: readonly string[],
): { path: string } | { obstacle: string } {
  const source = fileURLToPath(new URL(`${name}.c`, SOURCES));
  if (!existsSync(source)) return { obstacle: `${name}: its C sources are not part of this installation` };
  const path = join(directory, name);
  try {
    execFileSync('gcc', [...FLAGS, source, '-o', path, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { path };
  } catch (error) {
    const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return {
      obstacle: `${name}: gcc does not build it${text === '' ? ' (is it installed?)' : `: ${text.split('\n')[0]}`}`,
    };
  }
}

/** A program that answers each line with one. */
export class Program {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #error = '';

  static start(path: string, args: readonly string[] = []): Program {
    return new Program(path, spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  /** `child` has pipes for all three standard streams. */
  constructor(name: string, child: ChildProcess) {
    this.#child = child;
    child.stderr!.on('data', (chunk: Buffer) => (this.#error += chunk.toString()));
    createInterface(child.stdout!).on('line', (line) => this.#waiting.shift()?.resolve(line));
    child.on('close', () => {
      const error = new Error(`${name} has ended: ${this.#error.trim() || 'no message'}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
    child.stdin!.on('error', () => undefined);
  }

  /** The next line it writes. */
  async line(): Promise<string> {
    return await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async ask(command: string): Promise<string> {
    const answer = this.line();
    this.#child.stdin!.write(`${command}\n`);
    const line = await answer;
    if (line.startsWith('fail')) throw new Error(line);
    return line;
  }

  end(): void {
    this.#child.stdin!.end();
  }
}

/** The C pipeline keeps no packets and has no flow entries. */
const TWIN_PATHS: readonly PathBench[] = ['encapsulate', 'decapsulate', 're-tunnel', 'rewrite'];

/** rte_fib6 reserves four groups of 1 KiB for each prefix: beyond so many the program adds 5.5 GiB to its heap. */
const FIB6_SMALL = 200_000;
/** What has to be free for that, with the tables of all other engines. */
const FIB6_LARGE_MEMORY = 10 * 2 ** 30;

/** A program, and what its tables hold. */
export interface Shared {
  readonly program: Program;
  keys?: Keys;
  churned?: Keys;
}

/** One way of looking up in a program that several share: each is loaded once. */
export class NativeEngine implements Engine {
  readonly name: string;
  readonly #shared: Shared;
  readonly #how: string;
  readonly #kinds: readonly KeyKind[];
  readonly #most: number;
  readonly paths: readonly PathBench[];

  /** `most` is the number of keys that it can do with. */
  constructor(
    name: string,
    shared: Shared,
    how: string,
    kinds: readonly KeyKind[],
    paths: readonly PathBench[],
    most = Infinity,
  ) {
    this.name = name;
    this.#shared = shared;
    this.#how = how;
    this.#kinds = kinds;
    this.#most = most;
    this.paths = paths;
  }

  takes(keys: Keys): boolean {
    return keys.count <= this.#most && this.#kinds.includes(keys.kind);
  }

  async load(keys: Keys): Promise<void> {
    if (this.#shared.keys === keys) return;
    this.#shared.keys = keys;
    await this.#shared.program.ask(`keys ${keys.path} ${keys.count}`);
  }

  async churn(): Promise<void> {
    if (this.#shared.churned === this.#shared.keys) return;
    this.#shared.churned = this.#shared.keys!;
    await this.#shared.program.ask('churn');
  }

  async round(queries: Queries): Promise<Round> {
    const answer = await this.#shared.program.ask(`round ${queries.path} ${queries.count} ${this.#how}`);
    return parse(answer, queries.count - (queries.count % CALL));
  }

  async packets({ bench, path }: Template, queries: Queries): Promise<Round> {
    const command = `path ${bench} ${path} ${queries.path} ${queries.count} ${this.#how}`;
    return parse(await this.#shared.program.ask(command), queries.count - (queries.count % BATCH));
  }

  close(): void {
    this.#shared.program.end();
  }
}

function parse(answer: string, operations: number): Round {
  const [nanoseconds = NaN, hits = NaN, sum = NaN] = answer.split(' ').map(Number);
  return { nanoseconds, operations, hits, sum };
}

export interface NativeEngines {
  readonly engines: readonly Engine[];
  /** A line for each program that is missing, and why. */
  readonly missing: readonly string[];
}

/** All native engines that this machine can build and run, of tables of up to `most` entries. */
export async function nativeEngines(directory: string, most: number): Promise<NativeEngines> {
  const engines: Engine[] = [];
  const missing: string[] = [];
  const twin = build(directory, 'twin', []);
  if ('path' in twin) {
    const shared: Shared = { program: Program.start(twin.path) };
    engines.push(new NativeEngine('C, loads', shared, 'load', ['hosts', 'prefixes'], TWIN_PATHS));
    engines.push(new NativeEngine('C, prefetch', shared, 'prefetch', ['hosts', 'prefixes'], TWIN_PATHS));
  } else {
    missing.push(twin.obstacle);
  }
  const flags = tool('pkg-config', ['--cflags', '--libs', 'libdpdk']);
  if (flags === undefined) {
    missing.push('rte_hash, rte_fib6: libdpdk is not installed (Debian: libdpdk-dev)');
    return { engines, missing };
  }
  const dpdk = build(directory, 'dpdk', flags.split(/\s+/));
  if ('path' in dpdk) {
    const shared: Shared = { program: Program.start(dpdk.path) };
    try {
      const first = await shared.program.line();
      if (first !== 'ready') throw new Error(first);
      engines.push(new NativeEngine('rte_hash', shared, 'single', ['hosts'], []));
      engines.push(new NativeEngine('rte_hash bulk', shared, 'bulk', ['hosts'], []));
      const fits = most <= FIB6_SMALL || freemem() >= FIB6_LARGE_MEMORY;
      if (!fits) missing.push(`rte_fib6 beyond ${FIB6_SMALL} prefixes: less than 10 GiB of memory are free`);
      const fib6Most = fits ? Infinity : FIB6_SMALL;
      engines.push(new NativeEngine('rte_fib6 bulk', shared, 'fib6', ['prefixes'], [], fib6Most));
    } catch (error) {
      missing.push(`rte_hash, rte_fib6: DPDK does not start: ${String(error)}`);
    }
  } else {
    missing.push(dpdk.obstacle);
  }
  return { engines, missing };
}
