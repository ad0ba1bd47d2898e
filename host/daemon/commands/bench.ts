import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MapEngine } from '../../lab/bench/map-engine.ts';
import { forwardText, runForward } from '../../lab/bench/forward/run.ts';
import { locationText, runLocation } from '../../lab/bench/location/run.ts';
import { ModuleEngine } from '../../lab/bench/module-engine.ts';
import { nativeEngines } from '../../lab/bench/native.ts';
import { cardText, figures, groupText, machineCard, method } from '../../lab/bench/report.ts';
import type { Bench, Plan, Row } from '../../lab/bench/run.ts';
import { BENCHES, runBenches } from '../../lab/bench/run.ts';
import { wasmtimeEngines } from '../../lab/bench/wasmtime.ts';
import { UsageError } from '../usage.ts';

const compiled = import.meta.url.endsWith('.js');
const build = (name: string): URL =>
  new URL(`${compiled ? '../' : ''}../../../build/${name}.wasm`, import.meta.url);

const ENTRIES = [1_000, 10_000, 100_000, 1_000_000];
const ROUNDS = 21;
const QUERIES = 1 << 20;
/** Below what the slowest of them can carry on two processors of 2020. */
const FORWARD = { rounds: 5, rate: 30_000, ms: 1500, bindings: '1000,100000' };
/** All packets of a run fit into the socket of a receiver that does not get the processor. */
const [QUICK_RATE, QUICK_MS] = [250, 300];
const LOCATION = { rounds: 9, ms: 2_000 };
/** `--quick` is there to see that all of it works; its times mean little. */
const QUICK: Omit<Plan, 'benches'> = { entries: [1_000], rounds: 3, queries: 16_384, churn: true };

/** `maar bench`: the data plane against native engines; `scale` is a simulation. Resolves to 0. Throws a UsageError. */
export async function benchCommand(args: readonly string[]): Promise<number> {
  if (args[0] === 'scale') return await (await import('./bench-scale.ts')).benchScale(args.slice(1));
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      entries: { type: 'string' },
      rounds: { type: 'string' },
      rate: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.includes('forward')) {
    if (positionals.length > 1) throw new UsageError('forward runs by itself');
    return await forward(values);
  }
  if (positionals.includes('lm')) {
    if (positionals.length > 1) throw new UsageError('lm runs by itself');
    return await location(values);
  }
  if (values.rate !== undefined) throw new UsageError('--rate is for the bench forward');
  const base = values.quick ? QUICK : { entries: ENTRIES, rounds: ROUNDS, queries: QUERIES, churn: true };
  const plan: Plan = {
    ...base,
    benches: chosen(positionals),
    ...(values.entries === undefined
      ? {}
      : { entries: values.entries.split(',').map((text) => count(text, 'entries')) }),
    ...(values.rounds === undefined ? {} : { rounds: count(values.rounds, 'rounds') }),
  };
  await inDirectory((directory) => run(plan, directory, values.json));
  return 0;
}

/** Runs `work` with a folder for its files, which goes with it. */
async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'maar-bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** `maar bench forward`: through a whole MAAR, in network namespaces. */
async function forward({ rounds, rate, entries, quick, json }: ForwardValues): Promise<number> {
  const plan = {
    rounds: rounds === undefined ? (quick ? 1 : FORWARD.rounds) : count(rounds, 'rounds'),
    rate: rate === undefined ? (quick ? QUICK_RATE : FORWARD.rate) : count(rate, 'rate'),
    ms: quick ? QUICK_MS : FORWARD.ms,
    bindings: (entries ?? FORWARD.bindings).split(',').map((text) => count(text, 'entries')),
  };
  const say = (line: string): void => void process.stderr.write(`maar: ${line}\n`);
  const result = await inDirectory((directory) => runForward(plan, directory, say));
  const card = machineCard();
  if (json) process.stdout.write(`${JSON.stringify({ card, ...plan, ...result })}\n`);
  else {
    const skipped = result.missing.map((line) => `skipped: ${line}\n`).join('');
    process.stdout.write(`${cardText(card)}\n${skipped}${forwardText(result)}`);
  }
  return 0;
}

/** `maar bench lm`: servers of location management, beside their store. */
async function location({ rounds, quick, json }: Omit<ForwardValues, 'rate' | 'entries'>): Promise<number> {
  const plan = {
    rounds: rounds === undefined ? (quick ? 1 : LOCATION.rounds) : count(rounds, 'rounds'),
    ms: quick ? QUICK_MS : LOCATION.ms,
  };
  const say = (line: string): void => void process.stderr.write(`maar: ${line}\n`);
  const directory = mkdtempSync(join(tmpdir(), 'maar-bench-'));
  try {
    const rows = await runLocation(plan, directory, say);
    const card = machineCard();
    if (json) process.stdout.write(`${JSON.stringify({ card, ...plan, rows })}\n`);
    else process.stdout.write(`${cardText(card)}\n\n${locationText(rows)}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return 0;
}

interface ForwardValues {
  readonly rounds?: string | undefined;
  readonly rate?: string | undefined;
  readonly entries?: string | undefined;
  readonly quick: boolean;
  readonly json: boolean;
}

async function run(plan: Plan, directory: string, json: boolean): Promise<void> {
  const others = [
    await nativeEngines(directory, Math.max(...plan.entries)),
    await wasmtimeEngines(directory, build('maar'), build('maar-scalar')),
  ];
  const missing = others.flatMap((found) => found.missing);
  const modules = [
    new ModuleEngine('V8 SIMD', build('maar')),
    new ModuleEngine('V8 scalar', build('maar-scalar')),
  ];
  const engines = [...modules, ...others.flatMap((found) => found.engines), new MapEngine()];
  const card = machineCard();
  const text = method(plan.rounds, plan.churn);
  const say = (line: string): void => {
    if (!json) process.stdout.write(`${line}\n`);
  };
  say(cardText(card));
  say(text);
  for (const line of missing) say(`skipped: ${line}`);
  const rows: Row[] = [];
  try {
    await runBenches(plan, engines, directory, (group) => {
      rows.push(...group);
      say(groupText(group).trimEnd());
    });
  } finally {
    for (const engine of engines) engine.close();
  }
  const derived = figures(rows, build('maar'));
  if (json)
    process.stdout.write(`${JSON.stringify({ card, method: text, missing, rows, figures: derived })}\n`);
  else say(`\n${derived.map(({ what, value }) => `${what}: ${Number(value.toFixed(2))}`).join('\n')}`);
}

function chosen(names: readonly string[]): readonly Bench[] {
  if (names.length === 0) return BENCHES;
  return names.map((name) => {
    const bench = BENCHES.find((known) => known === name);
    if (bench === undefined) throw new UsageError(`no bench "${name}"; there are ${BENCHES.join(', ')}`);
    return bench;
  });
}

function count(text: string, what: string): number {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text) || value === 0 || value > 1_048_576) {
    throw new UsageError(`--${what} takes numbers from 1 to 1048576, not "${text}"`);
  }
  return value;
}
