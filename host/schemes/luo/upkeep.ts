import type { Address } from '../../../bindings/entries.ts';
import { homeOf, homesOf, isInUse, type MobileNode } from '../../functions/lm/node.ts';
import { emitMobility } from '../../wire/mobility/message.ts';
import type { Usage } from '../scheme.ts';
import { renewAnchored } from './anchor.ts';
import { onAlone } from './attach.ts';
import { endHold, forgetReleased } from './leave.ts';
import { keptLongEnough, locationEnding, locationUnanswered } from './locate.ts';
import { keepRegistered } from './register.ts';
import { removeSession } from './sessions.ts';
import { TIMER, type State } from './state.ts';
import { transitEnding } from './transit.ts';

/** A restarted MAAR asks its peers where the homes that it anchors are [BRR, RFC 6275 6.1.2]. */
export function requestRefreshes(state: State): void {
  const { context, domain } = state.functions;
  for (const { address, name } of context.config.peers) {
    const data = emitMobility({ kind: 'BRR', options: [] }, domain.self, address);
    context.emit({ type: 'mobility', src: domain.self, dst: address, data });
    context.trace('send', { message: 'BRR', to: name });
  }
}

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

/** Idle release: what carried nothing for the idle time leaves the lists and the data plane; its home stays registered. */
export function onUsage(state: State, usage: Usage): void {
  const { context, location, forwarding } = state.functions;
  const { idle } = context.config.timers;
  const used = new Map(usage.destinations.map(({ prefix, lastUsed }) => [prefix, lastUsed]));
  let left = state.transits.size;
  for (const transit of state.transits.values()) {
    transit.lastUsed = Math.max(transit.lastUsed, used.get(transit.prefix) ?? 0);
  }
  for (const node of location.nodes.values()) {
    for (const { src, dst, lastUsed } of usage.pairs) touch(node, src, dst, lastUsed);
    for (const session of node.sessions.values()) {
      const delivered = [...session.homes].map((prefix) => used.get(prefix) ?? 0);
      session.lastUsed = Math.max(session.lastUsed, used.get(session.cn) ?? 0, ...delivered);
      if (context.now - session.lastUsed < idle) {
        left++;
        continue;
      }
      removeSession(state, node, session);
      context.count('session-idle');
      context.trace('idle', { detail: { mnId: node.mnId, cn: session.cn } });
    }
  }
  forwarding.commit();
  state.unwatch();
  if (left > 0) state.watch();
}

function touch(node: MobileNode, src: Address, dst: Address, lastUsed: number): void {
  for (const [own, other] of [
    [src, dst],
    [dst, src],
  ] as const) {
    const session = node.sessions.get(`${other}/128`);
    if (session !== undefined && homeOf(node, own) !== undefined) {
      session.lastUsed = Math.max(session.lastUsed, lastUsed);
    }
  }
}

/** The MN is gone for good: its registration ends, and whoever subscribed to it hears so. */
export function forgetNode(state: State, node: MobileNode): void {
  for (const session of node.sessions.values()) removeSession(state, node, session);
  state.lm.detach(node.mnId);
  state.functions.context.disarm(`${TIMER.refresh}${node.mnId}`);
  state.functions.context.disarm(`${TIMER.alone}${node.mnId}`);
  state.forget(node.mnId);
}

/** At half the lifetime of a binding: homes whose prefix has run out end here, those that are registered live on. */
function refresh(state: State, mnId: string): void {
  const { context, location, forwarding, attachment } = state.functions;
  const node = location.nodes.get(mnId);
  if (node === undefined) return;
  const { now } = context;
  let ended = false;
  for (const home of node.foreign.values()) {
    // Its anchor follows the registration, and renews the lease with every look at it.
    if (state.registered.has(mnId) && isInUse(home, now)) {
      home.validUntil = Math.max(home.validUntil, now + home.spanSeconds * 1000);
    }
    if (home.validUntil > now) continue;
    ended = true;
    for (const session of node.sessions.values()) {
      session.homes.delete(home.prefix);
      if (session.homes.size === 0) removeSession(state, node, session);
    }
    attachment.entries.uninstall(node, home);
    node.foreign.delete(home.prefix);
    context.trace('home-expired', { detail: { mnId, home: home.prefix } });
  }
  forwarding.commit();
  if (ended && homesOf(node).length > 0) keepRegistered(state, node);
  context.arm(`${TIMER.refresh}${mnId}`, (state.bindingSeconds * 1000) / 2);
  // Answered before the next time, when it decides.
  if (node.foreign.size > 0) context.emit({ type: 'usage' });
}

const HANDLERS: readonly (readonly [prefix: string, handle: (state: State, about: string) => void])[] = [
  [TIMER.release, endHold],
  [TIMER.forget, forgetReleased],
  [TIMER.located, locationEnding],
  [TIMER.unanswered, locationUnanswered],
  [TIMER.anchored, renewAnchored],
  [TIMER.transit, transitEnding],
  [TIMER.kept, keptLongEnough],
  [TIMER.alone, onAlone],
  [TIMER.refresh, refresh],
  [TIMER.usage, (state) => state.functions.context.emit({ type: 'usage' })],
];

export function onTimer(state: State, id: string): void {
  for (const [prefix, handle] of HANDLERS) {
    if (id.startsWith(prefix)) {
      handle(state, id.slice(prefix.length));
      return;
    }
  }
}
