import type { ChildProcess } from 'node:child_process';
import type { StatusView } from '../../core/view.ts';
import type { ServerView } from '../../functions/lm/server/view.ts';
import { wallClock } from '../../io/clock.ts';
import { askControl, controlPath } from '../../io/control-socket.ts';
import { isMulticast, multicastMac, readAddress } from '../../wire/address.ts';
import { emitEthernet } from '../../wire/ethernet.ts';
import { IPV6_AT } from '../../wire/ipv6.ts';
import type { HandoverMessages } from '../../schemes/scheme.ts';
import { etcdObstacle } from '../etcd.ts';
import { hasEtcd, lmPlans } from '../location-plan.ts';
import { handoverMessages } from '../scheme-for.ts';
import { ACCESS_LINK, CN, MAARS, OUTSIDER, endMac, portName } from '../plan.ts';
import type {
  CapturedPacket,
  EndName,
  EtcdName,
  Fault,
  HostName,
  Lab,
  LabOptions,
  LmName,
  LocationWalk,
  MaarName,
  MoveKind,
  NodeName,
  Stream,
  StreamSpec,
  TraceRecord,
} from '../lab.ts';
import { AccessMedium } from './access.ts';
import { backlogDrops } from './backlog.ts';
import { Captures } from './capture.ts';
import { stateDirectory } from './config-files.ts';
import { startWalk } from './location-walk.ts';
import { Processes } from './processes.ts';
import { Sandbox } from './sandbox.ts';
import type { SharedDirectory } from './sandbox.ts';
import { Stalls } from './stalls.ts';
import { startStream } from './streams.ts';
import { CORE_INTERFACE, HOST_INTERFACE, buildTopology, cutCoreLink, namespaces } from './topology.ts';
import { TrafficProcess } from './traffic.ts';

const POLL = 20;

/** The domain on real kernels: our daemons in network namespaces, hosts that run nothing of ours. */
export class NetnsLab implements Lab {
  readonly backend = 'netns';
  readonly delay = 0;
  readonly fault: Fault;
  readonly locationServers: readonly LmName[];
  readonly handover: HandoverMessages;
  readonly #options: LabOptions;
  readonly #sandbox: Sandbox;
  readonly #start: number;
  readonly #air: AccessMedium;
  readonly #captures: Captures;
  readonly #processes: Processes;
  readonly #traffic = new Map<string, TrafficProcess>();
  readonly #trace: TraceRecord[] = [];
  readonly #droppedBefore = backlogDrops();
  readonly #stalls = new Stalls(() => this.now());
  #streams = 0;
  #failure: Error | undefined;
  #closed: Promise<void> | undefined;

