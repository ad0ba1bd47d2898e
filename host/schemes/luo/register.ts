import type { LocationEvent } from '../../functions/lm/client/service.ts';
import { LM_STATUS } from '../../functions/lm/messages/constants.ts';
import { homesOf, type MobileNode } from '../../functions/lm/node.ts';
import type { State } from './state.ts';

/**
 * Registers the MN here once its homes and a counter are known (Luo 4.2). One that never left its first MAAR need not be:
 * regular routing finds it.
 */
export function keepRegistered(state: State, node: MobileNode): void {
  const { mnId } = node;
  const counter = state.tickets.get(mnId);
  if (counter === undefined || state.phases.of(mnId) !== 'settled' || !state.bindings.has(mnId)) return;
  const away = node.foreign.size > 0 || state.bindings.get(mnId) !== undefined;
  const always = state.options.register === 'always';
  // A home that no session uses need not be found.
  const prefixes = homesOf(node)
    .filter(({ used }) => always || (away && used))
    .map(({ prefix }) => prefix);
  if (prefixes.length > 0) state.lm.register({ mnId, counter, prefixes, delegated: [] });
}

/** What came of a registration. A later one may exist although the MN is here: then this one has to be the latest. */
export function onRegisteredThere(
  state: State,
  { mnId, status }: Extract<LocationEvent, { type: 'registered' }>,
): void {
  const { context, location, attachment } = state.functions;
  const node = location.nodes.get(mnId);
  if (status === LM_STATUS.accepted) {
    state.registered.set(mnId, context.now);
    return;
  }
  state.registered.delete(mnId);
  context.count(`register-${status}`);
  if (node?.state !== 'attached' || status !== LM_STATUS.superseded) return;
  attachment.presence.probe(node, (present) => {
    if (present && location.nodes.get(mnId) === node) state.lm.attach(mnId);
  });
}
