import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../core/error-message.ts';
import { Maar } from '../../core/maar.ts';
import { AgentHost } from '../../io/agent/agent-host.ts';
import { clockOrigin } from '../../io/clock.ts';
import { SqliteLeaseStore } from '../../io/haa/lease-store.ts';
import { LinuxHost } from '../../io/linux-host.ts';
import type { MachineOptions } from '../../io/machine-room.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import { agentConfig, controlConfig, leaseFile, linuxConfig, maarSchema } from '../config/maar.ts';
import type { MaarFile } from '../config/maar.ts';
import { Log } from '../log.ts';
import { UsageError } from '../usage.ts';
import { lacking } from './lacking.ts';

/** `maar run`: one MAAR until SIGTERM, SIGINT or SIGHUP. Resolves to the exit code: 0, 1 after a failure, 2 for configuration. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const { config: path } = parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values;
  if (path === undefined) throw new UsageError('run needs --config FILE');
  const file = loadConfig(path, maarSchema);
  if (!file.ok) {
    process.stderr.write(formatFaults(file.faults));
    return 2;
  }
  const missing = lacking(file.value);
  if (missing.length > 0) {
    process.stderr.write(formatFaults(missing.map((shortage) => ({ file: path, ...shortage }))));
    return 2;
  }
  const { name, address, pool } = file.value;
  const log = new Log(name, (line) => void process.stdout.write(line));
  let leases: SqliteLeaseStore | undefined;
  let maar: Maar;
  let host: Host;
  try {
    leases = openLeases(leaseFile(file.value));
    maar = new Maar(controlConfig(file.value), uniform, Date.now(), leases?.load());
    host = openHost(file.value, {
      machine: maar,
      ...(leases === undefined ? {} : { leases }),
      view: (now) => maar.view(now),
      trace: (effect, now) => log.trace(effect, now),
      clockOrigin: clockOrigin(),
    });
  } catch (error) {
    process.stderr.write(`${path}: ${messageOf(error)}\n`);
    leases?.close();
    return 2;
  }
  const stopped = new Promise<string>((resolve) => {
    // Left to itself, a closed terminal would end the process without undoing anything.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => resolve(signal));
  });
  try {
    await host.start();
  } catch (error) {
    process.stderr.write(`${path}: ${messageOf(error)}\n`);
    await host.stop();
    return 2;
  }
  log.trace({ what: 'start', detail: { address, pool: pool.prefix } });
  const signal = await stopped;
  const faults = await (host instanceof AgentHost ? host.stop(signal === 'SIGHUP') : host.stop());
  log.trace({ what: 'stop', detail: { signal, faults } });
  return faults.length === 0 ? 0 : 1;
}

/** Throws, naming the file, where it cannot be had. */
function openLeases(path: string | undefined): SqliteLeaseStore | undefined {
  if (path === undefined) return undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    return new SqliteLeaseStore(path);
  } catch (error) {
    throw new Error(`leases cannot be kept in ${path}: ${messageOf(error)}`, { cause: error });
  }
}

type Host = LinuxHost | AgentHost;

function openHost(file: MaarFile, options: MachineOptions): Host {
  const agent = agentConfig(file);
  if (agent !== undefined) return new AgentHost({ config: agent, ...options });
  return new LinuxHost({
    config: linuxConfig(file),
    seed: randomBytes(8).readBigUInt64LE(),
    ...options,
  });
}

/** Uniform in [0, 1) with 48 bits. */
function uniform(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
