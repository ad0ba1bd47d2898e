import { parseArgs } from 'node:util';
import { aaaSchema } from '../config/aaa.ts';
import { configKind } from '../config/kind.ts';
import { lmSchema } from '../config/lm.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import type { ConfigFault } from '../config/load.ts';
import { maarSchema } from '../config/maar.ts';
import { UsageError } from '../usage.ts';
import { lacking } from './lacking.ts';

/** `maar check`: lists every fault of a configuration, and what this machine lacks for it. */
export async function checkCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  if (values.config === undefined) throw new UsageError('check needs --config FILE');
  const faults = checkFile(values.config);
  if (values.json) process.stdout.write(`${JSON.stringify({ file: values.config, faults })}\n`);
  else if (faults.length > 0) process.stderr.write(formatFaults(faults));
  else process.stdout.write(`${values.config}: no faults\n`);
  return faults.length === 0 ? 0 : 2;
}

export function checkFile(file: string): readonly ConfigFault[] {
  const kind = configKind(file);
  if (kind !== 'maar') {
    const config = loadConfig(file, kind === 'aaa' ? aaaSchema : lmSchema);
    return config.ok ? [] : config.faults;
  }
  const config = loadConfig(file, maarSchema);
  if (!config.ok) return config.faults;
  return lacking(config.value).map((shortage) => ({ file, ...shortage }));
}
