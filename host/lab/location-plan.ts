import type { Address, Prefix } from '../../bindings/entries.ts';
import { seededRandom } from '../sim/random.ts';
import type { LabOptions, LmName, MaarName } from './lab.ts';
import { lmAddress, maarAddress, maarPool, MAARS } from './plan.ts';

/** A node that a server of location management talks to. */
export interface LmPeerPlan {
  readonly name: string;
  readonly address: Address;
  readonly role: 'maar' | 'server';
  /** What the two share. */
  readonly secret: Uint8Array;
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
};

/** Names the key of every pair. */
export const LM_SPI = 256;
const SECRET_OCTETS = 32;

/** The servers of location management of a domain; empty where there are none. */
export function lmPlans(options: LabOptions): LmPlan[] {
  const networks = networksOf(options);
  return networks.map(({ server, maars, gateway }) => {
    const peer = (name: MaarName | LmName, address: Address, role: LmPeerPlan['role']): LmPeerPlan => ({
      ...{ name, address, role },
      secret: pairSecret(options.seed, server, name),
    });
    const others = networks.map((network) => network.server).filter((name) => name !== server);
    return {
      name: server,
      address: lmAddress(server),
      primary: maars.map(maarPool),
      ...(gateway === undefined ? {} : { gateway: maarAddress(gateway) }),
      peers: [
        ...MAARS.map((name) => peer(name, maarAddress(name), 'maar')),
        ...others.map((name) => peer(name, lmAddress(name), 'server')),
      ],
    };
  });
}

/** Servers that a MAAR asks, its network's first. */
export function lmServersOf(maar: MaarName, options: LabOptions): LmName[] {
  return networksOf(options)
    .filter(({ maars }) => maars.includes(maar))
    .map(({ server }) => server);
}

/** The key of two nodes, by their names in any order; every run of a seed has the same. */
export function pairSecret(seed: number, one: string, other: string): Uint8Array {
  const random = seededRandom(seed, `key ${[one, other].sort().join(' ')}`);
  return Uint8Array.from({ length: SECRET_OCTETS }, () => Math.floor(random() * 256));
}

function networksOf({ lm }: LabOptions): readonly Network[] {
  return lm === undefined ? [] : NETWORKS[lm];
}
