/** The native agent and its modules, compiled ahead of time: for routers of the lab, of its benches, and of the tests. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoCopy } from './cargo.ts';

const compiled = import.meta.url.endsWith('.js');
const MODULE = fileURLToPath(new URL(`${compiled ? '../' : ''}../../build/maar.wasm`, import.meta.url));

/** Paths of the two programs. */
export interface AgentPrograms {
  readonly agent: string;
  readonly compiler: string;
}

/** A data plane on the router alone, run by `agent`; control is elsewhere (docs/split.md). */
export interface AgentEngine {
  readonly engine: 'wasmtime';
  readonly agent: string;
  /** Compiled ahead of time. */
  readonly module: string;
}

type OrObstacle<T> = T | { readonly obstacle: string };

/** Builds both into `directory`; a line saying why not, if so. */
export async function agentPrograms(directory: string): Promise<OrObstacle<AgentPrograms>> {
  const compiler = await cargoCopy('maar-compile', directory);
  if ('obstacle' in compiler) return compiler;
  const agent = await cargoCopy('maar-dp', directory);
  if ('obstacle' in agent) return agent;
  return { agent: agent.path, compiler: compiler.path };
}

/** Compiles the file `wasm` to the file `module`; what is wrong, if it does not. */
export function compileModule({ compiler }: AgentPrograms, wasm: string, module: string): string | undefined {
  const { status, stderr } = spawnSync(compiler, [wasm, module], { encoding: 'utf8' });
  return status === 0 ? undefined : `maar-compile: ${stderr.trim()}`;
}

/** The agent and the data plane for it, in `directory`; a line saying why not, if so. */
export async function agentEngine(directory = processDirectory()): Promise<OrObstacle<AgentEngine>> {
  const programs = await agentPrograms(directory);
  if ('obstacle' in programs) return programs;
  const module = join(directory, 'maar.cwasm');
  const obstacle = compileModule(programs, MODULE, module);
  return obstacle === undefined ? { engine: 'wasmtime', agent: programs.agent, module } : { obstacle };
}

/** A folder that goes with this process. */
function processDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'maar-lab-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
