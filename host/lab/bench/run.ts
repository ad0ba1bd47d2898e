/** Runs benches: every round runs every engine once, in shuffled order, so that what else the machine does meets all alike. */
import { LIMIT_FLOW_ENTRIES_MAX } from '../../../bindings/generated/abi.ts';
import type { Engine, Round } from './engine.ts';
import type { PathBench } from './packets.ts';
import { PATHS, makeTemplate } from './packets.ts';
import type { Distribution, Keys } from './workload.ts';
import { makeKeys, makeQueries, numbers, shuffled } from './workload.ts';

export const BENCHES = ['hit', 'miss', 'prefix', ...PATHS] as const;
export type Bench = (typeof BENCHES)[number];
/** The others have hosts for destinations. */
const PREFIX_BENCHES: readonly Bench[] = ['prefix', 'rewrite'];

export interface Plan {
  readonly benches: readonly Bench[];
  readonly entries: readonly number[];
  readonly rounds: number;
  /** Queries of a round at most. */
  readonly queries: number;
  /** Whether tables are churned before anything is measured. */
  readonly churn: boolean;
}

export interface Row {
  readonly bench: Bench;
  readonly keys: Distribution;
  readonly entries: number;
  readonly engine: string;
  /** Nanoseconds for each look-up or packet. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** Against each engine named in `REFERENCES` that ran beside it. */
  readonly ratios: Readonly<Record<string, Ratio>>;
}

export interface Ratio {
  /** Ratio of the two medians. */
  readonly ofMedians: number;
  /** Median of the ratios of every round. */
  readonly ofRounds: number;
}

const REFERENCES = ['V8 SIMD', 'C, loads', 'rte_hash bulk', 'rte_fib6 bulk'];
const FEWEST_QUERIES = 65_536;

/** Rounds before the measured ones, in which V8 compiles what it sees used. */
const WARM_UP = 2;

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

type RoundOf = (engine: Engine) => Promise<Round>;

/** Times of all engines, a number for each round; throws where two engines found different things. */
async function interleave(
  engines: readonly Engine[],
  rounds: number,
  run: RoundOf,
): Promise<Map<Engine, number[]>> {
  const random = numbers(rounds);
  const times = new Map(engines.map((engine) => [engine, [] as number[]]));
  for (let round = -Math.min(WARM_UP, rounds - 1); round < rounds; round++) {
    let first: { readonly name: string; readonly result: Round } | undefined;
    for (const engine of shuffled(engines, random)) {
      const result = await run(engine);
      first ??= { name: engine.name, result };
      if (result.hits !== first.result.hits || result.sum !== first.result.sum) {
        const side = (name: string, { hits, sum }: Round): string => `${name} ${hits} hits with sum ${sum}`;
        throw new Error(`engines disagree: ${side(first.name, first.result)}, ${side(engine.name, result)}`);
      }
      if (round >= 0) times.get(engine)!.push(result.nanoseconds / result.operations);
    }
  }
  return times;
}

function rows(bench: Bench, keys: Distribution, entries: number, times: Map<Engine, number[]>): Row[] {
  const byName = new Map([...times].map(([engine, values]) => [engine.name, values]));
  return [...byName].map(([engine, values]) => {
    const median = quantile(values, 0.5);
    const ratios = REFERENCES.flatMap((reference) => {
      const others = byName.get(reference);
      if (others === undefined || reference === engine) return [];
      const ofMedians = median / quantile(others, 0.5);
      const ofRounds = quantile(
        values.map((value, round) => value / others[round]!),
        0.5,
      );
      return [[reference, { ofMedians, ofRounds }] as const];
    });
    const [p10, p90] = [quantile(values, 0.1), quantile(values, 0.9)];
    return { bench, keys, entries, engine, median, p10, p90, ratios: Object.fromEntries(ratios) };
  });
}

/** A group of rows that ran together, as soon as it is there. */
export type Report = (rows: readonly Row[]) => void;

export async function runBenches(
  plan: Plan,
  engines: readonly Engine[],
  directory: string,
  report: Report,
): Promise<void> {
  const ofPrefixes = plan.benches.filter((bench) => PREFIX_BENCHES.includes(bench));
  for (const entries of plan.entries) {
    if (ofPrefixes.length < plan.benches.length) await runHosts(plan, entries, engines, directory, report);
    if (ofPrefixes.length === 0) continue;
    const keys = makeKeys(directory, 'prefixes', entries);
    const fit = await loaded(engines, keys, false);
    // Look-ups come first: for rewriting, the C twin gives its entries other values.
    if (ofPrefixes.includes('prefix')) {
      await lookups('prefix', plan, keys, 'uniform', fit, directory, report);
    }
    if (ofPrefixes.includes('rewrite')) await packets('rewrite', plan, keys, fit, directory, report);
  }
}

/** The engines that take such keys, with the keys in their tables. */
async function loaded(engines: readonly Engine[], keys: Keys, churn: boolean): Promise<readonly Engine[]> {
  const fit = engines.filter((engine) => engine.takes(keys));
  for (const engine of fit) {
    await engine.load(keys);
    if (churn) await engine.churn();
  }
  return fit;
}

async function runHosts(
  plan: Plan,
  entries: number,
  engines: readonly Engine[],
  directory: string,
  report: Report,
): Promise<void> {
  const keys = makeKeys(directory, 'hosts', entries);
  const fit = await loaded(engines, keys, plan.churn);
  for (const bench of plan.benches) {
    if (bench === 'prefix' || bench === 'rewrite') continue;
    if (bench === 'flow' && entries > LIMIT_FLOW_ENTRIES_MAX) continue;
    if (bench === 'hit' || bench === 'miss') {
      await lookups(bench, plan, keys, 'uniform', fit, directory, report);
      if (bench === 'hit') await lookups(bench, plan, keys, 'zipf', fit, directory, report);
    } else {
      await packets(bench, plan, keys, fit, directory, report);
    }
  }
}

async function lookups(
  bench: 'hit' | 'miss' | 'prefix',
  plan: Plan,
  keys: Keys,
  distribution: Distribution,
  engines: readonly Engine[],
  directory: string,
  report: Report,
): Promise<void> {
  const queries = makeQueries(directory, keys, {
    distribution,
    miss: bench === 'miss',
    count: queriesOf(plan, keys.count),
  });
  const times = await interleave(engines, plan.rounds, async (engine) => await engine.round(queries));
  report(rows(bench, distribution, keys.count, times));
}

function queriesOf(plan: Plan, entries: number): number {
  return Math.min(plan.queries, Math.max(FEWEST_QUERIES, entries));
}

async function packets(
  bench: PathBench,
  plan: Plan,
  keys: Keys,
  engines: readonly Engine[],
  directory: string,
  report: Report,
): Promise<void> {
  const template = makeTemplate(directory, bench);
  const queries = makeQueries(directory, keys, {
    distribution: 'uniform',
    oneHost: true,
    count: Math.min(FEWEST_QUERIES, plan.queries),
  });
  const fit = engines.filter((engine) => engine.paths.includes(bench));
  const times = await interleave(
    fit,
    plan.rounds,
    async (engine) => await engine.packets!(template, queries),
  );
  report(rows(bench, 'uniform', keys.count, times));
}
