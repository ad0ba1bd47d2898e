import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { wasmDataPlane } from '../../bindings/node/dataplane.ts';
import { MemoryStore } from '../aaa/memory-store.ts';
import { AaaServer } from '../aaa/server.ts';
import { Subscribers } from '../aaa/subscribers.ts';
import { Maar } from '../core/maar.ts';
import type { Random, TraceEffect } from '../core/machine.ts';
import type { StatusView } from '../core/view.ts';
import { LocationServer } from '../functions/lm/server/server.ts';
import type { ServerSettings } from '../functions/lm/server/settings.ts';
import type { ServerView } from '../functions/lm/server/view.ts';
import { hmacSha256 } from '../io/lm/hmac.ts';
import { isLinkLocal } from '../wire/address.ts';
import type { Host } from '../sim/host/host.ts';
import type { LmNode } from '../sim/lm-node.ts';
import type { MaarNode } from '../sim/maar-node.ts';
import { seededRandom } from '../sim/random.ts';
import type { Fate } from '../sim/taps.ts';
import { Scheduler } from '../sim/scheduler.ts';
import { startFlow } from '../sim/traffic.ts';
import type {
  CapturedPacket,
  EndName,
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
} from './lab.ts';
import { writeCaptures } from './pcap-files.ts';
import type { HandoverMessages } from '../schemes/scheme.ts';
import { handoverMessages } from './scheme-for.ts';
import { LM_SPI, pairSecret } from './location-plan.ts';
import type { LmPlan } from './location-plan.ts';
import {
  AAA,
  aaaProfile,
  ACCESS_LINK,
  LMS,
  maarAddress,
  MAARS,
  OUTSIDER,
  portName,
  VENDOR_ID,
} from './plan.ts';
import { SimDomain } from './sim-domain.ts';
import type { SimParts } from './sim-domain.ts';

/** Until every MAAR has its Diameter connection, besides the round trips. */
const START_MILLIS = 1_000;
const START_PATHS = 20;
/** Longest wait for a confirmed buffer. */
const CONFIRM_MILLIS = 1_000;
/** What a node may take to say good-bye, besides the round trips. */
const STOP_MILLIS = 500;
/** Captures show the run as beginning on 1 January 2026. */
const EPOCH = Date.UTC(2026, 0, 1);

/** A whole domain in virtual time on one seed: the same options give the same packets at the same times. */
export class SimLab implements Lab {
  readonly backend = 'sim';
  readonly delay: number;
  readonly fault: Fault;
  readonly handover: HandoverMessages;
  readonly #options: LabOptions;
  readonly #scheduler = new Scheduler(() => setImmediate());
  readonly #domain: SimDomain;
  readonly #trace: TraceRecord[] = [];
  readonly #places = new Map<HostName, MaarName>();
  #flows = 0;

  constructor(options: LabOptions, parts: SimParts) {
    this.#options = options;
    this.handover = handoverMessages(options.scheme);
    const trace = (node: string, effect: TraceEffect): void => {
      this.#trace.push({ ...effect, at: this.#scheduler.now, node });
    };
    this.#domain = new SimDomain(options, parts, this.#scheduler, trace);
    this.delay = this.#domain.delay;
    this.fault = {
      drop: (name, matches, count) => this.#domain.taps.drop(name, matches, count),
      partition: async (node, cut) => {
        this.#say(`${node} ${cut ? 'cut off' : 'reconnected'}`);
        this.#domain.partition(node, cut);
      },
      closeDiameter: (maar, when) => this.#domain.aaa.severAtRegistration(maarAddress(maar), when),
    };
  }

  /** Starts every node and gives them time to find each other. */
  async up(): Promise<void> {
    this.#domain.aaa.start();
    for (const server of this.#domain.lms.values()) server.start();
    for (const name of MAARS) this.#maar(name).start();
    await this.sleep(START_MILLIS + START_PATHS * this.delay);
  }

  now(): number {
    return this.#scheduler.now;
  }

  sleep(ms: number): Promise<void> {
    return this.#scheduler.sleep(ms);
  }

  until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
    return this.#scheduler.until(what, ms, condition);
  }

