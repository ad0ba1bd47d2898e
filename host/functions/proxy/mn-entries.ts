import type { LinkId, Prefix } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { Forwarding } from '../fm/forwarding.ts';
import type { Domain } from '../lm/domain.ts';
import { homesOf, type Home, type MobileNode } from '../lm/node.ts';
import { isAway } from './presence.ts';

/** The entries of attached MNs: delivery and sources of their homes, the buffers of those away, the holds of newcomers. */
export class MnEntries {
  readonly #context: Context;
  readonly #domain: Domain;
  readonly #forwarding: Forwarding;
  readonly #settled: (node: MobileNode) => boolean;

  /** `settled` tells whether all homes of an MN are known. */
  constructor(
    context: Context,
    domain: Domain,
    forwarding: Forwarding,
    settled: (node: MobileNode) => boolean,
  ) {
    this.#context = context;
    this.#domain = domain;
    this.#forwarding = forwarding;
    this.#settled = settled;
  }

  /**
   * Delivery to the MN and permission to send from one of its homes; a foreign home sends back through its anchor. While
   * the MN is away its packets are kept.
   */
  install(node: MobileNode, home: Home): void {
    const { prefix, anchor } = home;
    const { link, mac } = node;
    const reverse = anchor === this.#domain.self ? {} : { reverse: anchor };
    this.#deliver(node, prefix);
    this.#forwarding.permit(owner(node), { kind: 'source', prefix, link, mac, ...reverse });
    this.#forwarding.release(prefix);
    this.#forwarding.releaseStation(link, mac);
  }

  /** Takes back what `install` did. */
  uninstall(node: MobileNode, home: Home): void {
    this.#forwarding.withdraw(owner(node), home.prefix);
    this.#forwarding.forbid(owner(node), home.prefix, node.link);
  }

  uninstallAll(node: MobileNode): void {
    for (const home of homesOf(node)) this.uninstall(node, home);
  }

  reinstall(node: MobileNode): void {
    for (const home of homesOf(node)) this.install(node, home);
    this.#forwarding.commit();
  }

  /** Forbids its homes on the MN's old link and makes `link` its link; `reinstall` permits them there. */
  changeLink(node: MobileNode, link: LinkId): void {
    for (const home of homesOf(node)) this.#forwarding.forbid(owner(node), home.prefix, node.link);
    this.#forwarding.unholdStation(node.link, node.mac);
    node.link = link;
    this.holdUntilSettled(node);
  }

  /** Keeps the packets of an MN that is leaving or gone until it is found, here or elsewhere. */
  buffer(node: MobileNode, then?: () => void): void {
    for (const home of homesOf(node)) this.#deliver(node, home.prefix);
    this.#forwarding.commit(() => {
      this.#context.trace('buffering', { detail: { mnId: node.mnId } });
      then?.();
    });
  }

  /** Of a station whose homes are all known, only the hold that all share need keep anything. */
  holdUntilSettled(node: MobileNode): void {
    if (!this.#settled(node)) {
      this.#forwarding.holdStation(node.link, node.mac);
      return;
    }
    this.#forwarding.releaseStation(node.link, node.mac);
    this.#forwarding.unholdStation(node.link, node.mac);
  }

  #deliver(node: MobileNode, prefix: Prefix): void {
    const { link, mac, linkLocal: nextHop } = node;
    this.#forwarding.deliver(owner(node), { kind: 'deliver', prefix, link, nextHop, mac }, isAway(node));
  }
}

function owner(node: MobileNode): string {
  return `mn ${node.mnId}`;
}
