import { hasEtcd, lmPlans } from '../location-plan.ts';
import { AAA, CONTROL, ETCDS, MAARS } from '../plan.ts';
import type { EtcdName, LabOptions, LmName, MaarName, NodeName, TraceRecord } from '../lab.ts';
import { Agents, agentName } from './agents.ts';
import { writeAaaFile, writeLmFile, writeMaarFile } from './config-files.ts';
import { Daemon } from './daemon.ts';
import type { DaemonOptions } from './daemon.ts';
import { etcdDaemon } from './etcd-members.ts';
import { nodeCommand } from './node-command.ts';
import type { Sandbox } from './sandbox.ts';

type Program = Pick<DaemonOptions, 'name' | 'netns' | 'argv' | 'ready'>;

/** The daemons of the domain, by the node that they make up. */
export class Processes {
  /** Of routers that are apart from their control. */
  readonly agents: Agents | undefined;
  readonly #options: LabOptions;
  readonly #sandbox: Sandbox;
  readonly #servers: readonly LmName[];
  /** Of the etcd cluster, if the servers share one. */
  readonly #members: readonly EtcdName[];
  readonly #daemons: ReadonlyMap<NodeName, Daemon>;

  /** Writes their files; `died` is told of a daemon that ends without having been told to. */
  constructor(
    options: LabOptions,
    sandbox: Sandbox,
    watch: {
      readonly start: number;
      readonly trace: (record: TraceRecord) => void;
      readonly died: (error: Error) => void;
    },
  ) {
    this.#options = options;
    this.#sandbox = sandbox;
    const { directory } = sandbox;
    const { dataPlane } = options;
    this.agents = dataPlane?.engine === 'wasmtime' ? new Agents(dataPlane, directory, options) : undefined;
    this.#members = hasEtcd(options) ? ETCDS : [];
    const lms = lmPlans(options);
    this.#servers = lms.map(({ name }) => name);
    const aaa: Program = {
      name: AAA.name,
      netns: AAA.name,
      argv: maarCommand('aaa', writeAaaFile(directory, options)),
      ready: (_, record) => record?.what === 'listen',
    };
    const programs: [NodeName, Program][] = [
      [AAA.name, aaa],
      ...this.#members.map((name): [NodeName, Program] => [name, etcdDaemon(name, directory)]),
      ...lms.map((plan): [NodeName, Program] => {
        const { name } = plan;
        const argv = maarCommand('lm', writeLmFile(directory, plan, options));
        return [name, { name, netns: name, argv, ready: (_, record) => record?.what === 'start' }];
      }),
      ...MAARS.flatMap((name) => this.#maar(name)),
    ];
    this.#daemons = new Map(
      programs.map(([name, program]) => [name, new Daemon(sandbox, { ...program, ...watch })]),
    );
  }

  /** All of the domain, those first that others ask when they start. */
  async startAll(): Promise<void> {
    for (const nodes of [this.#members, [AAA.name, ...this.#servers], MAARS]) {
      await Promise.all(nodes.map((node) => this.start(node)));
    }
  }

  async stopAll(): Promise<void> {
    await Promise.all([AAA.name, ...this.#servers, ...MAARS].map((node) => this.stop(node)));
    await Promise.all(this.#members.map((node) => this.kill(node)));
  }

  /** A router before its control. */
  async start(node: NodeName): Promise<void> {
    for (const daemon of this.#of(node)) await daemon.start();
  }

  /** Control before its router, from which it takes back what it put there. */
  async stop(node: NodeName): Promise<void> {
    for (const daemon of this.#of(node).toReversed()) await daemon.stop();
  }

  async kill(node: NodeName): Promise<void> {
    await Promise.all(this.#of(node).map((daemon) => daemon.kill()));
  }

  /** The processes of a node: of a MAAR both, where its control is apart. */
  #of(node: NodeName): Daemon[] {
    const maar = MAARS.find((name) => name === node);
    const names =
      maar === undefined || this.agents === undefined ? [node] : [agentName(maar), controlName(maar)];
    return names.map((name) => {
      const daemon = this.#daemons.get(name);
      if (daemon === undefined) throw new Error(`control is not apart from its router here: no ${name}`);
      return daemon;
    });
  }

  #maar(name: MaarName): [NodeName, Program][] {
    const { agents } = this;
    const config = writeMaarFile(this.#sandbox.directory, name, this.#options, agents?.section(name));
    const argv = maarCommand('run', config);
    if (agents === undefined) {
      return [[name, { name, netns: name, argv, ready: (_, record) => record?.what === 'start' }]];
    }
    const agent = agentName(name);
    const ready = (line: string): boolean => line.includes('ready at');
    return [
      [agent, { name: agent, netns: name, argv: agents.command(name), ready }],
      [
        controlName(name),
        { name, netns: CONTROL.name, argv, ready: (_, record) => record?.detail?.['state'] === 'connected' },
      ],
    ];
  }
}

/** Of a MAAR's control alone. */
function controlName(name: MaarName): `control-${MaarName}` {
  return `control-${name}`;
}

function maarCommand(command: 'run' | 'aaa' | 'lm', config: string): string[] {
  return nodeCommand(new URL('../../daemon/main.ts', import.meta.url), command, '--config', config);
}
