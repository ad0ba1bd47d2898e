import type { DataPlane, DataPlaneOptions } from '../../bindings/dataplane.ts';
import type { Prefix } from '../../bindings/entries.ts';
import type { MaarConfig } from '../core/config.ts';
import type { Random, TraceEffect } from '../core/machine.ts';
import type { LeaseRecord } from '../functions/haa/lease.ts';
import { MemoryLocationStore } from '../functions/lm/memory-store.ts';
import type { StoreState } from '../functions/lm/store.ts';
import { AaaNode } from '../sim/aaa-node.ts';
import type { AaaMachine } from '../sim/aaa-node.ts';
import { AccessLink } from '../sim/access-link.ts';
import { CoreRouter } from '../sim/core-router.ts';
import { FirstHop } from '../sim/first-hop.ts';
import { Host } from '../sim/host/host.ts';
import { PointToPointLink } from '../sim/link.ts';
import type { LinkEnd, Medium } from '../sim/link.ts';
import { LmNode } from '../sim/lm-node.ts';
import type { LmMachine } from '../sim/lm-node.ts';
import { MaarNode } from '../sim/maar-node.ts';
import type { MaarMachine } from '../sim/maar-node.ts';
import { seededRandom } from '../sim/random.ts';
import type { Scheduler } from '../sim/scheduler.ts';
import { StreamFabric } from '../sim/streams.ts';
import type { StreamPaths } from '../sim/streams.ts';
import { Taps } from '../sim/taps.ts';
import { APPLY_MILLIS } from './lab.ts';
import type { EtcdName, HostName, LabOptions, LmName, MaarName } from './lab.ts';
import { hasEtcd, lmPlans, locationOf } from './location-plan.ts';
import type { LmPlan } from './location-plan.ts';
import {
  AAA,
  ACCESS_LINK,
  CN,
  CORE_ADDRESS,
  CORE_MTU,
  endMac,
  HOSTS,
  lmPrefix,
  maarConfig,
  maarPool,
  maarPrefix,
  MAARS,
  OUTSIDER,
} from './plan.ts';

/** What the simulation runs: one of each for every start of a node. */
export interface SimParts {
  maar(config: MaarConfig, random: Random, leases: readonly LeaseRecord[]): MaarMachine;
  dataPlane(options: DataPlaneOptions): DataPlane;
  aaa(random: Random): AaaMachine;
  lm(plan: LmPlan, state: StoreState, startedAt: number, random: Random): LmMachine;
}

/** Room for every scenario; small, since each MAAR of each run has its own. */
const CAPACITIES = {
  batch: 256,
  destinations: 1024,
  sources: 256,
  peers: 16,
  flows: 1024,
  held: 2048,
  flowEntries: 256,
};
const DEFAULT_DELAY = 10;
/** Milliseconds that a disk takes to keep what must not be lost. */
const COMMIT_MILLIS = 1;

/** The nodes and links of the topology that lab.ts describes. */
export class SimDomain {
  readonly scheduler: Scheduler;
  readonly taps: Taps;
  readonly delay: number;
  readonly core: CoreRouter;
  readonly aaa: AaaNode;
  readonly lms = new Map<LmName, LmNode>();
  readonly maars = new Map<MaarName, MaarNode>();
  readonly access = new Map<MaarName, AccessLink>();
  readonly hosts = new Map<HostName, Host>();
  readonly cn: Host;
  readonly #medium: Medium;
  readonly #options: LabOptions;
  readonly #trace: (node: string, effect: TraceEffect) => void;
  readonly #coreLinks = new Map<string, PointToPointLink>();

  constructor(
    options: LabOptions,
    parts: SimParts,
    scheduler: Scheduler,
    trace: (node: string, effect: TraceEffect) => void,
  ) {
    this.#options = options;
    this.#trace = trace;
    this.scheduler = scheduler;
    this.delay = options.delay ?? DEFAULT_DELAY;
    this.taps = new Taps(
      () => scheduler.now,
      (fault, { link, sender }) =>
        trace('fault', { type: 'trace', what: 'drop', detail: { fault, link, sender } }),
    );
    this.#medium = {
      scheduler,
      taps: this.taps,
      random: this.#random('links'),
      delay: this.delay,
      loss: options.loss ?? 0,
    };
    this.core = new CoreRouter(CORE_ADDRESS, (effect) => trace('core', effect));
    const streams = new StreamFabric(scheduler, {
      path: (from, to) => this.#path(from, to),
      offer: (node, sender, packet) => this.taps.carry(`core-${node}`, sender, packet).length > 0,
    });
    this.aaa = this.#createAaa(parts, streams);
    if (hasEtcd(options)) throw new Error('the simulation has no etcd');
    for (const plan of lmPlans(options)) this.#createLm(plan, parts);
    for (const name of MAARS) this.#createMaar(name, parts, streams);
    this.cn = this.#createCorrespondent();
    if (options.anycast !== undefined) this.#announceAll(options.anycast);
    // Its end of the core is the only thing there is of the machine that is no peer.
    this.#coreLink(OUTSIDER.name, [OUTSIDER.prefix], () => undefined);
    for (const name of HOSTS) this.hosts.set(name, this.#createHost(name));
  }

