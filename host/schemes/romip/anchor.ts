import type { Address, Prefix } from '../../../bindings/entries.ts';
import { TIMER, type State } from './state.ts';

/** Notes who serves a home that we anchor, for as long as its MAAR says. */
export function keepAnchored(
  state: State,
  prefix: Prefix,
  mnId: string,
  serving: Address,
  counter: number,
  lifetimeSeconds: number,
): void {
  const { context, domain, location, forwarding } = state.functions;
  const expires = context.now + lifetimeSeconds * 1000;
  location.anchored.set(prefix, { prefix, mnId, serving, counter, expires });
  forwarding.tunnel(`anchor ${prefix}`, 'anchored', prefix, serving);
  context.arm(`${TIMER.anchored}${prefix}`, lifetimeSeconds * 1000);
  context.trace('anchor', { detail: { prefix, mnId, serving: domain.nameOf(serving), counter } });
}

/** Stops sending a home after its MN: it is back, gone for good, or its MAAR was not heard of for a lifetime. */
export function dropAnchored(state: State, prefix: Prefix): void {
  const { context, location, forwarding } = state.functions;
  if (!location.anchored.delete(prefix)) return;
  forwarding.withdraw(`anchor ${prefix}`, prefix);
  context.disarm(`${TIMER.anchored}${prefix}`);
  context.trace('anchor', { detail: { prefix, serving: undefined } });
}
