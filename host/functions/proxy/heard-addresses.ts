import type { Address } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import { isLinkLocal } from '../../wire/address.ts';
import type { Domain } from '../lm/domain.ts';
import { hear, homeOf, mnPrefix, type Home, type MobileNode } from '../lm/node.ts';

/** Foreign source addresses noted for one MN while its homes are not known. */
const MAX_CLAIMED = 16;

/** Who is told of an address: the scheme, and who puts an MN's entries. */
export interface HeardAddressHooks {
  /** The link-local address of an attached MN, its next hop, has changed. */
  nextHopChanged(node: MobileNode): void;
  /** An address of a home of the MN was heard for the first time. */
  heard(node: MobileNode, home: Home, address: string): void;
  /** An attached MN uses an address of the domain that is in none of its homes. */
  claimed(node: MobileNode, address: Address): void;
}

/** What an MN's frames tell of its addresses: the link-local one, those of its homes, and those it claims. */
export class HeardAddresses {
  readonly #context: Context;
  readonly #domain: Domain;
  readonly #hooks: HeardAddressHooks;

  constructor(context: Context, domain: Domain, hooks: HeardAddressHooks) {
    this.#context = context;
    this.#domain = domain;
    this.#hooks = hooks;
  }

  hear(node: MobileNode, address: Address): void {
    if (isLinkLocal(address)) {
      this.#hearLinkLocal(node, address);
      return;
    }
    const home = homeOf(node, address);
    if (home !== undefined) {
      if (hear(home, `${address}/128`)) this.#hooks.heard(node, home, `${address}/128`);
      return;
    }
    if (this.#domain.anchorOf(address) === undefined || node.claimed.has(address)) return;
    if (node.claimed.size >= MAX_CLAIMED) {
      this.#context.count('claimed-limit');
      const [oldest = ''] = node.claimed;
      node.claimed.delete(oldest);
    }
    node.claimed.add(address);
    if (node.state === 'attached') this.#hooks.claimed(node, address);
  }

  /** Notes the correspondents that the MN named in its solicitations. */
  name(node: MobileNode, correspondents: readonly Address[]): void {
    for (const cn of correspondents) if (node.named.size < MAX_CLAIMED) node.named.add(`${cn}/128`);
  }

  /** Makes the addresses that the MN claimed in `home`, which it has been given since, addresses of that home. */
  adopt(node: MobileNode, home: Home): void {
    for (const address of node.claimed) {
      if (mnPrefix(address) !== home.prefix) continue;
      node.claimed.delete(address);
      hear(home, `${address}/128`);
    }
  }

  #hearLinkLocal(node: MobileNode, address: Address): void {
    if (node.linkLocal === address && node.linkLocalHeard) return;
    const changed = node.linkLocal !== address;
    node.linkLocal = address;
    node.linkLocalHeard = true;
    if (changed && node.state === 'attached') this.#hooks.nextHopChanged(node);
  }
}
