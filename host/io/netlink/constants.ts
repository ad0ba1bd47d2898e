/** Numbers of netlink (linux/netlink.h, rtnetlink.h, neighbour.h, fib_rules.h, if_addr.h, if_link.h, nfnetlink*.h). */

export const NETLINK = { route: 0, netfilter: 12 } as const;

export const NLMSG = { noop: 1, error: 2, done: 3, headerSize: 16 } as const;

export const NLM_F = {
  request: 0x01,
  ack: 0x04,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  dump: 0x300,
  /** In a kernel message: the dump was cut short by a change. */
  interrupted: 0x10,
} as const;

export const NLA = { nested: 0x8000, typeMask: 0x3fff } as const;

export const RTM = {
  newlink: 16,
  dellink: 17,
  getlink: 18,
  setlink: 19,
  newaddr: 20,
  deladdr: 21,
  getaddr: 22,
  newroute: 24,
  delroute: 25,
  getroute: 26,
  newneigh: 28,
  delneigh: 29,
  getneigh: 30,
  newrule: 32,
  delrule: 33,
  getrule: 34,
} as const;

/** Multicast groups of rtnetlink. */
export const RTNLGRP = { link: 1, neigh: 3 } as const;

/** The mark of this project's own routes, rules, neighbours and addresses: free in iproute2's rt_protos, above 4 (static). */
export const PROTOCOL_MAAR = 77;

export const RTN = { unicast: 1, unreachable: 7 } as const;
export const RT_TABLE = { unspec: 0, main: 254 } as const;
export const RTA = { dst: 1, oif: 4, gateway: 5, priority: 6, table: 15 } as const;
export const RTNH_F = { onlink: 4 } as const;

export const FR_ACT = { toTable: 1 } as const;
export const FRA = { iifname: 3, priority: 6, fwmark: 10, table: 15, fwmask: 16, protocol: 21 } as const;

export const NUD = { permanent: 0x80, noarp: 0x40 } as const;
export const NDA = { dst: 1, lladdr: 2, master: 9, protocol: 12 } as const;

export const IFA = { address: 1, local: 2, flags: 8, proto: 11 } as const;
export const IFA_F = { nodad: 0x02, permanent: 0x80 } as const;
export const SCOPE = { universe: 0, link: 253 } as const;

export const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  master: 10,
  txqlen: 13,
  linkinfo: 18,
  infoKind: 1,
} as const;
export const IFF = { up: 0x1, running: 0x40, lowerUp: 0x10000 } as const;

export const NFNL = { conntrack: 1, nftables: 10, batchBegin: 0x10, batchEnd: 0x11 } as const;
export const NFNLGRP = { conntrackNew: 1, nftables: 7 } as const;
export const IPCTNL = { new: 0, get: 1, delete: 2 } as const;
export const CTA = {
  tupleOrig: 1,
  tupleReply: 2,
  countersOrig: 9,
  countersReply: 10,
  id: 12,
  tupleIp: 1,
  ipv6Src: 3,
  ipv6Dst: 4,
  countersPackets: 1,
} as const;

export const NFT_MSG = { delTable: 2, newSetElem: 12, getSetElem: 13, delSetElem: 14 } as const;
export const NFPROTO = { inet: 1, ipv6: 10 } as const;
export const NFTA = {
  listTable: 1,
  listSet: 2,
  listElements: 3,
  listElem: 1,
  elemKey: 1,
  elemExpression: 7,
  elemKeyEnd: 10,
  dataValue: 1,
  exprData: 2,
  counterPackets: 2,
} as const;
