import type { AgentStatus } from '../../../bindings/node/cpdp.ts';

/** Counters of a router by the names of docs/linux.md and docs/split.md, each drop under one name wherever it happens. */
export function routerCounters(status: AgentStatus, lost: bigint): Readonly<Record<string, number>> {
  const counters: Record<string, number> = { ...status.counters };
  const own = {
    'drop-access-tunnel': status.accessTunnel,
    'drop-access-mobility': status.accessMobility,
    'drop-source-mac': status.sourceMac,
    'redirects-suppressed': status.redirects,
    'native-flows': status.nativeFlows,
    'drop-agent': status.dropped,
    'agent-rebuilds': status.rebuilds,
    'agent-lost': Number(lost),
  };
  for (const [name, value] of Object.entries(own)) counters[name] = (counters[name] ?? 0) + value;
  return counters;
}
