import type { Address, Prefix } from '../../bindings/entries.ts';
import { DEFAULT_LOCATION, type MaarConfig } from '../core/config.ts';
import type { ChannelPeer } from '../functions/lm/channel.ts';
import { hmacSha256 } from '../io/lm/hmac.ts';
import { findScheme } from '../schemes/registry.ts';
import { seededRandom } from '../sim/random.ts';
import type { LabOptions, LmName, MaarName } from './lab.ts';
import { lmAddress, maarAddress, maarPool, MAARS, WALK } from './plan.ts';

/** A node that a server of location management talks to. */
export interface LmPeerPlan {
  readonly name: string;
  readonly address: Address;
  readonly role: 'maar' | 'server';
}

export interface LmPlan {
  readonly name: LmName;
  readonly address: Address;
  readonly primary: readonly Prefix[];
  /** Where other networks send packets for visitors of this one. */
  readonly gateway?: Address;
  readonly peers: readonly LmPeerPlan[];
}

interface Network {
  readonly server: LmName;
  readonly maars: readonly MaarName[];
  readonly gateway?: MaarName;
}

const NETWORKS: Readonly<Record<NonNullable<LabOptions['lm']>, readonly Network[]>> = {
  flat: [{ server: 'lm1', maars: MAARS }],
  hierarchy: [
    { server: 'lm1', maars: MAARS.filter((name) => name.startsWith('a')), gateway: 'a1' },
    { server: 'lm2', maars: MAARS.filter((name) => name.startsWith('b')), gateway: 'b1' },
  ],
  etcd: [
    { server: 'lm1', maars: MAARS },
    { server: 'lm2', maars: MAARS },
    { server: 'lm3', maars: MAARS },
  ],
};

/** Names the key of every pair. */
export const LM_SPI = 256;
const SECRET_OCTETS = 32;

/** The servers of location management of a domain; empty where there are none. */
export function lmPlans(options: LabOptions): LmPlan[] {
  const networks = networksOf(options);
  // Servers of one cluster are no peers: they share what they know.
  const clustered = hasEtcd(options);
  return networks.map(({ server, maars, gateway }) => {
    const others = networks.map((network) => network.server).filter((name) => name !== server && !clustered);
    return {
      name: server,
      address: lmAddress(server),
      primary: maars.map(maarPool),
      ...(gateway === undefined ? {} : { gateway: maarAddress(gateway) }),
      peers: [
        ...MAARS.map((name) => ({ name, address: maarAddress(name), role: 'maar' as const })),
        ...others.map((name) => ({ name, address: lmAddress(name), role: 'server' as const })),
        ...(clustered ? WALK.clients : []).map((client) => ({ ...client, role: 'maar' as const })),
      ],
    };
  });
}

/** Whether the servers of location management share an etcd cluster. */
export function hasEtcd({ lm }: Pick<LabOptions, 'lm'>): boolean {
  return lm === 'etcd';
}

/** Servers that a MAAR asks, in order of preference. */
export function lmServersOf(maar: MaarName, options: LabOptions): LmName[] {
  return networksOf(options)
    .filter(({ maars }) => maars.includes(maar))
    .map(({ server }) => server);
}

/** The part of a MAAR's configuration that is about location management; nothing where the domain has no server of it. */
export function locationOf(maar: MaarName, options: LabOptions): Pick<MaarConfig, 'lm'> {
  const servers = lmServersOf(maar, options);
  if (servers.length === 0) return {};
  const peer = (name: MaarName | LmName, address: Address): ChannelPeer => ({
    ...{ name, address },
    key: { spi: LM_SPI, hmac: hmacSha256(pairSecret(options.seed, maar, name)) },
  });
  return {
    lm: {
      ...DEFAULT_LOCATION,
      servers: servers.map((name) => peer(name, lmAddress(name))),
      maars: MAARS.filter((name) => name !== maar).map((name) => peer(name, maarAddress(name))),
    },
  };
}

/** A key of two nodes as files have it. */
export function pairKey(seed: number, one: string, other: string): { spi: number; key: string } {
  return { spi: LM_SPI, key: Buffer.from(pairSecret(seed, one, other)).toString('hex') };
}

/** The key of two nodes, by their names in any order; every run of a seed has the same. */
export function pairSecret(seed: number, one: string, other: string): Uint8Array {
  const random = seededRandom(seed, `key ${[one, other].sort().join(' ')}`);
  return Uint8Array.from({ length: SECRET_OCTETS }, () => Math.floor(random() * 256));
}

function networksOf({ lm, scheme }: LabOptions): readonly Network[] {
  const needed = findScheme(scheme)?.needs?.includes('lm') === true;
  const arrangement = lm ?? (needed ? 'flat' : undefined);
  return arrangement === undefined ? [] : NETWORKS[arrangement];
}
