import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { agentEngine } from '../../lab/agent-programs.ts';
import { compare } from '../../lab/compare/run.ts';
import { comparison } from '../../lab/compare/table.ts';
import type { Lab, LabOptions, Scenario } from '../../lab/lab.ts';
import { createNetnsLab } from '../../lab/netns/netns-lab.ts';
import type { NetnsLab } from '../../lab/netns/netns-lab.ts';
import { netnsObstacle } from '../../lab/netns/sandbox.ts';
import type { RunReport } from '../../lab/report/model.ts';
import { Progress } from '../../lab/report/progress.ts';
import { runScenario } from '../../lab/report/run.ts';
import { styleFor } from '../../lab/report/style.ts';
import { formatReport, verdict } from '../../lab/report/text.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import { carries, schemeFor } from '../../lab/scheme-for.ts';
import { createSimLab } from '../../lab/sim-lab.ts';
import { findWasmtime } from '../../lab/wasmtime-cli.ts';
import { defaultScheme, findScheme, schemeNames } from '../../schemes/registry.ts';
import { table } from '../show/table.ts';
import { UsageError } from '../usage.ts';

type Backend = Lab['backend'];
type DataPlane = NonNullable<LabOptions['dataPlane']>;

const BACKENDS: readonly Backend[] = ['netns', 'sim'];
/** Values of --dataplane: where the data planes of the MAARs run. */
const DATA_PLANES: Readonly<Record<string, () => Promise<DataPlane>>> = {
  node: async () => ({ engine: 'node' }),
  wasmtime: agents,
  'wasmtime-cli': wasmtimeCli,
};
const INTERRUPTED = 130;

const compiled = import.meta.url.endsWith('.js');
const MODULE = new URL(`${compiled ? '../' : ''}../../../build/maar.wasm`, import.meta.url);

interface Order {
  readonly scenarios: readonly Scenario[];
  /** As asked for; undefined leaves the choice to what this machine permits. */
  readonly backend: Backend | undefined;
  readonly dataPlane: DataPlane;
  /** As asked for; undefined leaves the choice to the scenario. */
  readonly scheme: string | undefined;
  readonly seed: number;
  readonly keep: boolean;
  readonly pcap: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

/**
 * `maar lab`: runs scenarios on a whole domain and reports. Resolves to the exit code: 0 if every check passed, 1 if not.
 * Throws a UsageError.
 */
export async function labCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      backend: { type: 'string' },
      dataplane: { type: 'string', default: 'node' },
      scheme: { type: 'string' },
      compare: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
      pcap: { type: 'string' },
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    process.stdout.write(values.json ? `${JSON.stringify(listing())}\n` : list());
    return 0;
  }
  if (values.compare) {
    if (positionals.length > 0 || values.scheme !== undefined) {
      throw new UsageError(
        '--compare measures every scheme in its own way: it takes no scenario and no --scheme',
      );
    }
    const seed = seedOf(values.seed);
    process.stdout.write(await comparisonOf(backendOf(values.backend) ?? 'sim', seed, values.json));
    return 0;
  }
  const order: Order = {
    scenarios: chosen(positionals),
    backend: backendFor(values.dataplane, backendOf(values.backend)),
    dataPlane: await dataPlaneOf(values.dataplane),
    scheme: values.scheme === undefined ? undefined : schemeOf(values.scheme),
    seed: seedOf(values.seed),
    keep: values.keep,
    pcap: values.pcap,
    json: values.json,
    verbose: values.verbose,
  };
  if (order.keep && order.scenarios.length > 1) throw new UsageError('--keep takes one scenario');
  const progress = new Progress(process.stderr);
  const reports: RunReport[] = [];
  for (const scenario of order.scenarios) {
    await runOne(scenario, order, progress, (report) => {
      progress.clear();
      reports.push(report);
      if (!order.json) process.stdout.write(text(report, order));
    });
  }
  if (order.json) process.stdout.write(`${JSON.stringify(reports.length === 1 ? reports[0] : reports)}\n`);
  else if (reports.length > 1) process.stdout.write(`\n${reports.map(line).join('')}`);
  return reports.every(({ passed }) => passed) ? 0 : 1;
}

function chosen(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios.slice(0, 1);
  return names.map((name) => {
    const scenario = scenarios.find((candidate) => candidate.name === name);
    if (scenario === undefined) {
      throw new UsageError(
        `no scenario "${name}"; there are ${scenarios.map((known) => known.name).join(', ')}`,
      );
    }
    return scenario;
  });
}

function backendOf(name: string | undefined): Backend | undefined {
  if (name === undefined) return undefined;
  const backend = BACKENDS.find((known) => known === name);
  if (backend === undefined) throw new UsageError(`--backend must be one of ${BACKENDS.join(', ')}`);
  return backend;
}

function dataPlaneOf(name: string): Promise<DataPlane> {
  const make = Object.hasOwn(DATA_PLANES, name) ? DATA_PLANES[name] : undefined;
  if (make === undefined) {
    throw new UsageError(`--dataplane must be one of ${Object.keys(DATA_PLANES).join(', ')}`);
  }
  return make();
}

/** The simulation has the data plane in its own process. */
function backendFor(dataPlane: string, asked: Backend | undefined): Backend | undefined {
  if (dataPlane === 'node') return asked;
  if (asked === 'sim') throw new UsageError(`--dataplane ${dataPlane} needs the backend netns`);
  return 'netns';
}

