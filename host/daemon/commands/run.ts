import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Maar } from '../../core/maar.ts';
import { clockOrigin } from '../../io/clock.ts';
import { LinuxHost } from '../../io/linux-host.ts';
import { shortages } from '../../io/preflight.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import { controlConfig, linuxConfig, maarSchema } from '../config/maar.ts';
import { Log } from '../log.ts';
import { UsageError, messageOf } from '../usage.ts';

/** `maar run`: one MAAR until SIGTERM, SIGINT or SIGHUP. Resolves to the exit code: 0, 1 after a failure, 2 for configuration. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const { config: path } = parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values;
  if (path === undefined) throw new UsageError('run needs --config FILE');
  const file = loadConfig(path, maarSchema);
  if (!file.ok) {
    process.stderr.write(formatFaults(file.faults));
    return 2;
  }
  const linux = linuxConfig(file.value);
  const missing = shortages(linux);
  if (missing.length > 0) {
    process.stderr.write(formatFaults(missing.map((shortage) => ({ file: path, ...shortage }))));
    return 2;
  }
  const log = new Log(linux.name, (line) => void process.stdout.write(line));
  const maar = new Maar(controlConfig(file.value), uniform, Date.now());
  let host: LinuxHost;
  try {
    host = new LinuxHost({
      config: linux,
      machine: maar,
      view: (now) => maar.view(now),
      trace: (effect) => log.trace(effect),
      clockOrigin: clockOrigin(),
      seed: randomBytes(8).readBigUInt64LE(),
    });
  } catch (error) {
    process.stderr.write(`${path}: ${messageOf(error)}\n`);
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
  log.trace({ what: 'start', detail: { address: linux.address, pool: linux.pool } });
  const signal = await stopped;
  const faults = await host.stop();
  log.trace({ what: 'stop', detail: { signal, faults } });
  return faults.length === 0 ? 0 : 1;
}

/** Uniform in [0, 1) with 48 bits. */
function uniform(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
