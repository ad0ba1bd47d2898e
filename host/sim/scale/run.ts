import { OBSERVED } from './plan.ts';
import type { ScalePlan } from './plan.ts';
import { CELLS_PER_NETWORK } from './grid.ts';
import { ScaleDomain } from './domain.ts';
import { EXCHANGES } from './tally.ts';
import type { Counts, Exchange, Span } from './tally.ts';
import type { Settle } from '../scheduler.ts';
import type { ForwardingCounts } from './forwarding.ts';

/** What a run found, for the whole domain. */
export interface ScaleResult {
  readonly plan: ScalePlan;
  /** Packets that were looked up by correspondents' routers, a second. */
  readonly lookUps: number;
  /** Of them, those that the cache knew; of the first packets of sessions likewise. 0 to 1. */
  readonly hitRate: number;
  readonly firstHitRate: number;
  /** Exchanges a second between MAARs and servers, or MAARs. */
  readonly exchanges: Readonly<Record<Exchange, number>>;
  /** Exchanges a second between servers. */
  readonly between: Readonly<Record<Exchange, number>>;
  /** Packets a second that went by the home router, and that came to a MAAR that the MN had left. */
  readonly byHome: number;
  readonly astray: number;
  /** Length of packets' ways to that of the shortest ones. */
  readonly stretch: number;
  /** Of first packets, beyond what the shortest way takes: milliseconds. */
  readonly firstWait: number;
  readonly state: ScaleState;
  /** What was simulated of it. */
  readonly simulated: {
    readonly moving: number;
    readonly sessions: number;
    readonly messages: number;
    readonly octetsPerMessage: number;
  };
}

export interface ScaleState {
  /** Entries of the caches of the routers that look up for correspondents: on average, and the fullest. */
  readonly cachedPerRouter: number;
  readonly cachedMost: number;
  /** On average. */
  readonly registrationsPerServer: number;
  readonly subscriptionsPerServer: number;
  /** Registrations, subscriptions and entries of caches in the domain, for each MN. */
  readonly entriesPerNode: number;
}

/** Runs a domain as planned. Decided by the plan alone; throws if a packet did not find its MN. */
export async function runScale(plan: ScalePlan, settle: Settle): Promise<ScaleResult> {
  const domain = new ScaleDomain(plan, settle);
  const { scheduler, sessions, movement } = domain;
  await domain.start();
  await scheduler.sleep(plan.warmUp * 1000);
  const before = snapshot(domain);
  await scheduler.sleep(plan.window * 1000);
  const after = snapshot(domain);
  const state = stateOf(domain);
  const simulated = {
    moving: movement.moving,
    sessions: sessions.active,
    messages: after.messages,
    octetsPerMessage: after.octets / after.messages,
  };
  await domain.stop();
  const { sent, delivered } = domain.forwarding.counts;
  if (delivered < sent) throw new Error(`${sent - delivered} of ${sent} packets did not find their MN`);
  return { plan, ...ratesOf(domain, before, after), state, simulated };
}

interface Snapshot {
  readonly exchanges: Counts;
  readonly messages: number;
  readonly octets: number;
  readonly packets: Readonly<ForwardingCounts>;
  readonly walked: number;
}

function snapshot({ fabric, forwarding, movement }: ScaleDomain): Snapshot {
  return { ...fabric.tally.take(), packets: { ...forwarding.counts }, walked: movement.walked };
}

/** What the observed network causes, every network causes; what the moves of those MNs cause that moved, the moves of all do. */
function ratesOf(
  { plan, grid }: ScaleDomain,
  before: Snapshot,
  after: Snapshot,
): Omit<ScaleResult, 'plan' | 'state' | 'simulated'> {
  const perNetwork = grid.networks / plan.window;
  const perMove = (1000 * plan.nodes) / (after.walked - before.walked);
  const weights: Record<Exchange, number> = {
    ...{ query: perNetwork, push: perNetwork, redirect: perNetwork },
    ...{ counter: perMove, update: perMove, pool: 1 / plan.window },
  };
  const exchanges = (span: Span): Record<Exchange, number> => {
    const rates = EXCHANGES.map((exchange) => {
      const key = `${span}-${exchange}` as const;
      return [exchange, (after.exchanges[key] - before.exchanges[key]) * weights[exchange]] as const;
    });
    return Object.fromEntries(rates) as Record<Exchange, number>;
  };
  const since = (name: keyof ForwardingCounts): number => after.packets[name] - before.packets[name];
  const lookUps = since('hits') + since('misses');
  return {
    lookUps: lookUps * perNetwork,
    hitRate: since('hits') / lookUps,
    firstHitRate: since('firstHits') / (since('firstHits') + since('firstMisses')),
    exchanges: exchanges('maar'),
    between: exchanges('servers'),
    byHome: since('byHome') * perNetwork,
    astray: since('astray') * perNetwork,
    stretch: since('steps') / since('directSteps'),
    firstWait: (since('firstDelay') - since('firstDirectDelay')) / since('first'),
  };
}

function stateOf(domain: ScaleDomain): ScaleState {
  const { plan, grid, maars, servers, forwarding } = domain;
  const first = OBSERVED * CELLS_PER_NETWORK;
  const cells = Array.from({ length: CELLS_PER_NETWORK }, (_, index) => first + index);
  const routers = [...new Set(cells.map((cell) => forwarding.routerOf(cell)))];
  const sizes = routers.map((cell) => maars[cell]!.cached);
  const cached = maars.reduce((sum, { cached: size }) => sum + size, 0);
  const views = servers.map((server) => server.view());
  const subscriptions = views.reduce((sum, view) => sum + view.subscriptions, 0);
  const registrations = views.reduce((sum, view) => sum + view.registrations.length, 0);
  return {
    cachedPerRouter: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
    cachedMost: Math.max(...sizes),
    registrationsPerServer: registrations / grid.networks,
    // What the observed network's sessions leave at all servers, every network's leave at each.
    subscriptionsPerServer: subscriptions,
    entriesPerNode: (registrations + (subscriptions + cached) * grid.networks) / plan.nodes,
  };
}
