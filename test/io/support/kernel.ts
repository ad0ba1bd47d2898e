/** The kernel's state as the system's own tools print it. */
import { sh, shell } from './namespace.ts';

const SYSCTLS = 'sysctl net.ipv6.conf net.netfilter.nf_conntrack_acct 2> /dev/null || true';
/** Between what two commands print. */
const MARK = '--';

/** Everything that a MAAR changes. */
export function dump(): Promise<string> {
  return shell(`
    ip -6 rule; ip -6 route show table all; ip neigh show nud permanent; nft list ruleset
    ip -o addr; ip -o link show br0; ${SYSCTLS}
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
export async function objects(): Promise<Readonly<Record<string, unknown>>> {
  const commands = [
    'ip -6 rule',
    'ip -j -6 route show table all',
    'ip -j -6 neigh show nud permanent',
    "ip -o -6 addr | cut -d' ' -f2-",
    "ip -o link | cut -d' ' -f2- | sed 's/@if[0-9]*//'",
    'nft -j list ruleset',
    SYSCTLS,
  ];
  const said = (await shell(commands.join(`; echo ${MARK}; `))).split(`${MARK}\n`);
  const [rules = '', routes = '', neighbours = '', addresses = '', links = '', nftables = '', sysctls = ''] =
    said;
  const listed = (text: string): Listed[] => JSON.parse(text.trim() || '[]') as Listed[];
  return {
    rules: rules.split('\n'),
    routes: listed(routes).filter(({ protocol }) => protocol === '77'),
    neighbours: listed(neighbours),
    addresses: addresses.split('\n').sort(),
    links: links.split('\n').sort(),
    nftables: uncounted((JSON.parse(nftables) as { nftables: unknown }).nftables),
    sysctls: sysctls.split('\n'),
  };
}
