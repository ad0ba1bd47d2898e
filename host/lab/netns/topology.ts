import { availableParallelism } from 'node:os';
import {
  AAA,
  ACCESS_LINK,
  CN,
  CONTROL,
  CORE_ADDRESS,
  CORE_MTU,
  ETCDS,
  HOSTS,
  MAARS,
  OUTSIDER,
  etcdAddress,
  etcdPrefix,
} from '../plan.ts';
import { endMac, lmAddress, lmPrefix, maarAddress, maarPool, maarPrefix, portName } from '../plan.ts';
import type { HostName, LabOptions, LmName, MaarName } from '../lab.ts';
import type { Sandbox } from './sandbox.ts';

/** The medium between hosts and access routers. */
export const AIR = 'air';
export const CORE = 'core';
/** Interface of a MAAR, of the AAA server and of every other machine of the core towards the core router. */
export const CORE_INTERFACE = 'core';
/** Bridge that is the access interface of a MAAR, with one port for each host. */
export const ACCESS_INTERFACE = 'acc0';
export const HOST_INTERFACE = 'eth0';

/** Next hops on the links of the core: the router's end and the other. */
const CORE_ROUTER = CN.gateway;
const CORE_NEIGHBOUR = 'fe80::2';

/** A machine at the core that is no MAAR. */
interface CoreMachine {
  readonly name: string;
  readonly address: string;
  readonly prefix: string;
}

/** What a domain may have besides what every one has. */
export interface TopologyOptions {
  readonly pathMtu?: LabOptions['pathMtu'];
  readonly lms?: readonly LmName[];
  /** Whether there is an etcd cluster for them. */
  readonly etcd?: boolean;
  readonly anycast?: LabOptions['anycast'];
}

function coreMachines({ lms = [], etcd = false }: Pick<TopologyOptions, 'lms' | 'etcd'>): CoreMachine[] {
  const servers = lms.map((name) => ({ name, address: lmAddress(name), prefix: lmPrefix(name) }));
  const members = etcd
    ? ETCDS.map((name) => ({ name, address: etcdAddress(name), prefix: etcdPrefix(name) }))
    : [];
  return [AAA, CONTROL, OUTSIDER, ...servers, ...members];
}

/** Names of the network namespaces of a domain. */
export function namespaces(options: Pick<TopologyOptions, 'lms' | 'etcd'> = {}): string[] {
  return [CORE, AIR, ...MAARS, ...coreMachines(options).map(({ name }) => name), 'cn', ...HOSTS];
}

/** Routing table of the core for what `cn` sends. */
const FROM_OUTSIDE = 100;

/** Names in the medium: the end of a host's cable, its bridge, and the end of each cable to a MAAR. */
export const air = {
  port: (host: HostName) => `host-${host}`,
  bridge: (host: HostName) => `br-${host}`,
  patch: (host: HostName, maar: MaarName) => `${host}-${maar}`,
};

/** Steering takes a mask of processors; 32 are enough for the lab's links. */
const PROCESSORS = Math.min(availableParallelism(), 32);

/**
 * A veth puts a packet into the backlog of the processor that sends it: a sender that changes processors overtakes its own
 * packets, which no cable does. Steered by flow, all packets of one share a backlog. Before Linux 6.3 there is no such key.
 */
const KEEPING_ORDER = [`sysctl -q -e -w net.core.rps_default_mask=${(2 ** PROCESSORS - 1).toString(16)}`];

/** Router machines: their own addresses are trusted without DAD, and nothing but what the lab sets is on their links. */
const INFRASTRUCTURE = [
  'sysctl -q -w net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0',
  'sysctl -q -w net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.addr_gen_mode=1',
  'ip link set lo up',
];

const FORWARDING = [
  'sysctl -q -w net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.forwarding=1',
  // With br_netfilter loaded, a bridge would run what it receives through the IPv6 hooks a second time.
  'sysctl -q -e -w net.bridge.bridge-nf-call-ip6tables=0',
];

