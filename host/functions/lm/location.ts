import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { MobileNode, Home, Session } from './node.ts';
import { homeNames, homesOf, mnPrefix } from './node.ts';
import type { Usage } from '../../core/maar-io.ts';
import type { AnchoredView, NodeView, ReleasedView } from '../../core/view.ts';

/** A home assigned here whose MN is elsewhere. */
export interface Anchored {
  readonly prefix: Prefix;
  readonly mnId: string;
  serving: Address;
  counter: number;
  /** When the serving MAAR's last word runs out. */
  expires: number;
}

/** What is left of an MN that moved on: answers repeats and re-tunnels packets in flight for the hold time. */
export interface Released {
  readonly mnId: string;
  readonly node: MobileNode;
  movedTo: Address;
  counter: number;
  forwarding: boolean;
}

/** Location management of one MAAR: which MNs are here, which are anchored here and elsewhere, which have just left. */
export class LocationManager {
  readonly nodes = new Map<string, MobileNode>();
  readonly anchored = new Map<Prefix, Anchored>();
  readonly released = new Map<string, Released>();

  byMac(mac: string): MobileNode | undefined {
    for (const node of this.nodes.values()) if (node.mac === mac) return node;
    return undefined;
  }

  /** The registered MN here to which an address belongs, and the home it lies in. */
  find(where: Address | Prefix): { node: MobileNode; home: Home } | undefined {
    const prefix = mnPrefix(where);
    for (const node of this.nodes.values()) {
      for (const home of homesOf(node)) if (home.prefix === prefix) return { node, home };
    }
    return undefined;
  }

  /** The MN that had this home here and has left, while its lists are kept. */
  findReleased(where: Address | Prefix): Released | undefined {
    const prefix = mnPrefix(where);
    for (const released of this.released.values()) {
      if (homesOf(released.node).some((home) => home.prefix === prefix)) return released;
    }
    return undefined;
  }

  /** Notes when homes of MNs here last carried packets. */
  noteUse({ destinations, pairs }: Usage): void {
    const delivered = new Map(destinations.map(({ prefix, lastUsed }) => [prefix, lastUsed]));
    const homes = new Map<Prefix, Home>();
    const note = (home: Home | undefined, at: number): void => {
      if (home !== undefined) home.lastUsed = Math.max(home.lastUsed, at);
    };
    for (const node of this.nodes.values()) {
      for (const home of homesOf(node)) {
        homes.set(home.prefix, home);
        note(home, delivered.get(home.prefix) ?? 0);
      }
    }
    for (const { src, dst, lastUsed } of pairs) {
      for (const end of [src, dst]) note(homes.get(mnPrefix(end)), lastUsed);
    }
  }

  nodeViews(tunnelled: (session: Session, node: MobileNode) => boolean): NodeView[] {
    return [...this.nodes.values()].map((node) => ({
      mnId: node.mnId,
      mac: node.mac,
      link: node.link,
      state: node.state,
      counter: node.counter,
      prefix: node.local?.prefix ?? '::/128',
      internal: [...node.sessions.values()].map((session) => ({
        hoa: session.cn,
        maar: session.maar,
        tunnelled: tunnelled(session, node),
      })),
      external: [...node.foreign.values()].flatMap((home) =>
        homeNames(home).map((hoa) => ({ hoa, coa: careOf(node), anchor: home.anchor })),
      ),
    }));
  }

  anchoredViews(): AnchoredView[] {
    return [...this.anchored.values()].map(({ prefix, ...rest }) => ({ hoa: prefix, ...rest }));
  }

  releasedViews(): ReleasedView[] {
    return [...this.released.values()].map(({ mnId, node, movedTo, forwarding }) => ({
      mnId,
      movedTo,
      forwarding,
      internal: [...node.sessions.values()].map((session) => ({ hoa: session.cn, maar: session.maar })),
    }));
  }
}

/** The MN's CoA: its address on our link once heard, its link-local address before. */
export function careOf(node: MobileNode): Prefix {
  return node.local?.addresses.values().next().value ?? `${node.linkLocal}/128`;
}
