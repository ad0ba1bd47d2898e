import type { Address, Prefix } from '../../../bindings/entries.ts';
import { RENEW_BEFORE, TIMER, type State } from './state.ts';

/**
 * Notes who serves a home that we anchor, until `expires` (milliseconds), and subscribes to its moves: location management
 * tells of each, so that packets for the home need not wait for an answer (Luo figure 4, steps 4 to 6).
 */
export function keepAnchored(
  state: State,
  prefix: Prefix,
  mnId: string,
  serving: Address,
  counter: number,
  expires: number,
): void {
  const { context, domain, location, forwarding, allocator } = state.functions;
  location.anchored.set(prefix, { prefix, mnId, serving, counter, expires });
  // As long as it is followed its prefix must not pass to another MN.
  if (mnId !== '') allocator.renew(mnId, prefix);
  forwarding.tunnel(`anchor ${prefix}`, 'anchored', prefix, serving);
  context.arm(`${TIMER.anchored}${prefix}`, state.renewal(expires, true));
  context.trace('anchor', { detail: { prefix, mnId, serving: domain.nameOf(serving), counter } });
}

/** Stops sending a home after its MN: it is back, gone for good, or nothing was heard of it for too long. */
export function dropAnchored(state: State, prefix: Prefix): void {
  const { context, location, forwarding } = state.functions;
  const anchored = location.anchored.get(prefix);
  if (anchored === undefined) return;
  location.anchored.delete(prefix);
  if (anchored.expires <= context.now + RENEW_BEFORE) context.count('anchored-expired');
  forwarding.withdraw(`anchor ${prefix}`, prefix);
  context.disarm(`${TIMER.anchored}${prefix}`);
  context.trace('anchor', { detail: { prefix, serving: undefined } });
}

/** What is known of a home that we anchor ends, or nobody answered: it is asked for again, and dropped if that takes too long. */
export function renewAnchored(state: State, prefix: Prefix): void {
  const { context, location, forwarding } = state.functions;
  const anchored = location.anchored.get(prefix);
  if (anchored === undefined) {
    if (location.find(prefix) === undefined) state.lm.lookup(prefix);
    return;
  }
  if (anchored.expires <= context.now) {
    dropAnchored(state, prefix);
    forwarding.commit();
    // A registration that was refreshed at the last moment has not changed: nobody tells of it.
    state.lm.lookup(prefix);
    return;
  }
  context.arm(`${TIMER.anchored}${prefix}`, anchored.expires - context.now);
  state.lm.lookup(prefix);
}

/**
 * After a restart peers are asked where the homes are, which nobody acknowledges: location management is asked about those that
 * are leased and not back in a while.
 */
export function watchLeased({ functions }: State): void {
  const { allocator, context } = functions;
  for (const { prefix } of allocator.leases()) {
    context.arm(`${TIMER.anchored}${prefix}`, context.config.timers.retransmitMax);
  }
}
