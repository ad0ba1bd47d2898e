import { spawnSync } from 'node:child_process';

/** Fixed numbers of the policy routing that the table below and the rules share. */
export const POLICY = {
  /** Packets of attached hosts with native sources; one bit, so that other users of marks are left alone. */
  mark: 0x0100_0000,
  markPriority: 1000,
  accessPriority: 1100,
  /** Table of access link 0; link n uses this + n. Its default route leads to the link's TUN device. */
  accessTable: 4177,
} as const;

/** Names of the sets whose elements kernel/sources.ts changes. */
export const SETS = { native: 'native', owned: 'owned', prefixes: 'prefixes' } as const;

/** nftables counters, and the names under which `maar show counters` prints them. */
export const NFT_COUNTERS = {
  access_tunnel: 'drop-access-tunnel',
  access_mobility: 'drop-access-mobility',
  source_mac: 'drop-source-mac',
  access_redirect: 'redirects-suppressed',
  native_flows: 'native-flows',
} as const;

export function tableName(maar: string): string {
  return `maar_${maar.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
}

function ruleset(table: string, accessInterfaces: readonly string[], activity: boolean): string {
  const access = accessInterfaces.map((name) => `"${name}"`).join(', ');
  // What goes to a station is looked up where otherwise only a wrong MAC is: the element's counter tells of it.
  const [counter, received] = activity
    ? [' counter;', `oif . ip6 daddr @${SETS.prefixes} meta nfproto ipv6`]
    : ['', ''];
  return `
table inet ${table}
delete table inet ${table}
table inet ${table} {
  ${Object.keys(NFT_COUNTERS)
    .map((name) => `counter ${name} { }`)
    .join('\n  ')}
  set ${SETS.native} { type iface_index . ipv6_addr . ether_addr; flags interval;${counter} }
  set ${SETS.owned} { type iface_index . ipv6_addr . ether_addr; flags interval;${counter} }
  set ${SETS.prefixes} { type iface_index . ipv6_addr; flags interval;${counter} }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname != { ${access} } return
    meta nfproto != ipv6 return
    meta l4proto ipv6 counter name access_tunnel drop
    meta l4proto mobility-header counter name access_mobility drop
    ip6 saddr { ::, fe80::/10 } return
    ip6 daddr { fe80::/10, ff00::/8 } return
    iif . ip6 saddr . ether saddr @${SETS.native} meta mark set meta mark | ${POLICY.mark} return
    iif . ip6 saddr . ether saddr @${SETS.owned} return
    iif . ip6 saddr @${SETS.prefixes} counter name source_mac drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    meta nfproto ipv6 ct state new counter name native_flows
    ${received}
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname { ${access} } icmpv6 type nd-redirect counter name access_redirect drop
  }
}
`;
}

function nft(args: readonly string[], input?: string): string {
  const result = spawnSync('nft', args, { encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  if (result.error !== undefined) throw new Error(`nft: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`nft ${args.join(' ')}: ${result.stderr.trim()}`);
  return result.stdout;
}

/**
 * Loads the table in one transaction, replacing one that a crash left behind. The expression on connection state is
 * what turns connection tracking on, whose events tell of native flows; redirects are kept from stations because
 * they would then bypass this router for good. With `activity` the sets count packets from and to stations.
 */
export function loadTable(maar: string, accessInterfaces: readonly string[], activity = false): void {
  nft(['-f', '-'], ruleset(tableName(maar), accessInterfaces, activity));
}

/** Whether the table is there. */
export function hasTable(maar: string): boolean {
  return nft(['list', 'tables', 'inet'])
    .split('\n')
    .includes(`table inet ${tableName(maar)}`);
}

/** Deletes the table if it is there. */
export function unloadTable(maar: string): void {
  const table = tableName(maar);
  // Adding first makes the deletion succeed either way, within the one transaction.
  nft(['-f', '-'], `table inet ${table}\ndelete table inet ${table}\n`);
}

export function readCounters(maar: string): Record<string, number> {
  const text = nft(['-j', 'list', 'counters', 'table', 'inet', tableName(maar)]);
  const { nftables } = JSON.parse(text) as { nftables: { counter?: { name: string; packets: number } }[] };
  const counters: Record<string, number> = {};
  for (const { counter } of nftables) {
    const name = counter === undefined ? undefined : NFT_COUNTERS[counter.name as keyof typeof NFT_COUNTERS];
    if (counter !== undefined && name !== undefined) counters[name] = counter.packets;
  }
  return counters;
}