  /** Cuts or restores all links of a node. */
  partition(node: MaarName | 'aaa' | LmName | EtcdName, cut: boolean): void {
    const core = this.#coreLinks.get(node);
    if (core === undefined) throw new Error(`there is no ${node} in this domain`);
    core.cut = cut;
    const access = MAARS.find((name) => name === node);
    if (access !== undefined) this.access.get(access)!.cut = cut;
  }

  /** Puts a packet into the core as `node` would. */
  inject(node: string, packet: Uint8Array): void {
    this.#coreLinks.get(node)!.send(node, packet);
  }

  #random(label: string): Random {
    return seededRandom(this.#options.seed, label);
  }

  /** The link between a node and the core router, which routes `prefixes` there. */
  #coreLink(
    node: string,
    prefixes: readonly Prefix[],
    receive: LinkEnd['receive'],
    mtu?: number,
  ): PointToPointLink {
    const coreEnd: LinkEnd = { node: this.core.node, receive: (packet) => this.core.receive(link, packet) };
    const link: PointToPointLink = new PointToPointLink(`core-${node}`, this.#medium, [
      coreEnd,
      { node, receive },
    ]);
    for (const prefix of prefixes) this.core.addRoute(prefix, link, mtu);
    this.#coreLinks.set(node, link);
    return link;
  }

  #path(from: string, to: string): ReturnType<StreamPaths['path']> {
    const links = [this.#coreLinks.get(from)!, this.#coreLinks.get(to)!];
    return { delay: links.length * this.delay, up: links.every((link) => !link.cut) };
  }

  #createAaa(parts: SimParts, streams: StreamFabric): AaaNode {
    const { name, address, port } = AAA;
    const random = this.#random(name);
    const trace = (effect: TraceEffect): void => this.#trace(name, effect);
    const node = new AaaNode(
      { name, address, port, machine: () => parts.aaa(random), trace },
      this.scheduler,
      streams,
    );
    streams.register(node);
    this.#coreLink(name, [AAA.prefix], () => undefined);
    return node;
  }

  #createLm(plan: LmPlan, parts: SimParts): void {
    const { name, address } = plan;
    const random = this.#random(name);
    const node = new LmNode(
      {
        ...{ name, address },
        machine: (state, startedAt) => parts.lm(plan, state, startedAt, random),
        store: new MemoryLocationStore(),
        commitDelay: COMMIT_MILLIS,
        trace: (effect) => this.#trace(name, effect),
      },
      this.scheduler,
    );
    node.connect(this.#coreLink(name, [lmPrefix(name)], (packet) => node.receive(packet)));
    this.lms.set(name, node);
  }

  #createMaar(name: MaarName, parts: SimParts, streams: StreamFabric): void {
    const config = { ...maarConfig(name, this.#options), ...locationOf(name, this.#options) };
    const random = this.#random(name);
    const node = new MaarNode(
      {
        config,
        machine: (leases) => parts.maar(config, random, leases),
        dataPlane: () =>
          parts.dataPlane({
            capacities: CAPACITIES,
            locator: config.address,
            seed: BigInt(Math.floor(random() * 2 ** 32)),
            coreMtu: CORE_MTU,
            hopLimitDone: false,
          }),
        applyDelay: APPLY_MILLIS,
        trace: (effect) => this.#trace(name, effect),
      },
      this.scheduler,
      streams,
    );
    streams.register(node);
    const core = this.#coreLink(
      name,
      [maarPrefix(name), maarPool(name)],
      (packet) => node.receive(packet),
      this.#options.pathMtu?.[name],
    );
    const access = new AccessLink(`access-${name}`, this.#medium, node);
    node.connect({ core, access: new Map([[ACCESS_LINK.id, access]]) });
    this.maars.set(name, node);
    this.access.set(name, access);
  }

  #createCorrespondent(): Host {
    const { gateway, mac, address, prefix } = CN;
    const hop = new FirstHop('cn-gateway', gateway.address, gateway.mac, (packet) => core.send('cn', packet));
    const core = this.#coreLink('cn', [prefix], (packet) => void hop.deliver(packet));
    const segment = new AccessLink('access-cn', this.#medium, hop);
    hop.connect(segment);
    hop.addStation(address, mac);
    const cn = new Host({ name: 'cn', mac, aware: false }, this.scheduler, this.#random('cn'), this.taps);
    segment.plug('cn', cn);
    cn.plug({ peer: hop.name, transmit: (frame) => segment.fromStation('cn', frame) });
    cn.configure(address, gateway);
    cn.setCarrier(true);
    return cn;
  }

  #announceAll(nearest: MaarName): void {
    const [from, to] = [this.#coreLinks.get('cn')!, this.#coreLinks.get(nearest)!];
    for (const name of MAARS) this.core.addRouteFrom(from, maarPool(name), to);
  }

  #createHost(name: HostName): Host {
    const aware = this.#options.awareHosts?.includes(name) ?? false;
    return new Host({ name, mac: endMac(name), aware }, this.scheduler, this.#random(name), this.taps);
  }
}
