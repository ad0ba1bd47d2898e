/** `maar bench forward`: packets through one MAAR, for the processor time that the whole machine spends on them. */
import type { AgentEngine } from '../../agent-programs.ts';
import { agentEngine } from '../../agent-programs.ts';
import { Sandbox, netnsObstacle } from '../../netns/sandbox.ts';
import { findWasmtime } from '../../wasmtime-cli.ts';
import { Program, build } from '../native.ts';
import { quantile } from '../run.ts';
import { numbers, shuffled } from '../workload.ts';
import type { Load, Sample } from './measure.ts';
import { LOSS_MAX, Traffic, restingLoad } from './measure.ts';
import type { Router } from './routers.ts';
import { agentRouter, nodeRouter } from './routers.ts';
import type { Tunnel } from './topology.ts';
import { ENTRIES, buildLine, lineOf, namespacesOf, tunnels } from './topology.ts';

const PLANES = [
  { name: 'plain', tunnel: 'none' },
  { name: 'kernel', tunnel: 'kernel' },
  { name: 'node', tunnel: 'ours' },
  { name: 'pump', tunnel: 'ours' },
  { name: 'wasmtime', tunnel: 'ours' },
] as const;
type PlaneName = (typeof PLANES)[number]['name'];

/** The largest payload is what fits into the core's MTU with the tunnel's header. */
const LOADS = [
  { name: 'UDP 18', kind: 'udp', size: 18 },
  { name: 'UDP 512', kind: 'udp', size: 512 },
  { name: 'UDP 1412', kind: 'udp', size: 1412 },
  { name: 'TCP as on a wire', kind: 'tcp', offload: false },
  { name: 'TCP in segments of up to 64 KiB', kind: 'tcp', offload: true },
] as const;

const REST_MS = 1000;
/** Processors busy with other things, above which the figures scatter. */
const RESTING_MAX = 0.1;
const FIRST_PACKET_RATE = 2000;
const FIRST_PACKET_MS = 1000;
/** As many of these as a start may take on a machine that does other things. */
const FIRST_PACKET_BURSTS = 20;
const SPARE_BINDINGS = 1.2;

export interface ForwardPlan {
  readonly rounds: number;
  readonly ms: number;
  /** Packets a second of UDP that the station offers. */
  readonly rate: number;
  /** Stations elsewhere, for which memory is told. */
  readonly bindings: readonly number[];
}

export interface ForwardRow {
  readonly load: string;
  readonly plane: PlaneName;
  /** Medians over the rounds; of UDP packets, of TCP megabytes, for a processor second. */
  readonly perSecond: number;
  readonly p10: number;
  readonly p90: number;
  /** Against the kernel's tunnel: of the medians. */
  readonly toKernel: number;
  /** The share of UDP packets that did not arrive. */
  readonly loss: number;
  /** A second, of TCP. */
  readonly megabits: number;
}

export interface Forwarding {
  readonly rows: readonly ForwardRow[];
  readonly figures: readonly { readonly what: string; readonly value: number }[];
  readonly missing: readonly string[];
}

/** Throws an Error where namespaces or the C program cannot be had. */
export async function runForward(
  plan: ForwardPlan,
  directory: string,
  say: (line: string) => void,
): Promise<Forwarding> {
  const obstacle = netnsObstacle();
  if (obstacle !== undefined) throw new Error(obstacle);
  const traffic = build(directory, 'traffic', ['-lpthread']);
  if ('obstacle' in traffic) throw new Error(traffic.obstacle);
  const agents = await agentEngine(directory);
  const command = findWasmtime();
  const obstacles = new Map<PlaneName, string>();
  if ('obstacle' in agents) obstacles.set('wasmtime', agents.obstacle);
  if (command === undefined) obstacles.set('pump', 'wasmtime is not installed');
  const planes = PLANES.filter(({ name }) => !obstacles.has(name));
  const sandbox = await Sandbox.create(planes.flatMap(({ name }) => namespacesOf(lineOf(name))));
  const lines = new Lines(sandbox, traffic.path);
  try {
    for (const { name, tunnel } of planes) await lines.open(name, tunnel);
    lines.add('node', await nodeRouter(sandbox, lineOf('node').maar, { engine: 'node' }, ENTRIES));
    if (command !== undefined) {
      const engine = { engine: 'wasmtime-cli', wasmtime: command } as const;
      lines.add('pump', await nodeRouter(sandbox, lineOf('pump').maar, engine, ENTRIES));
    }
    const figures =
      'obstacle' in agents ? [] : await agentFigures(plan, sandbox, agents, lines.traffic('wasmtime'));
    if (!('obstacle' in agents))
      lines.add('wasmtime', await agentRouter(sandbox, lineOf('wasmtime').maar, agents, ENTRIES, 1024));
    const missing = [...obstacles].map(([name, why]) => `${name}: ${why}`);
    return { rows: await measure(plan, planes, lines, say), figures, missing };
  } finally {
    await lines.close();
    await sandbox.close();
  }
}

/** The lines under measurement, with what runs on them. */
class Lines {
  readonly #sandbox: Sandbox;
  readonly #program: string;
  readonly #traffic = new Map<PlaneName, Traffic>();
  readonly #routers = new Map<PlaneName, Router>();

  constructor(sandbox: Sandbox, program: string) {
    this.#sandbox = sandbox;
    this.#program = program;
  }

