import type { HandoverMessages } from '../schemes/scheme.ts';
import type { BufferConfig, MaarConfig } from '../core/config.ts';
import type { Lateness } from '../sim/arrivals.ts';
import type { StatusView } from '../core/view.ts';
import type { TraceEffect } from '../core/machine.ts';
import type { ServerView } from '../functions/lm/server/view.ts';
import type { DataPlaneEngine } from '../io/linux-config.ts';
import type { AgentEngine } from './agent-programs.ts';

/**
 * One domain under test, whichever backend carries it. Topology (both backends, see docs/scenarios):
 * a core router with strict reverse-path filtering; MAARs a1 a2 a3 b1 b2 b3; the AAA server `aaa`; servers of
 * location management where the scheme needs them or a scenario asks for them; a fixed correspondent `cn` outside the domain; mobile hosts `A`, `B` and, where a scenario asks, `C`.
 */
export type MaarName = 'a1' | 'a2' | 'a3' | 'b1' | 'b2' | 'b3';
/** One of the two processes of a MAAR whose control is apart from its router. */
export type PartName = `control-${MaarName}` | `agent-${MaarName}`;
/** A server of location management. */
export type LmName = 'lm1' | 'lm2' | 'lm3';
/** A member of the etcd cluster that servers of location management share. */
export type EtcdName = 'etcd1' | 'etcd2' | 'etcd3';
export type NodeName = MaarName | 'aaa' | LmName | EtcdName | PartName;
export type HostName = 'A' | 'B' | 'C';
export type EndName = HostName | 'cn';

/**
 * How a host changes its access link. `silent`: nobody is told, the host's carrier stays. `carrier`: the host's and the
 * access routers' ports lose and regain carrier. `admin`: the host's interface is taken down and up by its owner.
 * `announced`: as `carrier`, but the link is cut only after the old MAAR has confirmed that it keeps the host's packets, as
 * an access point's disassociation does.
 */
export type MoveKind = 'silent' | 'carrier' | 'admin' | 'announced';

export interface StreamSpec {
  readonly name: string;
  readonly from: EndName;
  readonly to: EndName;
  /** `ping` echoes every packet; `udp` is one-way with sequence numbers; `tcp` moves `bytes` checked by SHA-256. */
  readonly kind: 'ping' | 'udp' | 'tcp';
  readonly intervalMs?: number;
  readonly bytes?: number;
  /** For udp: octets of each datagram, headers left out (default 56). */
  readonly octets?: number;
  /** Home address to use at either end; the host's ordinary choice (its newest preferred address) without it. */
  readonly fromAddress?: string;
  readonly toAddress?: string;
}

export interface StreamReport {
  readonly spec: StreamSpec;
  /** Frames that left the sender's port (uplink loss is counted from here, not from the socket). */
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Of the packet that came furthest behind one sent later; absent where none was reordered. */
  readonly lateness?: Lateness;
  /** Packets that the sending host's own stack put on its port out of order (netns, udp). */
  readonly reorderedAtPort?: number;
  /**
   * Longest silences at the receiver, newest last: start (ms since the run began) and length in ms. Where ports are
   * captured (netns, udp), from when a packet left that did not arrive.
   */
  readonly gaps: readonly { readonly at: number; readonly length: number }[];
  /** For tcp: whether the transfer ended and its hash matched. */
  readonly intact?: boolean;
}

export interface Stream {
  /** The addresses in use, once known. */
  addresses(): { from: string; to: string };
  /** Ends the stream (tcp: waits for the transfer) and reports. */
  finish(): Promise<StreamReport>;
}

export interface TraceRecord extends TraceEffect {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly node: string;
}

/** One packet seen on a link of the core or of an access network. */
export interface CapturedPacket {
  readonly at: number;
  /** `core-a1` (a1 and the core router), `access-a1`, `core-aaa`, `core-cn`, `host-A` (the host's own port). */
  readonly link: string;
  /** From the IPv6 header on. */
  readonly data: Uint8Array;
  /** Sending end of the link where the backend knows it: "a1", "core", "A". */
  readonly sender?: string;
}

export interface Fault {
  /** Drops the next `count` packets on any link that `matches` (sim only). */
  drop(name: string, matches: (packet: CapturedPacket) => boolean, count: number): void;
  /** Cuts or restores all links of a node (both backends). */
  partition(node: MaarName | 'aaa' | LmName | EtcdName, cut: boolean): Promise<void>;
  /** Closes the Diameter connections of `maar`, before or after the server has committed its next registration (sim only). */
  closeDiameter(maar: MaarName, when: 'before-commit' | 'after-commit'): void;
}

/**
 * Milliseconds that a simulated MAAR takes to carry out a batch of entries: an acknowledgement that does not wait for
 * its entries is then ahead of them.
 */
export const APPLY_MILLIS = 1;

/** Something that servers of location management answered, in milliseconds since the run began. */
export interface LocationAnswer {
  readonly kind: 'update' | 'query';
  /** Which of the clients asked, from 0. */
  readonly client: number;
  readonly asked: number;
  readonly at: number;
}

export interface LocationWalk {
  readonly answers: readonly LocationAnswer[];
  /**
   * Resolves to what was last acknowledged of each MN. Rejects if a counter fell, or a server did not know what another had
   * acknowledged.
   */
  stop(): Promise<readonly { readonly mnId: string; readonly locator: string; readonly counter: number }[]>;
}

