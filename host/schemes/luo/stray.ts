import type { Address, DataPlaneEvent, Prefix } from '../../../bindings/entries.ts';
import { mnPrefix } from '../../functions/lm/node.ts';
import type { Located } from './locate.ts';
import { remember, type State } from './state.ts';
import { openTransit } from './transit.ts';

type Redirected = Extract<DataPlaneEvent, { kind: 'redirect' }>;
type Unknown = Extract<DataPlaneEvent, { kind: 'unknown-destination' }>;

/**
 * A MAAR tunnelled a packet here that was tunnelled on: it is told where the MN is (Luo figure 4 step 8), or, by a home's
 * MR where the design is to ask, that there is something to ask. Finding the correspondent's MR, which Luo calls a
 * challenge, takes the outer source address.
 */
export function onRedirected(state: State, { peer, dst }: Redirected): void {
  const { domain } = state.functions;
  const prefix = mnPrefix(dst);
  const known = whither(state, prefix);
  if (known === undefined || !domain.isPeer(peer)) return;
  if (known.maar === peer) {
    // Each of the two believes that the other has the MN.
    if (state.mayTell(peer, `circle ${prefix}`)) state.lm.stale(dst, peer);
    return;
  }
  if (state.asks && state.anycast && domain.anchorOf(prefix) === domain.self) deny(state, peer, prefix);
  else redirect(state, peer, prefix, known.maar, known.counter);
}

/** Where packets for a home that is not here are sent from here. */
function whither(
  state: State,
  prefix: Prefix,
): { readonly maar: Address; readonly counter: number } | undefined {
  const { location } = state.functions;
  const anchored = location.anchored.get(prefix);
  if (anchored !== undefined) return { maar: anchored.serving, counter: anchored.counter };
  const released = location.findReleased(prefix);
  if (released?.forwarding === true) {
    return { maar: released.movedTo, counter: state.tickets.get(released.mnId) ?? 0 };
  }
  const transit = state.transits.get(prefix);
  return transit === undefined ? undefined : { maar: transit.locator, counter: transit.counter };
}

function redirect(state: State, peer: Address, prefix: Prefix, maar: Address, counter: number): void {
  if (!state.mayTell(peer, `${maar} ${prefix}`)) return;
  state.lm.redirect(peer, state.binding([prefix], maar, counter));
}

/** Tells a MAAR that the home is not here, and that we do not say where it is. */
function deny(state: State, peer: Address, prefix: Prefix): void {
  if (!state.mayTell(peer, `not ${prefix}`)) return;
  const { self } = state.functions.domain;
  state.lm.redirect(peer, { ...state.binding([prefix], self, 0), lifetimeSeconds: 0 });
}

/**
 * A MAAR tunnelled a packet here for a home of which nothing is known (any more): it waits in the hold while location
 * management is asked.
 */
export function onUnknown(state: State, { peer, dst }: Unknown): void {
  const { domain } = state.functions;
  // An MN whose homes are on their way: its packets wait for them.
  if (state.expecting || domain.anchorOf(dst) === undefined || !domain.isPeer(peer)) return;
  const prefix = mnPrefix(dst);
  const peers = state.strays.get(prefix) ?? new Set();
  state.strays.set(prefix, peers.add(peer));
  remember(state.strays);
  state.lm.lookup(dst);
}

/**
 * The rule for stale entries: packets go on to where the MN is, and those who sent them here are redirected. Where nothing
 * is known, or only what they believe, they go by the home's MR, and their senders are to ask.
 */
export function strayLocated(state: State, prefix: Prefix, { binding }: Located): void {
  const { context, domain, forwarding, location } = state.functions;
  const peers = state.strays.get(prefix);
  if (peers === undefined) return;
  state.strays.delete(prefix);
  if (location.find(prefix) !== undefined) return;
  context.count('stray');
  const elsewhere = binding === undefined || binding.locator === domain.self ? undefined : binding.locator;
  const anchor = domain.anchorOf(prefix);
  const target = elsewhere ?? (anchor === domain.self ? undefined : anchor);
  for (const peer of peers) {
    if (elsewhere === undefined || elsewhere === peer) deny(state, peer, prefix);
    else redirect(state, peer, prefix, elsewhere, binding?.counter ?? 0);
  }
  // Back to where they came from would be a circle.
  if (target === undefined || (peers.has(target) && peers.size === 1)) {
    forwarding.discard(prefix);
    return;
  }
  if (anchor !== domain.self) {
    openTransit(state, prefix, target, binding?.counter ?? 0, context.config.timers.hold, false);
  }
  forwarding.release(prefix);
}
