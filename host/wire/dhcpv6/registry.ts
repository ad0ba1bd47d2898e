/** Numbers of DHCPv6, RFC 8415, as IANA keeps them. */

/** Section 7.2. */
export const DHCPV6_PORT = { client: 546, server: 547 } as const;

/** All_DHCP_Relay_Agents_and_Servers, section 7.1. */
export const ALL_DHCP_SERVERS = 'ff02::1:2';

/** Message types, section 7.3. Relays have a format of their own, and are not parsed. */
export const DHCPV6_TYPE = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  reconfigure: 10,
  'information-request': 11,
} as const;

/** Option codes, section 21. */
export const DHCPV6_OPTION = {
  clientId: 1,
  serverId: 2,
  iaNa: 3,
  iaAddress: 5,
  status: 13,
  rapidCommit: 14,
} as const;

/** Status codes, section 21.13. */
export const DHCPV6_STATUS = {
  success: 0,
  unspecFail: 1,
  noAddrsAvail: 2,
  noBinding: 3,
  notOnLink: 4,
  useMulticast: 5,
} as const;

/** A DUID that is a link-layer address, section 11.4, of Ethernet. */
export const DUID_LL = { type: 3, ethernet: 1 } as const;
/** A DUID has its type and 1 to 128 octets, section 11.1. */
export const DUID_LENGTH = { least: 3, most: 130 } as const;
