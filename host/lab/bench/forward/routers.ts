/** The data planes under measurement, each started in the namespace of its MAAR. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from '../../../../bindings/entries.ts';
import { AgentClient } from '../../../io/agent/client.ts';
import type { DataPlaneEngine } from '../../../io/linux-config.ts';
import type { AgentEngine } from '../../agent-programs.ts';
import { nodeCommand } from '../../netns/node-command.ts';
import type { Sandbox } from '../../netns/sandbox.ts';
import type { FixedRouter } from './fixed-router.ts';
import { sleep } from './measure.ts';
import { ACCESS, CORE_INTERFACE, CORE_MTU, MAAR, POOL } from './topology.ts';

const READY_MS = 20_000;
/** Between two attempts to reach an agent that is just starting. */
const RETRY_MS = 1;

export interface Router {
  /** Kilobytes of memory that it holds. */
  resident(): number;
  close(): Promise<void>;
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exited;
}

function residentOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
}

/** The host that `maar run` has, with the data plane in Node or wherever `engine` says. */
export async function nodeRouter(
  sandbox: Sandbox,
  namespace: string,
  engine: DataPlaneEngine,
  commands: readonly Command[],
): Promise<Router> {
  const state = join(sandbox.directory.inside, namespace);
  mkdirSync(join(sandbox.directory.outside, namespace), { recursive: true });
  const router: FixedRouter = {
    config: {
      name: 'bench',
      address: MAAR,
      stateDirectory: state,
      coreInterface: CORE_INTERFACE,
      coreMtu: CORE_MTU,
      clampMss: false,
      access: [{ link: 0, ...ACCESS }],
      pool: POOL,
      activity: false,
      dataPlane: engine,
    },
    commands,
  };
  const file = new URL('fixed-router.ts', import.meta.url);
  const child = sandbox.spawn(namespace, nodeCommand(file, JSON.stringify(router)), [
    'ignore',
    'pipe',
    'pipe',
  ]);
  await firstLine(child, 'ready');
  return { resident: () => residentOf(child), close: () => ended(child, 'SIGTERM') };
}

export interface AgentRouter extends Router {
  /** When the program was started, on the monotonic clock in nanoseconds. */
  readonly started: bigint;
}

/** The module under wasmtime in `maar-dp`, with entries for up to `bindings` stations, driven from here. */
export async function agentRouter(
  sandbox: Sandbox,
  namespace: string,
  { agent, module }: AgentEngine,
  commands: readonly Command[],
  bindings: number,
): Promise<AgentRouter> {
  mkdirSync(join(sandbox.directory.outside, namespace), { recursive: true });
  const inside = join(sandbox.directory.inside, namespace);
  const access = `0=${ACCESS.interface},${ACCESS.linkLocal},${ACCESS.mac}`;
  const argv = [
    ...[agent, '--module', module, '--locator', MAAR, '--pool', POOL, '--access', access],
    ...['--control', `unix:${join(inside, 'control.sock')}`, '--state', inside],
    ...['--bindings', String(bindings), '--name', 'bench'],
  ];
  // Entering a namespace takes longer than the agent takes to start: the shell waits there until it is let go.
  const child = sandbox.spawn(
    namespace,
    ['sh', '-c', 'echo entered; read -r go; exec "$@"', 'sh', ...argv],
    ['pipe', 'pipe', 'pipe'],
  );
  await firstLine(child, 'entered');
  const started = process.hrtime.bigint();
  child.stdin!.end('go\n');
  const control = await connect(child, join(sandbox.directory.outside, namespace, 'control.sock'));
  const refused = (await control.replaceAll(commands)).filter((status) => status !== 'ok');
  if (refused.length > 0) throw new Error(`maar-dp refuses ${refused.length} entries: ${refused[0]}`);
  return {
    started,
    resident: () => residentOf(child),
    close: async () => {
      await control.close();
      await ended(child, 'SIGTERM');
    },
  };
}

const ignore = (): void => undefined;
const HANDLERS = { events: ignore, packet: ignore, frame: ignore, presence: ignore, closed: ignore };

async function connect(child: ChildProcess, path: string): Promise<AgentClient> {
  let log = '';
  child.stderr!.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const end = performance.now() + READY_MS;
  for (;;) {
    try {
      return await AgentClient.connect({ kind: 'unix', path }, HANDLERS);
    } catch (error) {
      if (child.exitCode !== null || performance.now() > end)
        throw new Error(`maar-dp does not start: ${log.trim()}`, { cause: error });
      await sleep(RETRY_MS);
    }
  }
}

/** Resolves once the child has written `word` on a line; rejects with what else it wrote where it ends before. */
function firstLine(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    const take = (line: string): void => {
      if (line === word) resolve();
      log += `${line}\n`;
    };
    createInterface(child.stdout!).on('line', take);
    createInterface(child.stderr!).on('line', take);
    child.once('exit', () => reject(new Error(`a router did not start: ${log.trim()}`)));
  });
}