  async move(name: HostName, to: MaarName, kind: MoveKind = 'carrier', gapMs = 0): Promise<void> {
    const host = this.#host(name);
    // A host that is taken down keeps no carrier either: the port at the other end goes down with it.
    const told = kind !== 'silent' || !host.up;
    this.#say(`${name}: ${this.#places.get(name) ?? 'nowhere'} -> ${to} (${kind}, ${gapMs} ms)`);
    if (kind === 'admin') host.setUp(false);
    if (kind === 'announced') await this.#announce(name);
    this.#unplug(name, told);
    if (gapMs > 0) await this.sleep(gapMs);
    const link = this.#domain.access.get(to)!;
    const port = portName(name);
    link.plug(port, host);
    host.plug({ peer: to, transmit: (frame) => link.fromStation(port, frame) });
    this.#places.set(name, to);
    if (told) {
      this.#maar(to).setPort(port, true);
      host.setCarrier(true);
    }
    host.setUp(true);
  }

  async leave(name: HostName): Promise<void> {
    this.#say(`${name}: ${this.#places.get(name) ?? 'nowhere'} -> nowhere`);
    this.#unplug(name, true);
  }

  async addresses(name: EndName): Promise<{ address: string; deprecated: boolean; tentative: boolean }[]> {
    const now = this.now();
    return this.#host(name)
      .addresses.list(now)
      .filter(({ address }) => !isLinkLocal(address))
      .map(({ address, tentative, preferredUntil }) => ({
        address,
        deprecated: preferredUntil <= now,
        tentative,
      }))
      .reverse()
      .sort((a, b) => Number(a.deprecated) - Number(b.deprecated));
  }

  async stream(spec: StreamSpec): Promise<Stream> {
    const to = { host: this.#host(spec.to), address: spec.toAddress ?? (await this.#newestAddress(spec.to)) };
    const source = spec.fromAddress ?? this.#host(spec.from).addresses.source(to.address, this.now());
    if (source === undefined)
      throw new Error(`stream ${spec.name}: ${spec.from} has no address to send from`);
    const from = { host: this.#host(spec.from), address: source };
    const number = this.#flows++;
    const flow = startFlow(
      spec,
      { from, to },
      {
        scheduler: this.#scheduler,
        random: seededRandom(this.#options.seed, `stream ${spec.name}`),
        number,
        hash: (data) => createHash('sha256').update(data).digest('hex'),
      },
    );
    return {
      addresses: () => ({ from: from.address, to: to.address }),
      finish: async () => ({ spec, ...(await flow.finish()) }),
    };
  }

  async show(maar: MaarName): Promise<StatusView> {
    return this.#maar(maar).status();
  }

  get locationServers(): readonly LmName[] {
    return [...this.#domain.lms.keys()];
  }

  walk(): Promise<LocationWalk> {
    return Promise.reject(new Error('the simulation has no clients of location management but the MAARs'));
  }

  async showLm(server: LmName): Promise<ServerView> {
    return this.#lm(server).view();
  }

  trace(): readonly TraceRecord[] {
    return this.#trace;
  }

  async captured(): Promise<readonly CapturedPacket[]> {
    return this.#domain.taps.packets;
  }

  overflowed(): number {
    return 0;
  }

  stalled(): number {
    return 0;
  }

  async inject(name: HostName, packet: Uint8Array, mac?: string): Promise<void> {
    const host = this.#host(name);
    host.inject(packet, ACCESS_LINK.mac, mac ?? host.mac);
  }

  async injectCore(packet: Uint8Array, from?: MaarName): Promise<void> {
    this.#domain.inject(from ?? OUTSIDER.name, packet);
  }

  async kill(name: NodeName): Promise<void> {
    this.#say(`${name} killed`);
    this.#node(name).kill();
  }

  async stop(name: NodeName): Promise<void> {
    this.#say(`${name} stopping`);
    this.#node(name).stop();
    await this.sleep(STOP_MILLIS + START_PATHS * this.delay);
    this.#node(name).kill();
  }

  async start(name: NodeName): Promise<void> {
    this.#say(`${name} starting`);
    this.#node(name).start();
  }

  /** From now on `fate` decides what becomes of the packets on links between nodes. */
  disturb(fate: Fate): void {
    this.#domain.taps.disturb(fate);
  }

  async close(): Promise<void> {
    const { pcap } = this.#options;
    if (pcap !== undefined) await writeCaptures(pcap, this.#domain.taps.packets, EPOCH);
  }

  #say(line: string): void {
    this.#options.progress?.(`${Math.round(this.now())} ms  ${line}`);
  }

  #maar(name: MaarName): MaarNode {
    return this.#domain.maars.get(name)!;
  }

  #node(name: NodeName): { start(): void; stop(): void; kill(): void } {
    if (name === 'aaa') return this.#domain.aaa;
    const server = LMS.find((known) => known === name);
    if (server !== undefined) return this.#lm(server);
    const maar = MAARS.find((known) => known === name);
    if (maar === undefined) throw new Error(`the simulation has no control apart from its router: ${name}`);
    return this.#maar(maar);
  }

  #lm(name: LmName): LmNode {
    const server = this.#domain.lms.get(name);
    if (server === undefined) throw new Error(`this domain has no server ${name} of location management`);
    return server;
  }

  #host(name: EndName): Host {
    return name === 'cn' ? this.#domain.cn : this.#domain.hosts.get(name)!;
  }

