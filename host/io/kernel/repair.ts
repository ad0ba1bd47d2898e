import { messageOf } from '../../core/error-message.ts';
import { SystemError } from '../ffi.ts';
import type { UndoJournal } from '../journal.ts';
import { deleteAddress, listAddresses, parseAddresses } from '../netlink/address.ts';
import { listLinks, parseLink, setLinkMac } from '../netlink/link.ts';
import type { MessageWriter } from '../netlink/message.ts';
import { deleteNeighbour, listNeighbours, ownNeighbours } from '../netlink/neighbour.ts';
import { deleteRoute, listRoutes, ownRoutes } from '../netlink/route.ts';
import { deleteRule, listRules, ownRules } from '../netlink/rule.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { unloadTable } from './base-table.ts';
import { restoreSysctl } from './sysctl.ts';

/** What a request finds missing was taken away by somebody else, or went with its interface. */
const GONE = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL']);

export function isGone(error: unknown): boolean {
  return error instanceof SystemError && GONE.has(error.code);
}

/**
 * Takes back everything that this MAAR changed in the kernel: at an orderly stop, and at the next start after a crash.
 * Goes on past a fault and returns one line for each, so that one stubborn object keeps no other.
 */
export function undoAll(netlink: NetlinkSocket, journal: UndoJournal, maar: string): string[] {
  const faults: string[] = [];
  const attempt = (what: string, action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (isGone(error)) return;
      faults.push(`${what}: ${messageOf(error)}`);
    }
  };
  const remove = (what: string, message: MessageWriter): void =>
    attempt(what, () => netlink.request(message, what));

  // Rules first: from here on packets take the main table, as before us.
  for (const rule of ownRules(netlink.dump(listRules(), 'list rules'))) {
    remove(`delete rule ${rule.priority}`, deleteRule(rule));
  }
  for (const { prefix, table } of ownRoutes(netlink.dump(listRoutes(), 'list routes'))) {
    remove(`delete route ${prefix}`, deleteRoute(prefix, table));
  }
  for (const neighbour of ownNeighbours(netlink.dump(listNeighbours(), 'list neighbours'))) {
    remove(`delete neighbour ${neighbour.address}`, deleteNeighbour(neighbour));
  }
  for (const address of parseAddresses(netlink.dump(listAddresses(), 'list addresses'))) {
    if (address.own) remove(`delete address ${address.address}`, deleteAddress(address));
  }
  attempt('delete nftables table', () => unloadTable(maar));
  const links = netlink.dump(listLinks(), 'list interfaces').map(parseLink);
  for (const record of journal.records()) {
    if (record.kind === 'sysctl') {
      attempt(`restore ${record.path}`, () => restoreSysctl(record.path, record.value));
      continue;
    }
    const index = links.find((link) => link?.name === record.interface)?.index;
    if (index !== undefined) remove(`restore the MAC of ${record.interface}`, setLinkMac(index, record.mac));
  }
  if (faults.length === 0) journal.clear();
  return faults;
}