async function agents(): Promise<DataPlane> {
  const programs = await agentEngine();
  if ('obstacle' in programs) throw new UsageError(`--dataplane wasmtime: ${programs.obstacle}`);
  return programs;
}

async function wasmtimeCli(): Promise<DataPlane> {
  const wasmtime = findWasmtime();
  if (wasmtime === undefined) {
    throw new UsageError('--dataplane wasmtime-cli needs the program wasmtime; see docs/wasi.md');
  }
  return { engine: 'wasmtime-cli', wasmtime };
}

function schemeOf(name: string): string {
  if (findScheme(name) === undefined)
    throw new UsageError(`--scheme must be one of ${schemeNames().join(', ')}`);
  return name;
}

function seedOf(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new UsageError('--seed must be a number of nine digits at most');
  return Number(value);
}

async function comparisonOf(backend: Backend, seed: number, json: boolean): Promise<string> {
  const obstacle = backend === 'netns' ? netnsObstacle() : undefined;
  if (obstacle !== undefined) throw new UsageError(`--backend netns: ${obstacle}`);
  const progress = new Progress(process.stderr);
  const results = await compare({ seed, progress: (step) => progress.step(step) }, (options) =>
    backend === 'sim' ? createSimLab(options, readFileSync(MODULE)) : createNetnsLab(options),
  );
  progress.clear();
  return json ? `${JSON.stringify(results)}\n` : comparison(results);
}

function listing(): { name: string; backends: readonly Backend[]; summary: string }[] {
  return scenarios.map(({ name, backends, summary }) => ({ name, backends, summary }));
}

function list(): string {
  return table(
    ['scenario', 'backends', 'what happens'],
    listing().map(({ name, backends, summary }) => [name, backends.join(' '), summary]),
    '',
  );
}

/** The backend for a scenario: as asked, else real kernels where they carry it and this machine permits. */
function choose(scenario: Scenario, asked: Backend | undefined, { engine }: DataPlane): Backend {
  if (asked !== undefined && !scenario.backends.includes(asked)) {
    throw new UsageError(`scenario "${scenario.name}" runs on ${scenario.backends.join(', ')} only`);
  }
  if (scenario.apart === true && engine !== 'wasmtime') {
    throw new UsageError(`scenario "${scenario.name}" needs --dataplane wasmtime`);
  }
  if (asked === 'sim' || !scenario.backends.includes('netns')) return 'sim';
  const obstacle = netnsObstacle();
  if (obstacle === undefined) return 'netns';
  if (asked === 'netns') throw new UsageError(`--backend netns: ${obstacle}`);
  process.stderr.write(`maar lab: no real kernels, ${obstacle}; simulating instead\n`);
  return 'sim';
}

/** Brings a domain up, runs the scenario, calls `done` and takes the domain down, with --keep only on an interrupt. */
async function runOne(
  scenario: Scenario,
  order: Order,
  progress: Progress,
  done: (report: RunReport) => void,
): Promise<void> {
  const backend = choose(scenario, order.backend, order.dataPlane);
  if (order.scheme !== undefined && !carries(order.scheme, scenario)) {
    throw new UsageError(
      `scenario "${scenario.name}" needs a scheme that asks servers of location management`,
    );
  }
  if (order.keep && backend === 'sim') throw new UsageError('--keep needs the backend netns');
  const options: LabOptions = {
    scheme: order.scheme ?? schemeFor(scenario) ?? defaultScheme,
    seed: order.seed,
    dataPlane: order.dataPlane,
    ...scenario.options,
    ...(order.pcap === undefined ? {} : { pcap: pcapDirectory(order.pcap, scenario, order) }),
    progress: (step) => progress.step(step),
  };
  progress.step(`${scenario.name}: ${scenario.summary}`);
  if (backend === 'sim') {
    const lab = await createSimLab(options, readFileSync(MODULE));
    done(await runScenario(lab, scenario, options).finally(() => lab.close()));
    return;
  }
  const lab = await createNetnsLab(options);
  const interrupted = closeOnSignal(lab);
  try {
    done(await Promise.race([runScenario(lab, scenario, options), interrupted.promise]));
    interrupted.forget();
    if (order.keep) await keepUp(lab);
  } finally {
    interrupted.forget();
    await lab.close();
  }
}

/** Several scenarios would overwrite each other's files. */
function pcapDirectory(directory: string, scenario: Scenario, { scenarios: all }: Order): string {
  return all.length > 1 ? join(directory, scenario.name) : directory;
}

/** On an interrupt the domain is taken down in order before the process ends. */
function closeOnSignal(lab: NetnsLab): { promise: Promise<never>; forget: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const close = (): void => {
    reject(new Error('interrupted'));
    void lab.close().finally(() => process.exit(INTERRUPTED));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, close);
  return {
    promise,
    forget: () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, close);
    },
  };
}

/** Waits for an interrupt with the domain still up. */
async function keepUp(lab: NetnsLab): Promise<void> {
  process.stderr.write(`The domain stays up until Ctrl-C. A shell in each of its machines:
${lab.entries().join('\n')}
What a MAAR knows, from its shell: maar show bindings --socket ${lab.controlSocket('a1')}
`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

function text(report: RunReport, { verbose }: Order): string {
  return formatReport(report, styleFor(process.stdout.isTTY), verbose);
}

function line(report: RunReport): string {
  return verdict(report, styleFor(process.stdout.isTTY));
}
