import type { Random } from '../../../../host/core/machine.ts';

/** How servers are placed: one; one in each of two networks that ask each other; the same, each with a gateway. */
export const PLACEMENTS = ['one server', 'pool', 'hierarchy'] as const;
export type Placement = (typeof PLACEMENTS)[number];

export interface PlacedServer {
  readonly address: string;
  /** Servers with the same name of a store share it. */
  readonly store: string;
  readonly primary: readonly string[];
  readonly gateway: string | undefined;
  readonly peers: Readonly<Record<string, 'client' | 'server'>>;
}

export interface PlacedMaar {
  /** In order of preference. */
  readonly servers: readonly string[];
  /** Other MAARs that it may redirect, and be redirected by: counters of two networks with gateways cannot be compared. */
  readonly maars: readonly string[];
}

export interface MobileNode {
  readonly mnId: string;
  readonly prefixes: readonly string[];
  readonly delegated: readonly string[];
  /** Addresses that packets are sent to: one for each prefix. */
  readonly addresses: readonly string[];
}

/** What stands where in a domain; who is where, and what goes wrong, is drawn as it runs. */
export interface Plan {
  readonly placement: Placement;
  readonly servers: readonly PlacedServer[];
  readonly maars: ReadonlyMap<string, PlacedMaar>;
  readonly mns: readonly MobileNode[];
}

const MNS = [
  nodeOf('host', ['2001:db8:1:a::/64']),
  nodeOf('multihomed', ['2001:db8:2:a::/64', '2001:db8:2:b::/64']),
  nodeOf('router', ['2001:db8:1:c::/64'], ['2001:db8:1:d00::/56']),
  nodeOf('guest', ['2001:db8:2:c::/64']),
];
const NETWORKS = [1, 2];
const MAARS_PER_NETWORK = 2;

const serverOf = (network: number): string => `2001:db8:${network}:ff::1`;
const maarOf = (network: number, index: number): string => `2001:db8:${network}::${index}`;

export function drawPlan(random: Random): Plan {
  const placement = PLACEMENTS[Math.floor(random() * PLACEMENTS.length)]!;
  const maars = NETWORKS.flatMap((network) =>
    Array.from({ length: MAARS_PER_NETWORK }, (_, index) => ({
      network,
      address: maarOf(network, index + 1),
    })),
  );
  const clients = Object.fromEntries(maars.map(({ address }) => [address, 'client' as const]));
  const addresses = placement === 'one server' ? [serverOf(1)] : NETWORKS.map(serverOf);
  const shared = placement === 'one server';
  const servers = NETWORKS.slice(0, addresses.length).map((network): PlacedServer => {
    const address = serverOf(network);
    const other = addresses.find((each) => each !== address);
    return {
      address,
      store: shared ? 'shared' : address,
      primary: shared ? ['2001:db8::/32'] : [`2001:db8:${network}::/48`],
      gateway: placement === 'hierarchy' ? maarOf(network, 1) : undefined,
      peers: { ...clients, ...(shared || other === undefined ? {} : { [other]: 'server' }) },
    };
  });
  const placed = ({ network, address }: (typeof maars)[number]): PlacedMaar => ({
    servers: [serverOf(shared ? 1 : network)],
    maars: maars
      .filter((other) => placement !== 'hierarchy' || other.network === network)
      .map((other) => other.address)
      .filter((other) => other !== address),
  });
  return {
    placement,
    servers,
    maars: new Map(maars.map((maar) => [maar.address, placed(maar)])),
    mns: MNS,
  };
}

function nodeOf(mnId: string, prefixes: readonly string[], delegated: readonly string[] = []): MobileNode {
  const addresses = [...prefixes, ...delegated].map((prefix) => prefix.replace(/::\/\d+$/, '::10'));
  return { mnId, prefixes, delegated, addresses };
}
