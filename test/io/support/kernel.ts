/** The kernel's state as the system's own tools print it. */
import { ipJson, sh } from './namespace.ts';

/** Everything that a MAAR changes. */
export function dump(): string {
  return sh(`
    ip -6 rule; ip -6 route show table all; ip neigh show nud permanent; nft list ruleset
    ip -o addr; ip -o link show br0; sysctl -a 2> /dev/null | grep -E '^net.ipv6.conf|nf_conntrack_acct'
  `);
}

/**
 * Returns once every interface that is up has its link-local address, which it gets a while after its carrier, and no address is
 * tentative any longer: duplicate address detection ends on its own.
 */
export function settle(): void {
  sh(`
    with() { ip -o "$@" | cut -d' ' -f2 | sed 's/@.*//; s/:$//' | sort -u; }
    until [ "$(with link show up | grep -vx lo)" = "$(with -6 addr show scope link -tentative)" ]; do sleep 0.1; done
    while ip addr show tentative | grep -q inet6; do sleep 0.1; done
  `);
}

type Listed = Record<string, unknown>;

/** A listing of nftables without handles, and without what its counters have counted. */
function uncounted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(uncounted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !['handle', 'packets', 'bytes'].includes(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, uncounted(inner)]));
}

/** The same, of the objects alone that follow from entries and configuration: comparable between two MAARs. */
export function objects(): Readonly<Record<string, unknown>> {
  const own = (listed: Listed[]): Listed[] => listed.filter(({ protocol }) => protocol === '77');
  const text = sh('nft -j list ruleset');
  return {
    rules: sh('ip -6 rule').split('\n'),
    routes: own(ipJson('-6 route show table all')),
    neighbours: ipJson('-6 neigh show nud permanent'),
    addresses: sh("ip -o -6 addr | cut -d' ' -f2-").split('\n').sort(),
    links: sh("ip -o link | cut -d' ' -f2- | sed 's/@if[0-9]*//'").split('\n').sort(),
    nftables: uncounted((JSON.parse(text) as { nftables: unknown }).nftables),
    sysctls: sh("sysctl -a 2> /dev/null | grep -E '^net.ipv6.conf|nf_conntrack_acct'").split('\n'),
  };
}