  async open(name: PlaneName, tunnel: Tunnel): Promise<void> {
    const line = lineOf(name);
    await buildLine(this.#sandbox, line, tunnel);
    const start = (namespace: string): Program =>
      new Program(namespace, this.#sandbox.spawn(namespace, [this.#program], ['pipe', 'pipe', 'pipe']));
    const traffic = new Traffic(start(line.station), start(line.peer));
    this.#traffic.set(name, traffic);
    await traffic.listen();
  }

  add(name: PlaneName, router: Router): void {
    this.#routers.set(name, router);
  }

  traffic(name: PlaneName): Traffic {
    return this.#traffic.get(name)!;
  }

  async close(): Promise<void> {
    for (const traffic of this.#traffic.values()) traffic.close();
    for (const router of this.#routers.values()) await router.close();
  }
}

/** Every round sends every load over every line once, in shuffled order. */
async function measure(
  plan: ForwardPlan,
  planes: readonly { readonly name: PlaneName }[],
  lines: Lines,
  say: (line: string) => void,
): Promise<ForwardRow[]> {
  const random = numbers(plan.rounds);
  const samples = new Map<string, Sample[]>();
  const jobs = LOADS.flatMap((load) => planes.map(({ name }) => ({ load, name })));
  for (let round = 0; round < plan.rounds; round++) {
    const resting = await restingLoad(REST_MS);
    const busy =
      resting > RESTING_MAX ? `; the machine does other work (${resting.toFixed(2)} processors)` : '';
    say(`round ${round + 1} of ${plan.rounds}${busy}`);
    for (const { load, name } of shuffled(jobs, random)) {
      const order: Load =
        load.kind === 'udp'
          ? { kind: 'udp', size: load.size, rate: plan.rate, ms: plan.ms }
          : { kind: 'tcp', ms: plan.ms };
      if (load.kind === 'tcp') await lines.traffic(name).offload(load.offload);
      const key = `${load.name} ${name}`;
      const sample = await lines.traffic(name).sample(order, resting);
      samples.set(key, [...(samples.get(key) ?? []), sample]);
    }
  }
  return LOADS.flatMap((load) => {
    const rows = planes.map(({ name }) =>
      rowOf(load.name, name, load.kind, samples.get(`${load.name} ${name}`)!, plan.ms),
    );
    const kernel = rows.find(({ plane }) => plane === 'kernel')!.perSecond;
    return rows.map((row) => ({ ...row, toKernel: row.perSecond / kernel }));
  });
}

function rowOf(
  load: string,
  plane: PlaneName,
  kind: Load['kind'],
  samples: readonly Sample[],
  ms: number,
): Omit<ForwardRow, 'toKernel'> {
  const unit = kind === 'udp' ? 1 : 1e6;
  const each = samples.map(({ received, seconds }) => received / unit / seconds);
  const sum = (field: keyof Sample): number => samples.reduce((total, sample) => total + sample[field], 0);
  const loss = kind === 'udp' ? 1 - sum('received') / sum('sent') : 0;
  const megabits = kind === 'tcp' ? (sum('received') * 8) / 1000 / (ms * samples.length) : 0;
  return {
    load,
    plane,
    perSecond: quantile(each, 0.5),
    p10: quantile(each, 0.1),
    p90: quantile(each, 0.9),
    loss,
    megabits,
  };
}

/** What the agent needs to start, and to hold. */
async function agentFigures(
  plan: ForwardPlan,
  sandbox: Sandbox,
  agents: AgentEngine,
  traffic: Traffic,
): Promise<{ what: string; value: number }[]> {
  const namespace = lineOf('wasmtime').maar;
  const starts: number[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    await traffic.received();
    const starting = agentRouter(sandbox, namespace, agents, ENTRIES, 1024);
    // Where it does not start, the reason is wanted after the packets.
    starting.catch(() => undefined);
    let first = 0n;
    for (let burst = 0; first === 0n && burst < FIRST_PACKET_BURSTS; burst++) {
      await traffic.send({ kind: 'udp', size: 18, rate: FIRST_PACKET_RATE, ms: FIRST_PACKET_MS });
      ({ first } = await traffic.received());
    }
    const router = await starting;
    await router.close();
    starts.push(Number(first - router.started) / 1e6);
  }
  const figures = [{ what: 'ms from start to the first packet out, maar-dp', value: quantile(starts, 0.5) }];
  for (const count of plan.bindings) {
    const room = Math.ceil(count * SPARE_BINDINGS);
    const router = await agentRouter(sandbox, namespace, agents, [...ENTRIES, ...tunnels(count)], room);
    figures.push({ what: `kB resident with ${count} bindings, maar-dp`, value: router.resident() });
    await router.close();
  }
  return figures;
}

/** Rows of one load as lines of text, and figures. */
export function forwardText({ rows, figures }: Forwarding): string {
  const text = LOADS.map(({ name, kind }) => {
    const unit = kind === 'udp' ? 'packets' : 'megabytes';
    const lines = rows
      .filter(({ load }) => load === name)
      .map(({ plane, perSecond, p10, p90, toKernel, loss, megabits }) => {
        const numbers = [perSecond, p10, p90]
          .map((value) => Math.round(value).toString().padStart(9))
          .join('');
        const rest =
          kind === 'udp'
            ? `${(100 * loss).toFixed(2)} % lost${loss > LOSS_MAX ? ': offer less (--rate)' : ''}`
            : `${Math.round(megabits)} Mbit/s`;
        return `  ${plane.padEnd(10)}${numbers}${toKernel.toFixed(2).padStart(9)}  ${rest}`;
      });
    return `\n${name}: ${unit} for a processor second (median, p10, p90, to kernel)\n${lines.join('\n')}\n`;
  });
  return `${text.join('')}\n${figures.map(({ what, value }) => `${what}: ${Number(value.toFixed(1))}`).join('\n')}\n`;
}
