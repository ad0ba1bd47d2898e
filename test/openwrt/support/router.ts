/** A router of recorded conversations, on which the scripts of the OpenWrt package run. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's files, as they lie on a router. */
export const FILES = fileURLToPath(new URL('../../../openwrt/maar-dp/files', import.meta.url));
const STAND_INS = fileURLToPath(new URL('../router', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('programs.ts', import.meta.url));

/** Shells that the scripts must run under; that of a router is busybox's. */
export const SHELLS = [
  { name: 'dash', command: ['dash'] },
  { name: 'busybox ash', command: ['busybox', 'ash'] },
] as const;

export type Shell = (typeof SHELLS)[number]['command'];

/** A call of procd's functions: its name and its words. */
export type Call = readonly string[];

export class Router {
  readonly #root = mkdtempSync(join(tmpdir(), 'maar-openwrt-'));
  readonly #replay = join(this.#root, 'replay');
  readonly #shell: Shell;

  constructor(shell: Shell) {
    this.#shell = shell;
    cpSync(STAND_INS, this.#root, { recursive: true });
    cpSync(FILES, this.#root, { recursive: true });
    mkdirSync(join(this.#replay, 'config'), { recursive: true });
  }

  /** Path on this machine of one on the router. */
  path(name: string): string {
    return join(this.#root, name);
  }

  /** Writes what the router's programs answer from, such as `config/maar`. */
  record(name: string, text: string): void {
    writeFileSync(join(this.#replay, name), text);
  }

  /** Adds to what a subscription brings. */
  happens(name: string, text: string): void {
    appendFileSync(join(this.#replay, name), text);
  }

  forget(name: string): void {
    rmSync(join(this.#replay, name), { force: true });
  }

  /** Lines of what the scripts told, oldest first. */
  lines(name: string): string[] {
    const file = join(this.#replay, name);
    return existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
  }

  text(name: string): string {
    return readFileSync(join(this.#replay, name), 'utf8');
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: `${join(this.#root, 'bin')}:${process.env['PATH']}`,
      IPKG_INSTROOT: this.#root,
      REPLAY: this.#replay,
      NODE: process.execPath,
      PROGRAMS,
    };
  }

  #words(script: string, args: readonly string[]): [string, string[]] {
    const [program, ...shell] = [...this.#shell, script, ...args] as [string, ...string[]];
    return [program, shell];
  }

  /** Runs a script of the package, or one of the router, to its end. */
  run(script: string, ...args: readonly string[]): { status: number; stdout: string; stderr: string } {
    const [program, words] = this.#words(this.path(script), args);
    const { status, stdout, stderr } = spawnSync(program, words, {
      encoding: 'utf8',
      env: this.#environment(),
    });
    return { status: status ?? -1, stdout, stderr };
  }

  /** What an action of the init script tells procd. */
  init(action: 'start' | 'triggers'): Call[] {
    const { stdout, stderr } = this.run('etc/rc.common', this.path('etc/init.d/maar'), action);
    if (stderr !== '') throw new Error(stderr);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
  }

  start(script: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program, words] = this.#words(this.path(script), args);
    const env = { ...this.#environment(), ...more };
    return spawn(program, words, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** The command lines of the instances that procd was told of, by their names. */
export function commands(calls: readonly Call[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let name = '';
  for (const [call, first, ...rest] of calls) {
    if (call === 'open') name = first!;
    if (call === 'set' && first === 'command') found.set(name, rest);
    if (call === 'append' && first === 'command') found.get(name)!.push(...rest);
  }
  return found;
}