  /** Waits for the old MAAR's confirmation, which takes the access link behind the last frame that was delivered. */
  async #announce(name: HostName): Promise<void> {
    const place = this.#places.get(name);
    if (place === undefined) return;
    let confirmed = false;
    this.#maar(place).leaving(portName(name), this.#host(name).mac, () => (confirmed = true));
    await this.until(`${place} keeps what comes for ${name}`, CONFIRM_MILLIS, () => confirmed);
    await this.sleep(this.delay);
  }

  /** Takes a host off its access link; `told` if both ends lose carrier. */
  #unplug(name: HostName, told: boolean): void {
    const host = this.#host(name);
    if (told) host.setCarrier(false);
    const place = this.#places.get(name);
    if (place === undefined) return;
    const port = portName(name);
    this.#domain.access.get(place)!.unplug(port);
    host.plug(undefined);
    this.#places.delete(name);
    if (told) this.#maar(place).setPort(port, false);
  }

  async #newestAddress(name: EndName): Promise<string> {
    const own = (await this.addresses(name)).find(({ tentative }) => !tentative);
    if (own === undefined) throw new Error(`${name} has no global address`);
    return own.address;
  }
}

/** A simulated domain of the real control planes, each over its own instance of the data plane module, up and running. */
export async function createSimLab(options: LabOptions, wasm: Uint8Array<ArrayBuffer>): Promise<Lab> {
  const lab = new SimLab(options, realParts(options, wasm));
  await lab.up();
  return lab;
}

/** The parts of a whole domain as it runs. */
export function realParts(options: LabOptions, wasm: Uint8Array<ArrayBuffer>): SimParts {
  const { subscribers, peers } = aaaProfile(options);
  // Like the database of a real server, it outlives the process.
  const store = new MemoryStore();
  let starts = 0;
  return {
    maar: (config, random, leases) => new Maar(config, random, 0, leases),
    dataPlane: (planeOptions) => wasmDataPlane(wasm, planeOptions),
    aaa: (random) =>
      new AaaServer({
        originHost: AAA.originHost,
        originRealm: AAA.realm,
        address: AAA.address,
        vendorId: VENDOR_ID,
        originStateId: ++starts,
        peers,
        subscribers: new Subscribers(subscribers),
        store,
        random,
      }),
    lm: (plan, state, startedAt, random) =>
      new LocationServer(lmSettings(plan, options.seed, random), state, startedAt),
  };
}

function lmSettings(plan: LmPlan, seed: number, random: Random): ServerSettings {
  const { name, address, primary, gateway, peers } = plan;
  return {
    ...{ name, address, primary, gateway, random },
    peers: peers.map((peer) => ({
      ...{ name: peer.name, address: peer.address, role: peer.role === 'maar' ? 'client' : 'server' },
      key: { spi: LM_SPI, hmac: hmacSha256(pairSecret(seed, name, peer.name)) },
    })),
  };
}
