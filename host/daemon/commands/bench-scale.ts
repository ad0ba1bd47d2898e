import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { scaleCsv, scaleTable } from '../../lab/bench/scale/figures.ts';
import { growthPlot } from '../../lab/bench/scale/growth.ts';
import { runPlans } from '../../lab/bench/scale/pool.ts';
import { DESIGN_NAMES, plansOf } from '../../lab/bench/scale/series.ts';
import type { DesignName } from '../../sim/scale/designs.ts';
import { SCALE_PLAN, planFault } from '../../sim/scale/plan.ts';
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
      svg: { type: 'string' },
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
  if (values.svg !== undefined && (values.nodes !== undefined || values.speed !== undefined)) {
    throw new UsageError('--svg draws the growth that is run without --nodes and --speed');
  }
  const fault = plans.map(planFault).find((found) => found !== undefined);
  if (fault !== undefined) throw new UsageError(fault);
  const began = performance.now();
  const results = await runPlans(plans, ({ plan, simulated }, seconds) => {
    const what = `${plan.design}, ${plan.nodes} MNs, ${plan.speed} crossings a minute`;
    say(`${what}: ${simulated.messages} messages in ${seconds.toFixed(1)} s`);
  });
  const { maxRSS, userCPUTime } = process.resourceUsage();
  const seconds = (performance.now() - began) / 1000;
  say(
    `${seconds.toFixed(0)} s, ${(userCPUTime / 1e6).toFixed(0)} s of processors, ${(maxRSS / 2 ** 20).toFixed(1)} GiB`,
  );
  if (values.csv !== undefined) writeFileSync(values.csv, scaleCsv(results));
  if (values.svg !== undefined) writeFileSync(values.svg, growthPlot(results));
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else process.stdout.write(scaleTable(results));
  return 0;
}

function say(line: string): void {
  process.stderr.write(`maar: ${line}\n`);
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
