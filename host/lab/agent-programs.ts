/** The native agent and the module compiled for it, for routers of the lab. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cargoBuild } from './cargo.ts';

const compiled = import.meta.url.endsWith('.js');
const MODULE = fileURLToPath(new URL(`${compiled ? '../' : ''}../../build/maar.wasm`, import.meta.url));

/** A data plane on the router alone, run by `agent`; control is elsewhere (docs/split.md). */
export interface AgentEngine {
  readonly engine: 'wasmtime';
  readonly agent: string;
  /** Compiled ahead of time. */
  readonly module: string;
}

/** Builds both into a folder that goes with this process; a line saying why not, if so. */
export async function agentPrograms(): Promise<AgentEngine | { readonly obstacle: string }> {
  const compiler = await cargoBuild('maar-compile');
  if ('obstacle' in compiler) return compiler;
  const agent = await cargoBuild('maar-dp');
  if ('obstacle' in agent) return agent;
  const directory = mkdtempSync(join(tmpdir(), 'maar-lab-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const module = join(directory, 'maar.cwasm');
  const { status, stderr } = spawnSync(compiler.path, [MODULE, module], { encoding: 'utf8' });
  if (status !== 0) return { obstacle: `maar-compile: ${stderr.trim()}` };
  // A build for another checkout writes to the same place.
  const copy = join(directory, 'maar-dp');
  copyFileSync(agent.path, copy);
  return { engine: 'wasmtime', agent: copy, module };
}