  private constructor(options: LabOptions, sandbox: Sandbox, start: number, captures: Captures) {
    this.#options = options;
    this.#sandbox = sandbox;
    this.#start = start;
    this.#captures = captures;
    this.#air = new AccessMedium(sandbox);
    this.handover = handoverMessages(options.scheme);
    this.locationServers = lmPlans(options).map(({ name }) => name);
    this.#processes = new Processes(options, sandbox, {
      start,
      trace: (record) => this.#trace.push(record),
      died: (error) => (this.#failure ??= error),
    });
    this.fault = {
      drop: () => refuse('drop'),
      partition: (node, cut) => this.#partition(node, cut),
      closeDiameter: () => refuse('closeDiameter'),
    };
  }

  /** Builds the domain and starts every daemon. What was created is gone again if anything fails. */
  static async create(options: LabOptions): Promise<NetnsLab> {
    options.progress?.('building the domain in network namespaces');
    const lms = lmPlans(options).map(({ name }) => name);
    const etcd = hasEtcd(options);
    const obstacle = etcd ? etcdObstacle() : undefined;
    if (obstacle !== undefined) throw new Error(obstacle);
    const sandbox = await Sandbox.create(namespaces({ lms, etcd }));
    try {
      await buildTopology(sandbox, { ...options, lms, etcd });
      const start = wallClock();
      const captures = await Captures.start(sandbox, start, lms);
      const lab = new NetnsLab(options, sandbox, start, captures);
      options.progress?.(`starting ${['the AAA server', ...lms].join(', ')} and six MAARs`);
      await lab.#processes.startAll();
      return lab;
    } catch (error) {
      await sandbox.close();
      throw error;
    }
  }

  now(): number {
    return wallClock() - this.#start;
  }

  async sleep(ms: number): Promise<void> {
    this.#alive();
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#alive();
  }

  async until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = this.now() + ms;
    while (!(await condition())) {
      if (this.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
      await this.sleep(POLL);
    }
  }

  async move(host: HostName, to: MaarName, kind: MoveKind = 'carrier', gapMs = 0): Promise<void> {
    this.#alive();
    this.#say(`${host}: ${this.#air.attached(host) ?? 'nowhere'} -> ${to} (${kind}, ${gapMs} ms)`);
    if (kind === 'announced') await this.#announce(host);
    await this.#air.move(host, to, kind, gapMs);
  }

  async leave(host: HostName): Promise<void> {
    this.#say(`${host}: ${this.#air.attached(host) ?? 'nowhere'} -> nowhere`);
    await this.#air.leave(host);
  }

  async addresses(end: EndName): Promise<{ address: string; deprecated: boolean; tentative: boolean }[]> {
    const text = await this.#sandbox
      .shell(end)
      .run(`ip -j -6 address show dev ${HOST_INTERFACE} scope global`);
    const [link] = JSON.parse(text) as { addr_info?: HeldAddress[] }[];
    return (link?.addr_info ?? [])
      .filter((held): held is HeldAddress & { local: string } => held.local !== undefined)
      .map(({ local, deprecated = false, tentative = false }) => ({ address: local, deprecated, tentative }))
      .sort((a, b) => Number(a.deprecated) - Number(b.deprecated));
  }

  /** Starts a program in a host's namespace; it ends with the lab. */
  launch(host: HostName, argv: readonly string[]): ChildProcess {
    return this.#sandbox.spawn(host, argv, ['ignore', 'pipe', 'pipe']);
  }

  /** A directory of all namespaces of the lab, which ends with it. */
  get directory(): SharedDirectory {
    return this.#sandbox.directory;
  }

  async stream(spec: StreamSpec): Promise<Stream> {
    this.#alive();
    const toAddress = spec.toAddress ?? (await this.#usableAddress(spec.to));
    const fromAddress = spec.fromAddress ?? (await this.#sourceAddress(spec.from, toAddress));
    return startStream(spec, {
      id: this.#streams++,
      from: { address: fromAddress, traffic: this.#trafficOf(spec.from) },
      to: { address: toAddress, traffic: this.#trafficOf(spec.to) },
      captured: () => this.captured(),
    });
  }

  async show(maar: MaarName): Promise<StatusView> {
    const socket = controlPath(stateDirectory(this.#sandbox.directory, maar).outside);
    return (await askControl(socket, { show: 'status' })) as StatusView;
  }

  async showLm(server: LmName): Promise<ServerView> {
    const socket = controlPath(stateDirectory(this.#sandbox.directory, server).outside);
    return (await askControl(socket, { show: 'status' })) as ServerView;
  }

  walk(): Promise<LocationWalk> {
    return startWalk(this.#sandbox, this.locationServers, this.#options, this.#start);
  }

  trace(): readonly TraceRecord[] {
    return this.#trace.toSorted((a, b) => a.at - b.at);
  }

  async captured(): Promise<readonly CapturedPacket[]> {
    this.#alive();
    const packets = await this.#captures.packets();
    if (this.#captures.lost > 0) {
      throw new Error(
        `the capture lost ${this.#captures.lost} frames: the machine is too slow for this traffic`,
      );
    }
    return packets;
  }

  overflowed(): number {
    return backlogDrops() - this.#droppedBefore;
  }

  stalled(from: number, to: number): number {
    return this.#stalls.between(from, to);
  }

  async inject(host: HostName, packet: Uint8Array, mac: string = endMac(host)): Promise<void> {
    const destination = readAddress(packet, IPV6_AT.destination);
    const to = isMulticast(destination) ? multicastMac(destination) : ACCESS_LINK.mac;
    await this.#frame(host, HOST_INTERFACE, emitEthernet(mac, to, packet));
  }

  async injectCore(packet: Uint8Array, from?: MaarName): Promise<void> {
    const netns = from ?? OUTSIDER.name;
    const mac = (await this.#sandbox.shell(netns).run(`cat /sys/class/net/${CORE_INTERFACE}/address`)).trim();
    await this.#frame(netns, CORE_INTERFACE, emitEthernet(mac, CN.gateway.mac, packet));
  }

  async kill(node: NodeName): Promise<void> {
    this.#say(`${node} killed`);
    await this.#processes.kill(node);
  }

  async stop(node: NodeName): Promise<void> {
    this.#say(`${node} stopping`);
    await this.#processes.stop(node);
  }

  async start(node: NodeName): Promise<void> {
    this.#say(`${node} starting`);
    await this.#processes.start(node);
  }

  /** One line for each namespace: how a person gets a shell in it. */
  entries(): string[] {
    const etcd = hasEtcd(this.#options);
    return namespaces({ lms: this.locationServers, etcd }).map(
      (name) => `${name.padEnd(9)}${this.#sandbox.entry(name)}`,
    );
  }

  /** Path of a MAAR's control socket inside its namespace. */
  controlSocket(maar: MaarName): string {
    return controlPath(stateDirectory(this.#sandbox.directory, maar).inside);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { pcap } = this.#options;
    this.#stalls.close();
    try {
      await this.#processes.stopAll();
      if (pcap !== undefined) await this.#captures.write(pcap);
    } finally {
      await this.#sandbox.close();
    }
  }

  async #partition(node: MaarName | 'aaa' | LmName | EtcdName, cut: boolean): Promise<void> {
    this.#say(`${node} ${cut ? 'cut off' : 'reconnected'}`);
    await cutCoreLink(this.#sandbox, node, cut);
    const maar = MAARS.find((name) => name === node);
    if (maar !== undefined) await this.#air.partition(maar, cut);
  }

  async #frame(netns: string, port: string, frame: Uint8Array): Promise<void> {
    const order = {
      op: 'frame',
      id: this.#streams++,
      interface: port,
      frame: Buffer.from(frame).toString('hex'),
    };
    await this.#trafficOf(netns).order({ ...order, op: 'frame' });
  }

  /** Waits for the old MAAR's confirmation on its control socket. */
  async #announce(host: HostName): Promise<void> {
    const from = this.#air.attached(host);
    if (from === undefined) return;
    const { agents } = this.#processes;
    if (agents !== undefined) {
      await agents.announce(this.#sandbox, from, portName(host), endMac(host));
      return;
    }
    const socket = controlPath(stateDirectory(this.#sandbox.directory, from).outside);
    const leaving = { port: portName(host), mac: endMac(host) };
    const answer = await askControl(socket, { leaving });
    if (JSON.stringify(answer) !== JSON.stringify({ buffering: leaving.mac })) {
      throw new Error(
        `${from} does not confirm that it keeps what comes for ${host}: ${JSON.stringify(answer)}`,
      );
    }
  }

  #trafficOf(netns: string): TrafficProcess {
    let traffic = this.#traffic.get(netns);
    if (traffic === undefined) {
      traffic = new TrafficProcess(this.#sandbox, netns, this.#start);
      this.#traffic.set(netns, traffic);
    }
    return traffic;
  }

  async #usableAddress(end: EndName): Promise<string> {
    const own = (await this.addresses(end)).find(({ tentative }) => !tentative);
    if (own === undefined) throw new Error(`${end} has no global address`);
    return own.address;
  }

  /** The kernel's own choice, RFC 6724. */
  async #sourceAddress(end: EndName, to: string): Promise<string> {
    const text = await this.#sandbox.shell(end).run(`ip -6 route get ${to}`);
    const source = /\bsrc (\S+)/.exec(text)?.[1];
    if (source === undefined) throw new Error(`${end} has no source address towards ${to}`);
    return source;
  }

  #say(line: string): void {
    this.#options.progress?.(`${Math.round(this.now())} ms  ${line}`);
  }

  /** A daemon that died fails whatever is done next. */
  #alive(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

interface HeldAddress {
  readonly local?: string;
  readonly deprecated?: boolean;
  readonly tentative?: boolean;
}

function refuse(fault: string): never {
  throw new Error(`the fault "${fault}" exists in the simulation only`);
}

/** A domain in namespaces of this machine. Rejects where netnsObstacle() tells why it cannot be. */
export function createNetnsLab(options: LabOptions): Promise<NetnsLab> {
  return NetnsLab.create(options);
}
