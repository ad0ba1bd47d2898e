/** A station, one MAAR and a peer of it, each in a network namespace: one such line for each data plane under measurement. */
import type { Command } from '../../../../bindings/entries.ts';
import type { Sandbox } from '../../netns/sandbox.ts';

export const MAAR = '2001:db8:0:1::1';
export const POOL = '2001:db8:11::/48';
export const CORRESPONDENT = '2001:db8:c0::2';
export const STATION = '2001:db8:aa::10';
export const ACCESS = { interface: 'acc0', linkLocal: 'fe80::1', mac: '02:00:5e:10:00:00' } as const;
export const CORE_INTERFACE = 'core0';
export const STATION_INTERFACE = 'eth0';
export const PEER_INTERFACE = 'core1';
export const CORE_MTU = 1500;

const PEER = '2001:db8:0:2::1';
/** The station's prefix, anchored at the peer: what it sends is tunnelled there, and what it is sent comes from there. */
const PREFIX = '2001:db8:aa::/64';
const STATION_MAC = '02:00:5e:10:01:0a';
const STATION_LINK_LOCAL = 'fe80::5eff:fe10:10a';
const GATEWAY = '2001:db8:0:1::2';
/** The kernel takes tunnels off at an address that is not its own. */
const KERNEL_TUNNEL_END = '2001:db8:0:3::1';

/** What the data plane of the MAAR is told. */
export const ENTRIES: readonly Command[] = [
  // The kernel's tunnels have the address of the link that they leave by as their source.
  { op: 'put', entry: { kind: 'peer', address: GATEWAY } },
  {
    op: 'put',
    entry: { kind: 'deliver', prefix: PREFIX, link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC },
  },
  { op: 'put', entry: { kind: 'source', prefix: PREFIX, link: 0, mac: STATION_MAC, reverse: PEER } },
];

/** Tunnels to as many stations elsewhere. */
export function tunnels(count: number): Command[] {
  return Array.from({ length: count }, (_, index) => ({
    op: 'put',
    entry: {
      kind: 'tunnel',
      prefix: `2001:db8:${(0x1000 + (index >> 16)).toString(16)}:${(index & 0xffff).toString(16)}::/64`,
      locator: PEER,
    },
  }));
}

/** `tunnel`: who wraps and unwraps at the MAAR; `none` for plain forwarding all the way. */
export type Tunnel = 'none' | 'kernel' | 'ours';

export interface Line {
  readonly station: string;
  readonly maar: string;
  readonly peer: string;
}

export const namespacesOf = ({ station, maar, peer }: Line): string[] => [station, maar, peer];

export function lineOf(name: string): Line {
  return { station: `${name}-sta`, maar: `${name}-maar`, peer: `${name}-peer` };
}

export async function buildLine(sandbox: Sandbox, line: Line, tunnel: Tunnel): Promise<void> {
  const run = (name: string, script: string): Promise<string> => sandbox.shell(name).run(script);
  for (const name of namespacesOf(line)) {
    await run(
      name,
      `
      sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
      sysctl -q -w net.ipv6.conf.default.accept_ra=0
      ip link set lo up`,
    );
  }
  await run(line.maar, maarScript(line, tunnel));
  await run(line.peer, peerScript(tunnel));
  await run(
    line.station,
    `
    ip link set ${STATION_INTERFACE} up
    ip address add ${STATION}/128 dev ${STATION_INTERFACE} nodad
    ip -6 neigh add ${ACCESS.linkLocal} lladdr ${ACCESS.mac} dev ${STATION_INTERFACE}
    ip -6 route add default via ${ACCESS.linkLocal} dev ${STATION_INTERFACE}`,
  );
}

function maarScript(line: Line, tunnel: Tunnel): string {
  const links = `
    sysctl -q -w net.ipv6.conf.all.forwarding=1
    ip link add ${ACCESS.interface} type veth peer ${STATION_INTERFACE} address ${STATION_MAC} netns ${line.station}
    ip link add ${CORE_INTERFACE} type veth peer ${PEER_INTERFACE} netns ${line.peer}
    ip link set ${ACCESS.interface} up
    ip link set ${CORE_INTERFACE} up
    ip address add ${MAAR}/64 dev ${CORE_INTERFACE} nodad
    ip -6 route add default via ${GATEWAY}`;
  if (tunnel === 'ours') return links;
  const delivery = `
    ip link set ${ACCESS.interface} address ${ACCESS.mac}
    ip address add ${ACCESS.linkLocal}/64 dev ${ACCESS.interface} nodad
    ip -6 neigh add ${STATION_LINK_LOCAL} lladdr ${STATION_MAC} dev ${ACCESS.interface}
    ip -6 route add ${PREFIX} via ${STATION_LINK_LOCAL} dev ${ACCESS.interface}`;
  if (tunnel === 'none') return links + delivery;
  return `${links}${delivery}
    sysctl -q -w net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.${CORE_INTERFACE}.seg6_enabled=1
    ip -6 route add ${CORRESPONDENT}/128 encap seg6 mode encap.red segs ${PEER} dev ${CORE_INTERFACE}
    ip -6 route add ${KERNEL_TUNNEL_END}/128 encap seg6local action End.DT6 table 254 dev ${CORE_INTERFACE}`;
}

function peerScript(tunnel: Tunnel): string {
  const end = tunnel === 'kernel' ? KERNEL_TUNNEL_END : MAAR;
  const back =
    tunnel === 'none'
      ? `ip -6 route add ${PREFIX} via ${MAAR}`
      : `ip -6 route add ${PREFIX} encap seg6 mode encap.red segs ${end} dev ${PEER_INTERFACE}`;
  return `
    sysctl -q -w net.ipv6.conf.all.forwarding=1
    sysctl -q -w net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.${PEER_INTERFACE}.seg6_enabled=1
    ip link set ${PEER_INTERFACE} up
    ip address add ${GATEWAY}/64 dev ${PEER_INTERFACE} nodad
    ip address add ${CORRESPONDENT}/128 dev lo
    ip -6 route add ${KERNEL_TUNNEL_END}/128 via ${MAAR}
    ip -6 route add ${PEER}/128 encap seg6local action End.DT6 table 255 dev ${PEER_INTERFACE}
    ${back}`;
}
