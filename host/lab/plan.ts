import type { Address, Mac, Prefix } from '../../bindings/entries.ts';
import type { AllowedPeer } from '../aaa/service.ts';
import type { Subscriber } from '../aaa/subscribers.ts';
import { DEFAULT_TIMERS, type MaarConfig, type PoolConfig } from '../core/config.ts';
import type { EndName, EtcdName, HostName, LabOptions, LmName, MaarName } from './lab.ts';

/** The addressing plan of the domain under test, the same for both backends. */

/** The number of a MAAR stands in its address and its pool. */
const MAAR_NUMBER: Readonly<Record<MaarName, number>> = { a1: 1, a2: 2, a3: 3, b1: 4, b2: 5, b3: 6 };
export const MAARS = Object.keys(MAAR_NUMBER) as readonly MaarName[];
export const HOSTS: readonly HostName[] = ['A', 'B', 'C'];

export const AAA = {
  name: 'aaa',
  originHost: 'aaa.maar.example',
  realm: 'maar.example',
  address: '2001:db8:0:a::1',
  prefix: '2001:db8:0:a::/64',
  port: 3868,
} as const;

const LM_NUMBER: Readonly<Record<LmName, number>> = { lm1: 1, lm2: 2, lm3: 3 };
/** Servers of location management that a domain may have. */
export const LMS = Object.keys(LM_NUMBER) as readonly LmName[];

const ETCD_NUMBER: Readonly<Record<EtcdName, number>> = { etcd1: 1, etcd2: 2, etcd3: 3 };
/** Members of the cluster that servers of location management may share. */
export const ETCDS = Object.keys(ETCD_NUMBER) as readonly EtcdName[];

/**
 * Clients of location management that are no MAARs, on the machine that control would run on (`Lab.walk`): MNs that they make up
 * live in `pool`, in prefixes that no host gets.
 */
export const WALK = {
  clients: [
    { name: 'walk1', address: '2001:db8:0:b::11' },
    { name: 'walk2', address: '2001:db8:0:b::12' },
    { name: 'walk3', address: '2001:db8:0:b::13' },
  ],
  walkers: 4,
  /** The first three groups of each MN's prefix; the fourth is its number from here on. */
  pool: '2001:db8:11',
  first: 0x8000,
} as const;

/** The fixed correspondent outside the domain, and its own first hop. */
export const CN = {
  address: '2001:db8:c0::2',
  prefix: '2001:db8:c0::/48',
  mac: '02:00:5e:10:00:0c',
  gateway: { address: 'fe80::1', mac: '02:00:5e:10:00:01' },
} as const;

/** Where `injectCore` sends from: a machine in the core that is no peer. */
export const OUTSIDER = {
  name: 'outsider',
  prefix: '2001:db8:0:f::/64',
  address: '2001:db8:0:f::1',
} as const;

/** Where control of all MAARs runs if it is apart from their routers; `settle` as in docs/split.md. */
export const CONTROL = {
  name: 'control',
  address: '2001:db8:0:b::1',
  prefix: '2001:db8:0:b::/64',
  settle: 5_000,
} as const;

/** The router that every host of the domain sees, wherever it is. */
export const ACCESS_LINK = { id: 0, linkLocal: 'fe80::1', mac: '02:00:5e:10:00:00', mtu: 1500 } as const;

/** Of the core router itself: where its ICMPv6 errors come from. */
export const CORE_ADDRESS = '2001:db8:0:c::1';
export const CORE_MTU = 1500;
export const MN_REALM = 'mn.maar.example';

/** 32473 is set aside for examples, RFC 5612. */
export const VENDOR_ID = 32473;

const HOST_MAC: Readonly<Record<HostName, Mac>> = {
  A: '02:00:5e:10:01:0a',
  B: '02:00:5e:10:01:0b',
  C: '02:00:5e:10:01:0c',
};

export function maarAddress(name: MaarName): Address {
  return `2001:db8:0:${MAAR_NUMBER[name]}::1`;
}

/** Routed to the MAAR by the core, besides its pool. */
export function maarPrefix(name: MaarName): Prefix {
  return `2001:db8:0:${MAAR_NUMBER[name]}::/64`;
}

export function maarPool(name: MaarName): Prefix {
  return `2001:db8:1${MAAR_NUMBER[name]}::/48`;
}

export function lmAddress(name: LmName): Address {
  return `2001:db8:0:d${LM_NUMBER[name]}::1`;
}

/** Routed to the server by the core. */
export function lmPrefix(name: LmName): Prefix {
  return `2001:db8:0:d${LM_NUMBER[name]}::/64`;
}

export function etcdAddress(name: EtcdName): Address {
  return `2001:db8:0:e${ETCD_NUMBER[name]}::1`;
}

/** Routed to the member by the core. */
export function etcdPrefix(name: EtcdName): Prefix {
  return `2001:db8:0:e${ETCD_NUMBER[name]}::/64`;
}

export function endMac(name: EndName): Mac {
  return name === 'cn' ? CN.mac : HOST_MAC[name];
}

/** Name of the port of an access link that `host` is plugged into, wherever it is. */
export function portName(host: HostName): string {
  return `port-${host}`;
}

export function mnId(host: HostName): string {
  return `${HOST_MAC[host].replaceAll(':', '')}@${MN_REALM}`;
}

/** The complete configuration of one MAAR's control plane. */
export function maarConfig(name: MaarName, options: LabOptions): MaarConfig {
  return {
    name,
    address: maarAddress(name),
    scheme: { name: options.scheme, options: options.schemeOptions ?? {} },
    links: [ACCESS_LINK],
    pool: poolConfig(name, options.pool),
    peers: MAARS.filter((other) => other !== name).map((other) => ({
      name: other,
      address: maarAddress(other),
      prefixes: [maarPool(other)],
      ...(options.pool?.mode === undefined ? {} : { stateful: [maarPool(other)] }),
    })),
    aaa: {
      originHost: maarOriginHost(name),
      originRealm: AAA.realm,
      destinationRealm: AAA.realm,
      vendorId: VENDOR_ID,
      servers: [{ name: AAA.originHost, host: AAA.address, port: AAA.port }],
    },
    mnRealm: MN_REALM,
    coreMtu: CORE_MTU,
    timers: { ...DEFAULT_TIMERS, ...options.timers },
    hold: { packets: 512, millis: 2_000, ...options.hold },
    buffer: { packets: 1_024, bytes: 1_500_000, millis: 2_000, silence: 0, ...options.buffer },
  };
}

function poolConfig(
  name: MaarName,
  { length, mode, ...changes }: NonNullable<LabOptions['pool']> = {},
): PoolConfig {
  const prefix = length === undefined ? maarPool(name) : maarPool(name).replace(/\d+$/, String(length));
  const terms = { prefix, preferredSeconds: 1800, validSeconds: 3600, ...changes };
  return mode === undefined ? terms : { ...terms, networks: [{ ...terms, name: 'hosts', mode, mnId: '*' }] };
}

/** What the AAA server knows of the domain: which MNs may attach, and which MAARs may register them. */
export function aaaProfile(options: LabOptions): { subscribers: Subscriber[]; peers: AllowedPeer[] } {
  const known = HOSTS.filter((host) => !options.unknownHosts?.includes(host));
  return {
    subscribers: known.map((host) => ({
      mnId: mnId(host),
      allowed: !options.forbiddenHosts?.includes(host),
    })),
    peers: MAARS.map((name) => ({ host: maarOriginHost(name), role: 'maar', address: maarAddress(name) })),
  };
}

function maarOriginHost(name: MaarName): string {
  return `${name}.${AAA.realm}`;
}
