import { close } from './ffi.ts';
import { UndoJournal } from './journal.ts';
import { prepareAccessInterface } from './kernel/access-interface.ts';
import { POLICY, loadTable } from './kernel/base-table.ts';
import { undoAll } from './kernel/repair.ts';
import { enableForwarding, setOwnSysctl, setSysctl } from './kernel/sysctl.ts';
import { CORE_TUN, TUN_QUEUE, accessTun, tunMtu } from './linux-config.ts';
import type { AccessInterface, LinuxConfig } from './linux-config.ts';
import { NETLINK, NFNLGRP, RTNLGRP, RT_TABLE } from './netlink/constants.ts';
import { listLinks, parseLink, setLinkUp } from './netlink/link.ts';
import type { Link } from './netlink/link.ts';
import { putRoute } from './netlink/route.ts';
import { addRule } from './netlink/rule.ts';
import { NetlinkSocket, openEventSocket } from './netlink/socket.ts';
import { openErrorSocket, openIcmpSocket, openMobilitySocket, openTunnelSocket } from './raw-socket.ts';
import { openTun } from './tun.ts';
import type { WorkerSetup } from './worker/messages.ts';

const EVENT_BUFFER = 4 << 20;

export type Sockets = Pick<
  WorkerSetup,
  | 'coreTun'
  | 'accessTuns'
  | 'tunnel'
  | 'errors'
  | 'mobility'
  | 'routeEvents'
  | 'connectionEvents'
  | 'tableEvents'
>;

/** What a MAAR holds of the system while it runs. */
export interface System {
  readonly route: NetlinkSocket;
  readonly netfilter: NetlinkSocket;
  readonly sockets: Sockets;
  /** Sends ICMPv6 messages of our own. */
  readonly icmp: number;
  readonly coreTunIndex: number;
  /** Access interfaces by their index. */
  readonly interfaces: ReadonlyMap<number, AccessInterface>;
  /** Puts the kernel back; returns one line for each fault. */
  undo(): readonly string[];
  /** Closes every descriptor, and with them the TUN devices. */
  close(): void;
}

/**
 * Opens devices and sockets, takes back what an earlier run left behind, and prepares the kernel. Throws with
 * everything put back where something is missing.
 */
export function openSystem(config: LinuxConfig): System {
  const descriptors: number[] = [];
  const opened = (fd: number): number => {
    descriptors.push(fd);
    return fd;
  };
  const route = new NetlinkSocket(NETLINK.route);
  const netfilter = new NetlinkSocket(NETLINK.netfilter);
  const closeAll = (): void => {
    for (const fd of descriptors) close(fd);
    route.close();
    netfilter.close();
  };
  try {
    // First, since the name is the lock: while another MAAR runs here, its kernel state must not be taken for leavings.
    const coreTun = opened(openTun(CORE_TUN));
    const accessTuns = config.access.map(({ link }) => ({ fd: opened(openTun(accessTun(link))), link }));
    const journal = new UndoJournal(`${config.stateDirectory}/undo.jsonl`);
    const undo = (): string[] => undoAll(route, journal, config.name);
    refuse(undo());
    try {
      const links = listAll(route);
      const find = (name: string): Link => {
        const link = links.find((candidate) => candidate.name === name);
        if (link === undefined) throw new Error(`there is no interface ${name}`);
        return link;
      };
      const sockets: Sockets = {
        coreTun,
        accessTuns,
        tunnel: opened(openTunnelSocket(config.address)),
        errors: opened(openErrorSocket(config.address)),
        mobility: opened(openMobilitySocket(config.address)),
        routeEvents: opened(openEventSocket(NETLINK.route, [RTNLGRP.link, RTNLGRP.neigh], EVENT_BUFFER)),
        connectionEvents: opened(openEventSocket(NETLINK.netfilter, [NFNLGRP.conntrackNew], EVENT_BUFFER)),
        tableEvents: opened(openEventSocket(NETLINK.netfilter, [NFNLGRP.nftables], EVENT_BUFFER)),
      };
      const icmp = opened(openIcmpSocket(config.address));
      find(config.coreInterface);
      const interfaces = new Map(config.access.map((access) => [find(access.interface).index, access]));
      prepareKernel(config, route, journal, find);
      return {
        route,
        netfilter,
        sockets,
        icmp,
        coreTunIndex: find(CORE_TUN).index,
        interfaces,
        undo,
        close: closeAll,
      };
    } catch (error) {
      undo();
      throw error;
    }
  } catch (error) {
    closeAll();
    throw error;
  }
}

function listAll(route: NetlinkSocket): Link[] {
  return route
    .dump(listLinks(), 'list interfaces')
    .map(parseLink)
    .filter((link) => link !== undefined);
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`cannot take back what an earlier run left: ${faults.join('; ')}`);
}

function prepareKernel(
  config: LinuxConfig,
  route: NetlinkSocket,
  journal: UndoJournal,
  find: (name: string) => Link,
): void {
  enableForwarding(journal);
  setSysctl(journal, 'net/netfilter/nf_conntrack_acct', '1');
  const mtu = tunMtu(config.coreMtu);
  for (const name of [CORE_TUN, ...config.access.map(({ link }) => accessTun(link))]) {
    // Without a link-local address of its own the device stays silent: no solicitations, no listener reports.
    setOwnSysctl(`net/ipv6/conf/${name}/addr_gen_mode`, '1');
    setOwnSysctl(`net/ipv6/conf/${name}/disable_ipv6`, '0');
    route.request(setLinkUp(find(name).index, mtu, TUN_QUEUE), `bring ${name} up`);
  }
  for (const access of config.access) {
    prepareAccessInterface(route, journal, find(access.interface), access.linkLocal, access.mac);
  }
  loadTable(
    config.name,
    config.access.map((access) => access.interface),
    config.activity,
  );
  // Packets to stations that are not here are answered instead of following a default route back to where they came from.
  route.request(
    putRoute({ prefix: config.pool, table: RT_TABLE.main, target: { kind: 'unreachable' } }),
    `unreachable route for the pool ${config.pool}`,
  );
  route.request(
    addRule({ priority: POLICY.markPriority, table: RT_TABLE.main, mark: POLICY.mark }),
    'rule for native sources',
  );
  for (const access of config.access) {
    const table = POLICY.accessTable + access.link;
    const target = { kind: 'device', ifindex: find(accessTun(access.link)).index } as const;
    route.request(putRoute({ prefix: '::/0', table, target }), `route of table ${table}`);
    route.request(
      addRule({ priority: POLICY.accessPriority, table, iif: access.interface }),
      `rule for ${access.interface}`,
    );
  }
}