/**
 * Strict reverse-path filtering, RFC 3704 section 2.2, for which IPv6 has no sysctl, and the links that are cut:
 * taking an interface down would also take its addresses and routes away.
 */
const FILTER = [
  `nft -f - <<'END'
table inet lab {
  counter reverse-path {}
  set cut { type ifname; }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname @cut drop
    ip6 saddr != { fe80::/10, :: } fib saddr . iif oif missing counter name "reverse-path" drop
  }
  chain postrouting {
    type filter hook postrouting priority raw; policy accept;
    oifname @cut drop
  }
}
END`,
];

/** Builds the whole domain of docs/lab.md; hosts are there but attached to nothing. */
export async function buildTopology(sandbox: Sandbox, options: TopologyOptions = {}): Promise<void> {
  const { pathMtu = {}, anycast } = options;
  const machines = coreMachines(options);
  const names = namespaces(options);
  const run = (name: string, lines: readonly string[]): Promise<string> =>
    sandbox.shell(name).run(batched(lines).join('\n'));
  await Promise.all(names.map((name) => run(name, KEEPING_ORDER)));
  const infrastructure = names.filter((name) => !isHost(name) && name !== 'cn');
  await Promise.all(infrastructure.map((name) => run(name, INFRASTRUCTURE)));
  await Promise.all([CORE, ...MAARS].map((name) => run(name, FORWARDING)));
  await run(CORE, [
    `ip address add ${CORE_ADDRESS}/128 dev lo nodad`,
    ...MAARS.flatMap((maar) => coreLink(maar, maarRoutes(maar))),
    ...machines.flatMap(({ name, prefix }) => coreLink(name, [route(name, prefix)])),
    ...coreLink('cn', [`ip route add ${CN.prefix} dev cn`]),
    ...MAARS.flatMap((maar) => limitPath(maar, pathMtu[maar])),
    ...(anycast === undefined ? [] : announceAll(anycast)),
    ...FILTER,
  ]);
  await run(AIR, [
    'sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1',
    ...HOSTS.flatMap(accessCables),
  ]);
  await Promise.all([
    ...MAARS.map((maar) => run(maar, [...coreEnd(maarAddress(maar)), ...accessInterface()])),
    ...machines.map(({ name, address }) => run(name, coreEnd(address))),
    run('cn', correspondent()),
    ...HOSTS.map((host) => run(host, hostInterface())),
  ]);
}

/** Lines of sh in which one `ip` carries out those that follow each other: each process of its own costs milliseconds. */
function batched(lines: readonly string[]): string[] {
  const script: string[] = [];
  let batch: string[] = [];
  const flush = (): void => {
    if (batch.length > 0) script.push(`ip -batch - <<'END'`, ...batch, 'END');
    batch = [];
  };
  for (const line of lines) {
    const command = /^ip ([^-].*)$/.exec(line)?.[1];
    if (command === undefined) {
      flush();
      script.push(line);
    } else {
      batch.push(command);
    }
  }
  flush();
  return script;
}

/** Lets nothing pass between the core router and a node any more, or again. */
export async function cutCoreLink(sandbox: Sandbox, name: string, cut: boolean): Promise<void> {
  await sandbox.shell(CORE).run(`nft ${cut ? 'add' : 'delete'} element inet lab cut { ${name} }`);
}

function isHost(name: string): name is HostName {
  return HOSTS.some((host) => host === name);
}

/** The core router's side of one link, with the routes to what lies behind it. */
function coreLink(name: string, routes: readonly string[]): string[] {
  const peer = name === 'cn' ? HOST_INTERFACE : CORE_INTERFACE;
  return [
    `ip link add ${name} mtu ${CORE_MTU} address ${CORE_ROUTER.mac} type veth peer ${peer} mtu ${CORE_MTU} netns ${name}`,
    `ip link set ${name} up`,
    `ip address add ${CORE_ROUTER.address}/64 dev ${name} nodad`,
    ...routes,
  ];
}

