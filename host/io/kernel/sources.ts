import type { LinkId, Mac, Prefix, SourceEntry } from '../../../bindings/entries.ts';
import type { StationActivity } from '../../core/maar-io.ts';
import { addressBytes, splitPrefix, writeMac } from '../../wire/address.ts';
import { countedElements, listElements, setChanges } from '../netlink/set-element.ts';
import type { KeyRange, SetChange } from '../netlink/set-element.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { SETS, tableName } from './base-table.ts';

/** Which way the packets go that each set matches. */
const COUNTED = [
  [SETS.native, 'sent'],
  [SETS.owned, 'sent'],
  [SETS.prefixes, 'received'],
] as const;

/** The key of an element: interface index (in network order, as nftables compares ranges), address, MAC padded to eight. */
function keyRange(ifindex: number, prefix: Prefix, mac?: Mac): KeyRange {
  const { address, length } = splitPrefix(prefix);
  const first = new Uint8Array(mac === undefined ? 20 : 28);
  new DataView(first.buffer).setUint32(0, ifindex, false);
  first.set(addressBytes(address), 4);
  if (mac !== undefined) writeMac(first, 20, mac);
  const last = first.slice();
  for (let bit = length; bit < 128; bit++) last[4 + (bit >> 3)]! |= 0x80 >> (bit & 7);
  return { first, last };
}

/**
 * Sources that belong to a station, as elements of nftables sets: those with native sources stay in the kernel's
 * routing, those anchored elsewhere go to the data plane, and from any other station both are dropped.
 */
export class SourceSets {
  readonly #netlink: NetlinkSocket;
  readonly #table: string;
  readonly #ifindexes: ReadonlyMap<LinkId, number>;
  readonly #installed = new Map<string, SourceEntry>();

  constructor(netlink: NetlinkSocket, maar: string, ifindexes: ReadonlyMap<LinkId, number>) {
    this.#netlink = netlink;
    this.#table = tableName(maar);
    this.#ifindexes = ifindexes;
  }

  /** Makes the kernel's elements for (prefix, link) those of `entry`; undefined, or an entry without a MAC, has none. */
  sync(prefix: Prefix, link: LinkId, entry: SourceEntry | undefined): void {
    const ifindex = this.#ifindexes.get(link);
    if (ifindex === undefined) return;
    const key = `${link} ${prefix}`;
    const before = this.#installed.get(key);
    const after = entry?.mac === undefined ? undefined : entry;
    if (sameElements(before, after)) return;
    for (const changes of sourceChanges(ifindex, before, after)) {
      this.#netlink.batch(setChanges(this.#table, changes), `nftables elements for source ${prefix}`);
    }
    if (after === undefined) this.#installed.delete(key);
    else this.#installed.set(key, after);
  }

  /** Takes note that the table is a new one, without elements. */
  forget(): void {
    this.#installed.clear();
  }

  /** Packets of each station that the sets have matched, by direction; zeros where the base table does not count. */
  activity(): StationActivity[] {
    const sums = new Map<Mac, { sent: number; received: number }>();
    const stations = new Map<string, Mac>();
    for (const [key, { prefix, mac }] of this.#installed) {
      const ifindex = this.#ifindexes.get(Number(key.split(' ')[0]));
      if (mac === undefined || ifindex === undefined) continue;
      stations.set(keyRange(ifindex, prefix).first.join(), mac);
      stations.set(keyRange(ifindex, prefix, mac).first.join(), mac);
      sums.set(mac, { sent: 0, received: 0 });
    }
    for (const [set, direction] of COUNTED) {
      const what = `elements of set ${set}`;
      for (const answer of this.#netlink.dump(listElements(this.#table, set), what)) {
        for (const { first, packets } of countedElements(answer)) {
          const sum = sums.get(stations.get(first.join()) ?? '');
          if (sum !== undefined) sum[direction] += packets;
        }
      }
    }
    return [...sums].map(([mac, { sent, received }]) => ({ mac, sent, received }));
  }
}

/**
 * The transactions that make the elements of one source those of another. The kernel changes one set after the other, as
 * a transaction first names them, and matches packets meanwhile: had a prefix an owner while its station is in neither
 * set of stations, that station's own packets would be dropped. So the owner comes last and goes first.
 */
export function sourceChanges(
  ifindex: number,
  before: SourceEntry | undefined,
  after: SourceEntry | undefined,
): SetChange[][] {
  const station = (op: SetChange['op'], entry: SourceEntry | undefined): SetChange[] => {
    if (entry === undefined) return [];
    const set = entry.reverse === undefined ? SETS.native : SETS.owned;
    return [{ op, set, key: keyRange(ifindex, entry.prefix, entry.mac) }];
  };
  // That somebody has the prefix stays true where its station changes.
  const owner = (op: SetChange['op'], entry: SourceEntry | undefined): SetChange[] =>
    entry === undefined || (before !== undefined && after !== undefined)
      ? []
      : [{ op, set: SETS.prefixes, key: keyRange(ifindex, entry.prefix) }];
  return [
    [...station('add', after), ...owner('add', after)],
    [...owner('delete', before), ...station('delete', before)],
  ].filter((changes) => changes.length > 0);
}

function sameElements(a: SourceEntry | undefined, b: SourceEntry | undefined): boolean {
  return a?.mac === b?.mac && (a?.reverse === undefined) === (b?.reverse === undefined);
}
