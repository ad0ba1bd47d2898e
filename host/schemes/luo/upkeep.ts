import type { Address } from '../../../bindings/entries.ts';
import type { Usage } from '../../core/maar-io.ts';
import { homesOf, isInUse, type MobileNode } from '../../functions/lm/node.ts';
import { runTimer, type TimerTable } from '../timers.ts';
import { renewAnchored } from './anchor.ts';
import { onAlone } from './attach.ts';
import { locationEnding, locationUnanswered } from './locate.ts';
import { keepRegistered } from './register.ts';
import { TIMER, type State } from './state.ts';
import { transitEnding } from './transit.ts';

/** A peer has lost its state: it hears where the homes are that it anchors. */
export function onRefreshRequest(state: State, src: Address): void {
  const { context, domain, location } = state.functions;
  context.trace('receive', { message: 'BRR', from: domain.nameOf(src) });
  if (!state.mayTell(src, 'refresh')) return;
  for (const node of location.nodes.values()) {
    const prefixes = [...node.foreign.values()]
      .filter(({ anchor }) => anchor === src)
      .map((home) => home.prefix);
    const counter = state.tickets.get(node.mnId) ?? 0;
    if (prefixes.length > 0) state.lm.redirect(src, state.binding(prefixes, domain.self, counter));
  }
}

/** Sessions that have carried nothing are released; of packets on their way through the last is noted. */
export function onUsage(state: State, usage: Usage): void {
  for (const { prefix, lastUsed } of usage.destinations) {
    const transit = state.transits.get(prefix);
    if (transit !== undefined) transit.lastUsed = Math.max(transit.lastUsed, lastUsed);
  }
  state.sessions.releaseIdle(usage);
  if (state.transits.size > 0) state.sessions.watch();
}

/** The MN is gone for good: its registration ends, and whoever subscribed to it hears so. */
export function forgetNode(state: State, node: MobileNode): void {
  for (const session of node.sessions.values()) state.sessions.remove(node, session);
  state.lm.detach(node.mnId);
  state.functions.context.disarm(`${TIMER.refresh}${node.mnId}`);
  state.functions.context.disarm(`${TIMER.alone}${node.mnId}`);
  state.forget(node.mnId);
}

/** At half the lifetime of a binding: homes whose prefix has run out end here, those that are registered live on. */
function refresh(state: State, mnId: string): void {
  const { context, location } = state.functions;
  const node = location.nodes.get(mnId);
  if (node === undefined) return;
  const { now } = context;
  const registered = state.registered.get(mnId);
  for (const home of node.foreign.values()) {
    // Its anchor follows the registration, and renews the lease with every look at it.
    if (registered !== undefined && isInUse(home, now)) {
      home.validUntil = Math.max(home.validUntil, registered + state.leftOf(home.spanSeconds) * 1000);
    }
  }
  const ended = state.sessions.expireHomes(node);
  if (ended && homesOf(node).length > 0) keepRegistered(state, node);
  context.arm(`${TIMER.refresh}${mnId}`, (state.bindingSeconds * 1000) / 2);
  // Answered before the next time, when it decides.
  if (node.foreign.size > 0) context.emit({ type: 'usage' });
}

const HANDLERS: TimerTable<State> = [
  [TIMER.located, locationEnding],
  [TIMER.unanswered, locationUnanswered],
  [TIMER.anchored, renewAnchored],
  [TIMER.transit, transitEnding],
  [TIMER.kept, locationUnanswered],
  [TIMER.alone, onAlone],
  [TIMER.refresh, refresh],
];

export function onTimer(state: State, id: string): void {
  if (state.sessions.timer(id) || state.released.timer(id)) return;
  runTimer(HANDLERS, state, id);
}
