import type { Address, Mac } from '../../../bindings/entries.ts';
import { SystemError } from '../ffi.ts';
import type { UndoJournal } from '../journal.ts';
import { addAddress } from '../netlink/address.ts';
import { setLinkMac } from '../netlink/link.ts';
import type { Link } from '../netlink/link.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { setSysctl } from './sysctl.ts';

const LINK_LOCAL_LENGTH = 64;

/**
 * Gives an access interface the link-local address and the MAC that all access links of the domain share, both without
 * duplicate address detection: the next MAAR's link has the same, and a lost DAD would take the address away.
 */
export function prepareAccessInterface(
  netlink: NetlinkSocket,
  journal: UndoJournal,
  link: Link,
  linkLocal: Address,
  mac: Mac,
): void {
  setSysctl(journal, `net/ipv6/conf/${link.name}/accept_dad`, '0');
  setSysctl(journal, `net/ipv6/conf/${link.name}/accept_ra`, '0');
  if (link.mac !== undefined && link.mac !== mac) {
    journal.add({ kind: 'mac', interface: link.name, mac: link.mac });
    netlink.request(setLinkMac(link.index, mac), `set the MAC of ${link.name} to ${mac}`);
  }
  addLinkLocal(netlink, link.index, linkLocal);
}

/** Gives an interface the domain's link-local address; also once more, since the kernel takes it away when that goes down. */
export function addLinkLocal(netlink: NetlinkSocket, ifindex: number, linkLocal: Address): void {
  try {
    netlink.request(
      addAddress({ ifindex, address: linkLocal, prefixLength: LINK_LOCAL_LENGTH }),
      `add ${linkLocal} to interface ${ifindex}`,
    );
  } catch (error) {
    // It was there before us, and stays there after us.
    if (!(error instanceof SystemError && error.code === 'EEXIST')) throw error;
  }
}