/** A locked route MTU stands for a link behind: the router's own would also keep the MAAR from sending what is longer. */
function limitPath(maar: MaarName, mtu: number | undefined): string[] {
  if (mtu === undefined) return [];
  return [maarPrefix(maar), maarPool(maar)].map(
    (prefix) => `${route(maar, prefix, 'change')} mtu lock ${mtu}`,
  );
}

/** Routes of the core for what comes from `cn` alone. */
function announceAll(nearest: MaarName): string[] {
  return [
    `ip -6 rule add iif cn lookup ${FROM_OUTSIDE}`,
    ...MAARS.map((maar) => `${route(nearest, maarPool(maar))} table ${FROM_OUTSIDE}`),
  ];
}

function maarRoutes(maar: MaarName): string[] {
  return [route(maar, maarPrefix(maar)), route(maar, maarPool(maar))];
}

function route(name: string, prefix: string, what: 'add' | 'change' = 'add'): string {
  return `ip route ${what} ${prefix} via ${CORE_NEIGHBOUR} dev ${name}`;
}

/** A machine's own side of its link to the core. */
function coreEnd(address: string): string[] {
  return [
    `ip link set ${CORE_INTERFACE} up`,
    `ip address add ${CORE_NEIGHBOUR}/64 dev ${CORE_INTERFACE} nodad`,
    `ip address add ${address}/128 dev ${CORE_INTERFACE} nodad`,
    `ip route add default via ${CORE_ROUTER.address} dev ${CORE_INTERFACE} src ${address}`,
  ];
}

/** The cables of one host: to the medium, and from there one to a port of every MAAR. */
function accessCables(host: HostName): string[] {
  const { mtu } = ACCESS_LINK;
  const bridge = air.bridge(host);
  return [
    // A bridge of two ports forgets what it learned on a port that leaves it: a move leaves no state behind in the medium.
    `ip link add ${bridge} type bridge stp_state 0 mcast_snooping 0`,
    `ip link set ${bridge} up`,
    `ip link add ${air.port(host)} mtu ${mtu} type veth peer ${HOST_INTERFACE} mtu ${mtu} address ${endMac(host)} netns ${host}`,
    `ip link set ${air.port(host)} master ${bridge}`,
    ...MAARS.map(
      (maar) =>
        `ip link add ${air.patch(host, maar)} mtu ${mtu} type veth peer ${portName(host)} mtu ${mtu} netns ${maar}`,
    ),
  ];
}

function accessInterface(): string[] {
  const bridge = ACCESS_INTERFACE;
  return [
    `ip link add ${bridge} mtu ${ACCESS_LINK.mtu} address ${ACCESS_LINK.mac} type bridge stp_state 0 mcast_snooping 0`,
    ...HOSTS.map(portName).flatMap((port) => [
      `sysctl -q -w net.ipv6.conf.${port}.disable_ipv6=1`,
      `ip link set ${port} master ${bridge}`,
      `ip link set ${port} up`,
    ]),
    `ip link set ${bridge} up`,
    `ip address add ${ACCESS_LINK.linkLocal}/64 dev ${bridge} nodad`,
  ];
}

/** A virtual interface carries frames of up to 64 KiB for TCP; counts of packets would mean nothing. */
const WHOLE_SEGMENTS = `ip link set ${HOST_INTERFACE} gso_max_segs 1`;

/** The kernel's defaults all through but for that: the machines of others, of which nothing is asked. */
function hostInterface(): string[] {
  return ['ip link set lo up', WHOLE_SEGMENTS, `ip link set ${HOST_INTERFACE} up`];
}

function correspondent(): string[] {
  return [
    'ip link set lo up',
    WHOLE_SEGMENTS,
    `ip link set ${HOST_INTERFACE} address ${CN.mac}`,
    `ip link set ${HOST_INTERFACE} up`,
    `ip address add ${CN.address}/64 dev ${HOST_INTERFACE} nodad`,
    `ip route add default via ${CN.gateway.address} dev ${HOST_INTERFACE}`,
  ];
}
