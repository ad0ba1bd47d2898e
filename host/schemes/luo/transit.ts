import type { Address, Prefix } from '../../../bindings/entries.ts';
import { remember, RENEW_BEFORE, TIMER, type State, type Transit } from './state.ts';
import type { Located } from './locate.ts';

/**
 * Anycast, Chan section 8: every MR takes packets for all homes of the domain, and sends them to the home's MR as long as it
 * knows nothing better. The domain's routing brings those of each correspondent to the MR nearest to it.
 */
export function takeAllHomes(state: State): void {
  const { context, forwarding } = state.functions;
  for (const { address, prefixes } of context.config.peers) {
    for (const prefix of prefixes) forwarding.tunnel('anycast', 'internal', prefix, address);
  }
  forwarding.commit();
}

/** Sends packets for a home that is no MN's here on to a MAAR, for `millis`; `lasting`: what is known is asked for again. */
export function openTransit(
  state: State,
  prefix: Prefix,
  locator: Address,
  counter: number,
  millis: number,
  lasting: boolean,
): void {
  const { context, forwarding } = state.functions;
  const lastUsed = state.transits.get(prefix)?.lastUsed ?? context.now;
  state.transits.delete(prefix);
  state.transits.set(prefix, { prefix, locator, counter, lastUsed, lasting, asked: false });
  const displaced = remember(state.transits);
  if (displaced !== undefined) removeTransit(state, displaced);
  forwarding.tunnel(`transit ${prefix}`, 'released', prefix, locator);
  context.arm(`${TIMER.transit}${prefix}`, millis);
  if (lasting) state.sessions.watch();
}

export function closeTransit(state: State, prefix: Prefix): void {
  const transit = state.transits.get(prefix);
  if (transit === undefined) return;
  state.transits.delete(prefix);
  removeTransit(state, transit);
}

function removeTransit(state: State, { prefix }: Transit): void {
  const { context, forwarding } = state.functions;
  forwarding.withdraw(`transit ${prefix}`, prefix);
  context.disarm(`${TIMER.transit}${prefix}`);
}

/** What location management, or another MAAR, says of packets that the core brings here. */
export function transitLocated(state: State, prefix: Prefix, located: Located, inUse: boolean): void {
  const { context, domain, location } = state.functions;
  const { binding, until } = located;
  const known = state.transits.get(prefix);
  const anchor = domain.anchorOf(prefix);
  if (known === undefined && (!state.anycast || inUse || anchor === undefined)) return;
  if (location.find(prefix) !== undefined || binding?.locator === domain.self) {
    closeTransit(state, prefix);
  } else if (binding === undefined || binding.locator === anchor) {
    if (known?.lasting === true && until !== undefined) closeTransit(state, prefix);
  } else if (binding.counter >= (known?.counter ?? 0)) {
    const millis = state.renewal(until ?? context.now, true);
    openTransit(state, prefix, binding.locator, binding.counter, millis, state.anycast);
  }
}

/** What is known of packets on their way through ends: asked for again where they still come and the design asks. */
export function transitEnding(state: State, prefix: Prefix): void {
  const { context, forwarding } = state.functions;
  const transit = state.transits.get(prefix);
  if (transit === undefined) return;
  const used = context.now - transit.lastUsed < context.config.timers.idle;
  if (transit.lasting && used && state.asks && !transit.asked) {
    transit.asked = true;
    context.arm(`${TIMER.transit}${prefix}`, RENEW_BEFORE);
    state.lm.lookup(prefix);
    return;
  }
  closeTransit(state, prefix);
  forwarding.commit();
}
