import { CELLS_PER_NETWORK } from './grid.ts';
import type { DesignName } from './designs.ts';

/** What the MNs of a run do. Times in seconds. */
export interface Traffic {
  /** From one session that an MN begins to the next, on average. */
  readonly sessionEvery: number;
  /** A session's length, on average. */
  readonly sessionFor: number;
  /** From one packet of a session that is looked up to the next. */
  readonly packetEvery: number;
  /** Exponent of the popularity of correspondents. */
  readonly popularity: number;
}

export const TRAFFIC: Traffic = { sessionEvery: 600, sessionFor: 60, packetEvery: 5, popularity: 0.9 };

export interface ScalePlan {
  readonly design: DesignName;
  /** A multiple of 25. */
  readonly maars: number;
  readonly nodes: number;
  /** Cells that each MN crosses into, a minute, on average. */
  readonly speed: number;
  readonly seed: number;
  readonly traffic: Traffic;
  /** Seconds before anything counts, and for which it counts. Caches are full after the lifetime of a subscription, 300 s. */
  readonly warmUp: number;
  readonly window: number;
}

export const SCALE_PLAN = { maars: 1_000, seed: 1, traffic: TRAFFIC, warmUp: 300, window: 60 } as const;

/** The network whose traffic is simulated; every other one has as much. */
export const OBSERVED = 0;

/** MNs whose home is in one network: each has a /64 of the network's /48. */
export const NODES_PER_NETWORK = 0x10000;

/** What is wrong with a plan, or undefined. */
export function planFault({ maars, nodes }: Pick<ScalePlan, 'maars' | 'nodes'>): string | undefined {
  if (maars % CELLS_PER_NETWORK !== 0) return `${maars} MAARs are no multiple of ${CELLS_PER_NETWORK}`;
  const most = (maars / CELLS_PER_NETWORK) * NODES_PER_NETWORK;
  return nodes > most ? `${nodes} MNs are more than the ${most} prefixes of ${maars} MAARs` : undefined;
}
