import type { Prefix } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { Domain } from './domain.ts';
import { hear, homeOf, homesOf, mnPrefix, newHome, type Home, type MobileNode } from './node.ts';

/** Unused prefixes of earlier MAARs that are still deprecated; hosts forget them by themselves within two hours. */
const MAX_SPENT = 8;
/** Homes of one MN that are followed at once; each has carried a session and is still valid. */
const MAX_HOMES = 16;

/**
 * Takes over a home of an MN here that another MAAR names, by an address of it or its prefix: our own, one known already,
 * or a new one anchored elsewhere. A valid lifetime of 0 says that no session ever used it. Returns undefined if it is none
 * to be followed: unused, anchored by no MAAR, ours without our having assigned it, or one too many.
 */
export function takeHome(
  { context, domain }: { readonly context: Context; readonly domain: Domain },
  node: MobileNode,
  hoa: Prefix,
  validSeconds: number,
): Home | undefined {
  const prefix = mnPrefix(hoa);
  if (validSeconds === 0) {
    spend(node, prefix);
    return undefined;
  }
  const anchor = domain.anchorOf(prefix);
  if (anchor === undefined) {
    context.count('home-without-anchor');
    return undefined;
  }
  let home = homeOf(node, prefix);
  if (home === undefined) {
    // Nobody else's word gives an MN a prefix of ours that we did not assign to it.
    if (anchor === domain.self || node.foreign.size >= MAX_HOMES) {
      context.count(anchor === domain.self ? 'home-not-assigned' : 'home-limit');
      return undefined;
    }
    node.spent.delete(prefix);
    home = newHome(prefix, anchor, context.now);
    node.foreign.set(prefix, home);
  }
  if (anchor !== domain.self) {
    home.spanSeconds = Math.max(home.spanSeconds, validSeconds);
    home.validUntil = Math.max(home.validUntil, context.now + validSeconds * 1000);
  }
  home.used = true;
  hear(home, hoa);
  for (const address of node.claimed) {
    if (mnPrefix(address) !== prefix) continue;
    node.claimed.delete(address);
    hear(home, `${address}/128`);
  }
  return home;
}

/** A prefix that the MN holds without ever having used it. */
function spend(node: MobileNode, prefix: Prefix): void {
  if (homesOf(node).some((home) => home.prefix === prefix)) return;
  if (node.spent.size < MAX_SPENT) node.spent.add(prefix);
}