export interface Lab {
  readonly backend: 'sim' | 'netns';
  /** One-way delay of every link in ms (0 where the backend adds none). */
  readonly delay: number;
  /** Milliseconds since the run began. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Polls `condition` until it holds; rejects with `what` after `ms`. */
  until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Attaches a host to a MAAR, or moves it there, `gapMs` without a link between (default 0). */
  move(host: HostName, to: MaarName, kind?: MoveKind, gapMs?: number): Promise<void>;
  leave(host: HostName): Promise<void>;
  /** Addresses the host holds now, as its own stack sees them, preferred ones first. */
  addresses(host: EndName): Promise<readonly { address: string; deprecated: boolean; tentative: boolean }[]>;
  stream(spec: StreamSpec): Promise<Stream>;
  show(maar: MaarName): Promise<StatusView>;
  /** The servers of location management that this domain has. */
  readonly locationServers: readonly LmName[];
  /** How the scheme under test calls the messages of a handover. */
  readonly handover: HandoverMessages;
  showLm(server: LmName): Promise<ServerView>;
  /** MNs of nobody's that three clients of location management register, move and look for without end (netns only). */
  walk(): Promise<LocationWalk>;
  trace(): readonly TraceRecord[];
  captured(): Promise<readonly CapturedPacket[]>;
  /** Packets that the machine's own links had no room for since the run began, whoever sent them; 0 in the simulation. */
  overflowed(): number;
  /** Milliseconds between two times in which the machine had more to do than its processors could; 0 in the simulation. */
  stalled(from: number, to: number): number;
  /** Sends a raw IPv6 packet from a host's port, whatever its stack would do (for hostile hosts). `mac` overrides the station. */
  inject(host: HostName, packet: Uint8Array, mac?: string): Promise<void>;
  /** Sends a raw IPv6 packet into the core from a machine that is no peer, or from the link of a MAAR (as what has taken it over would). */
  injectCore(packet: Uint8Array, from?: MaarName): Promise<void>;
  /** Ends a node at once, as a crash would (`kill`), or in order (`stop`), and starts it again. */
  kill(node: NodeName): Promise<void>;
  stop(node: NodeName): Promise<void>;
  start(node: NodeName): Promise<void>;
  readonly fault: Fault;
  close(): Promise<void>;
}

/** Changes to the domain that a scenario asks for before it comes up. */
export interface LabOptions {
  readonly scheme: string;
  /** Options of the scheme in every MAAR. */
  readonly schemeOptions?: Readonly<Record<string, unknown>>;
  /**
   * Servers of location management. `flat`: one for all; `hierarchy`: one for each of the networks a and b, which keeps
   * moves within its network from the other; `etcd`: three for all, on an etcd cluster of three members (netns only). Without it `flat` where the scheme needs one, else none.
   */
  readonly lm?: 'flat' | 'hierarchy' | 'etcd';
  /** The MAAR nearest to `cn`: the core gives it what `cn` sends to any home address, as if every MAAR announced them all. */
  readonly anycast?: MaarName;
  readonly seed: number;
  readonly delay?: number;
  /** Link loss probability (sim only). */
  readonly loss?: number;
  /** Overrides of timers in every MAAR (milliseconds; see host/core/config.ts). */
  readonly timers?: Readonly<Record<string, number>>;
  /** Of the pool of every MAAR: the length of its prefix, the times of its leases in seconds, and how hosts get addresses. */
  readonly pool?: {
    /** `stateful`: hosts get their addresses by DHCPv6, from a client of the caller's (netns only). */
    readonly mode?: 'stateful';
    readonly length?: number;
    readonly preferredSeconds?: number;
    readonly validSeconds?: number;
  };
  /** Overrides of the budgets in every MAAR: for packets whose entries are awaited, and of the buffer. */
  readonly hold?: Partial<MaarConfig['hold']>;
  readonly buffer?: Partial<BufferConfig>;
  /** Largest packet that the core router sends to a MAAR, where that is less than what MAARs count on. */
  readonly pathMtu?: Readonly<Partial<Record<MaarName, number>>>;
  /** Hosts whose MN-ID the AAA server does not know, or knows and forbids. */
  readonly unknownHosts?: readonly HostName[];
  readonly forbiddenHosts?: readonly HostName[];
  /** Hosts whose RS names their home and correspondent addresses (sim only). */
  readonly awareHosts?: readonly HostName[];
  /** Where the data planes of the MAARs run, if not in their daemons (netns only). */
  readonly dataPlane?: DataPlaneEngine | AgentEngine;
  /** Directory for one capture per link. */
  readonly pcap?: string;
  /** Called with one line of progress. */
  readonly progress?: (line: string) => void;
}

export interface Check {
  readonly what: string;
  readonly passed: boolean;
  /** What was expected and what was seen, for the report. */
  readonly expected: string;
  readonly seen: string;
}

export interface ScenarioResult {
  readonly checks: readonly Check[];
  readonly streams: readonly StreamReport[];
  /** Per handover: its parts in ms and in units of d where the backend has a delay. */
  readonly handovers: readonly HandoverReport[];
}

export interface HandoverReport {
  readonly host: HostName;
  readonly from: MaarName | undefined;
  readonly to: MaarName;
  readonly kind: MoveKind;
  readonly at: number;
  /** Milliseconds from the link's coming up to each step; absent where it did not happen. */
  readonly detected?: number;
  readonly aaaAnswered?: number;
  readonly firstRa?: number;
  readonly sdba?: number;
  readonly ddba?: number;
  /** First packet of an old session to the host again, and from it. */
  readonly downlink?: number;
  readonly uplink?: number;
}

export interface Scenario {
  readonly name: string;
  /** One line for `maar lab --list`. */
  readonly summary: string;
  readonly backends: readonly ('sim' | 'netns')[];
  /** Set where control has to be apart from its router. */
  readonly apart?: true;
  /** What only some schemes use: `lm`, location management as a service. */
  readonly needs?: 'lm';
  readonly options?: Partial<LabOptions>;
  run(lab: Lab): Promise<ScenarioResult>;
}
