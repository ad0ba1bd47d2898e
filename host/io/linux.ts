/** Numbers of the Linux socket interfaces, from the kernel's uapi headers. Netlink's own stand in netlink/constants.ts. */

export const AF = { unspec: 0, inet6: 10, bridge: 7, netlink: 16, packet: 17 } as const;

export const SOCK = { raw: 3, cloexec: 0x80000, nonblock: 0x800 } as const;

export const O = { rdwr: 2, cloexec: 0x80000, nonblock: 0x800 } as const;

export const EFD = { cloexec: 0x80000, nonblock: 0x800 } as const;

/** Commands of fcntl(2). */
export const F = { setFlags: 4, setPipeSize: 1031 } as const;

export const POLL = { in: 1, out: 4, err: 8, hup: 16 } as const;

export const IPPROTO = { ipv6: 41, mobility: 135 } as const;

/** Socket option levels and the options used of each. */
export const SOL_SOCKET = { level: 1, rcvbuf: 8, attachFilter: 26, rcvbufforce: 33 } as const;

export const IPPROTO_IPV6 = {
  level: 41,
  recvpktinfo: 49,
  pktinfo: 50,
  recvhoplimit: 51,
  hoplimit: 52,
  recvtclass: 66,
  tclass: 67,
  flowinfo: 11,
} as const;

/** `filter`: one bit for each type, set to keep it out. */
export const IPPROTO_ICMPV6 = { level: 58, filter: 1 } as const;

export const SOL_PACKET = {
  level: 263,
  addMembership: 1,
  ignoreOutgoing: 23,
  mrAllmulti: 2,
  mrPromisc: 1,
} as const;

export const SOL_NETLINK = { level: 270, addMembership: 1 } as const;

/** Every EtherType, also of frames that a bridge takes from the port. */
export const ETH_P_ALL = 3;

export const TUN = { device: '/dev/net/tun', setiff: 0x400454ca, tun: 0x0001, noPi: 0x1000 } as const;

/** struct ifreq: name, then flags. */
export const IFREQ = { size: 40, flags: 16, nameMax: 15 } as const;

/** struct sockaddr_in6. */
export const SOCKADDR_IN6 = { size: 28, address: 8, scope: 24 } as const;

/** struct sockaddr_ll: protocol (network order), interface index. */
export const SOCKADDR_LL = { size: 20, protocol: 2, ifindex: 4 } as const;

/** struct msghdr of a 64-bit system. */
export const MSGHDR = {
  size: 56,
  name: 0,
  namelen: 8,
  iov: 16,
  iovlen: 24,
  control: 32,
  controllen: 40,
} as const;

/** struct cmsghdr of a 64-bit system; data follow, the whole aligned to 8. */
export const CMSGHDR = { size: 16, level: 8, type: 12 } as const;

/** struct pollfd. */
export const POLLFD = { size: 8, events: 4, revents: 6 } as const;
