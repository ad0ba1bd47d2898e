import { writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { scaleCsv, scaleTable } from '../../lab/bench/scale/figures.ts';
import { DESIGN_NAMES, plansOf } from '../../lab/bench/scale/series.ts';
import type { DesignName } from '../../sim/scale/designs.ts';
import { SCALE_PLAN } from '../../sim/scale/plan.ts';
import { runScale } from '../../sim/scale/run.ts';
import type { ScaleResult } from '../../sim/scale/run.ts';
import { UsageError } from '../usage.ts';

/** `maar bench scale`: location management with many MAARs and MNs, in virtual time. Resolves to 0. Throws a UsageError. */
export async function benchScale(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      maars: { type: 'string', default: String(SCALE_PLAN.maars) },
      nodes: { type: 'string' },
      speed: { type: 'string' },
      design: { type: 'string', default: DESIGN_NAMES.join() },
      seed: { type: 'string', default: String(SCALE_PLAN.seed) },
      csv: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const plans = plansOf({
    maars: whole(values.maars, 'maars'),
    seed: whole(values.seed, 'seed'),
    designs: values.design.split(',').map(design),
    ...(values.nodes === undefined
      ? {}
      : { nodes: values.nodes.split(',').map((text) => whole(text, 'nodes')) }),
    ...(values.speed === undefined ? {} : { speeds: values.speed.split(',').map(speed) }),
  });
  const results: ScaleResult[] = [];
  for (const plan of plans) {
    const began = performance.now();
    const result = await faultless(() => runScale(plan, setImmediate));
    results.push(result);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const what = `${plan.design}, ${plan.nodes} MNs, ${plan.speed} crossings a minute`;
    process.stderr.write(`maar: ${what}: ${result.simulated.messages} messages in ${seconds} s\n`);
  }
  if (values.csv !== undefined) writeFileSync(values.csv, scaleCsv(results));
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else process.stdout.write(scaleTable(results));
  return 0;
}

/** A plan that has no domain is the user's fault. */
async function faultless<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

function design(name: string): DesignName {
  const found = DESIGN_NAMES.find((known) => known === name);
  if (found === undefined) throw new UsageError(`no design "${name}"; there are ${DESIGN_NAMES.join(', ')}`);
  return found;
}

function whole(text: string, what: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text))
    throw new UsageError(`--${what} takes whole numbers from 1, not "${text}"`);
  return Number(text);
}

function speed(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 60) {
    throw new UsageError(`--speed takes crossings a minute from 0 to 60, not "${text}"`);
  }
  return value;
}
