/** The native agent, as a router would run it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import binaryen from 'binaryen';
import { agentPrograms, compileModule } from '../../../host/lab/agent-programs.ts';
import type { AgentPrograms } from '../../../host/lab/agent-programs.ts';
import { until } from './namespace.ts';

/** A UDP payload that begins with one of these makes the wild module trap, loop for ever, or answer what cannot be. */
export const WILD = { trap: 0xee, loop: 0xef, outputs: 0xed } as const;
/** First octet of a UDP payload in the first frame: headroom, IPv6 header, UDP header. */
const PAYLOAD_AT = 128 + 40 + 8;

/** For sockets and state; gone at the end. */
export const directory = mkdtempSync(join(tmpdir(), 'maar-agent-'));
// What it started may still write there.
process.on('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

const WILD_MODULE = `(module
  (memory (export "memory") 112)
  (func (export "abi_version") (result i32) (i32.const 1))
  (func (export "init")
    (param i32 i32 i32 i32 i32 i32 i32 i64 i64 i64 i32 i32) (result i32) (i32.const 0))
  (func (export "base") (param i32) (result i32)
    (select (i32.const 0)
      (i32.add (i32.const 0x500000) (i32.mul (local.get 0) (i32.const 0x20000)))
      (i32.eqz (local.get 0))))
  (func (export "apply") (param i32) (result i32) (i32.const 0))
  (func (export "process") (param i32 i64) (result i32) (local i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (local.set 2 (i32.load8_u (i32.const ${PAYLOAD_AT})))
    (if (i32.eq (local.get 2) (i32.const ${WILD.trap})) (then (unreachable)))
    (if (i32.eq (local.get 2) (i32.const ${WILD.loop})) (then (loop $for (br $for))))
    (if (i32.eq (local.get 2) (i32.const ${WILD.outputs})) (then (return (i32.const 0x7fffffff))))
    (i32.const 0))
  (func (export "events") (result i32) (i32.const 0))
  (func (export "deadline") (result i64) (i64.const -1))
  (func (export "entries") (param i32 i32) (result i32) (local.get 1))
  (func (export "lookup") (param i32 i64) (result i32) (i32.const 0)))`;

export type Programs = AgentPrograms;

/** The agent and its compiler; a line saying why not, if so. */
export const buildPrograms = (): ReturnType<typeof agentPrograms> => agentPrograms(directory);

/** Compiles the data plane, or the module that goes wild, for the agent. */
export function compile(programs: Programs, which: 'maar' | 'wild'): string {
  const wasm = which === 'maar' ? join('build', 'maar.wasm') : join(directory, 'wild.wasm');
  if (which === 'wild') writeFileSync(wasm, binaryen.parseText(WILD_MODULE).emitBinary());
  const cwasm = join(directory, `${which}.cwasm`);
  const obstacle = compileModule(programs, wasm, cwasm);
  if (obstacle !== undefined) throw new Error(obstacle);
  return cwasm;
}

const nothing = (): void => undefined;
/** Of a control that takes no interest in what it hears. */
export const ignore = {
  events: nothing,
  packet: nothing,
  frame: nothing,
  presence: nothing,
  closed: nothing,
};

export class Agent {
  readonly control: string;
  readonly program: string;
  readonly startMillis: Promise<number>;
  readonly #child: ChildProcess;
  #log = '';

  constructor(programs: Programs, name: string, args: readonly string[]) {
    this.program = programs.agent;
    this.control = join(directory, `${name}.sock`);
    const start = performance.now();
    const own = ['--state', join(directory, `${name}.state`), '--control', `unix:${this.control}`];
    this.#child = spawn(programs.agent, [...own, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    // What it said may arrive after its end.
    let closed = false;
    this.#child.once('close', () => (closed = true));
    this.startMillis = until('the agent is ready', () => this.#log.includes('ready') || closed).then(() => {
      if (closed) throw new Error(this.#log);
      return performance.now() - start;
    });
  }

  ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get log(): string {
    return this.#log;
  }

  /** A field of /proc/PID/status. */
  status(field: string): string {
    const text = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  }

  /** Orderly end; its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await until('the agent has ended', () => this.ended());
    return this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Takes the processor from it until `resume`. */
  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }
}
