import type { Address, Prefix } from '../../../bindings/entries.ts';
import { homeOf, homesOf, isInUse, type Home, type MobileNode } from '../../functions/lm/node.ts';
import { emitMobility } from '../../wire/mobility/message.ts';
import type { Usage } from '../scheme.ts';
import { dropAnchored } from './anchor.ts';
import { announce, repoint, retry } from './repoint.ts';
import { endHold, forgetReleased } from './serve.ts';
import { installSession, needsTunnel, removeSession, sessionWith, whereabouts } from './sessions.ts';
import { TIMER, type State } from './state.ts';

/** A restarted MAAR asks its peers for what they told it before [BRR, RFC 6275 6.1.2]. */
export function requestRefreshes(state: State): void {
  const { context, domain } = state.functions;
  for (const { address, name } of context.config.peers) {
    const data = emitMobility({ kind: 'BRR', options: [] }, domain.self, address);
    context.emit({ type: 'mobility', src: domain.self, dst: address, data });
    context.trace('send', { message: 'BRR', to: name });
  }
}

/** A peer has lost its state: it hears again what concerns it, as anchor or as a correspondent's MAAR. */
export function onRefreshRequest(state: State, src: Address): void {
  const { context, domain, location } = state.functions;
  context.trace('receive', { message: 'BRR', from: domain.nameOf(src) });
  for (const node of location.nodes.values()) {
    if (state.phases.of(node.mnId) === 'settled') announce(state, node, (peer) => peer === src);
  }
}

/** Every flow of an MN is recorded from its first packet; a tunnel is set up only if one end is away from its anchor. */
export function onFlow(state: State, node: MobileNode, home: Home, cn: Prefix): void {
  const { context, domain, forwarding } = state.functions;
  const known = node.sessions.get(cn);
  if (known?.homes.has(home.prefix)) {
    known.lastUsed = context.now;
    return;
  }
  const maar = known?.maar ?? whereabouts(state, cn);
  if (maar === undefined) {
    // Outside the domain there is no MAAR to tell: the home is followed, and its packets go by its anchor.
    home.used = true;
    return;
  }
  const session = sessionWith(state, node, home, cn, maar);
  installSession(state, node, session);
  forwarding.commit(() => {
    const ask = home.anchor !== domain.self && needsTunnel(state, node, session);
    if (ask && node.foreign.has(home.prefix)) repoint(state, node, home, maar, [cn], 0);
  });
}

/** Idle release: what carried nothing for the idle time leaves the lists and the data plane; its home stays bound. */
export function onUsage(state: State, usage: Usage): void {
  const { context, location, forwarding } = state.functions;
  const { idle } = context.config.timers;
  const used = new Map(usage.destinations.map(({ prefix, lastUsed }) => [prefix, lastUsed]));
  let sessions = 0;
  for (const node of location.nodes.values()) {
    for (const { src, dst, lastUsed } of usage.pairs) touch(node, src, dst, lastUsed);
    for (const session of node.sessions.values()) {
      const delivered = [...session.homes].map((prefix) => used.get(prefix) ?? 0);
      session.lastUsed = Math.max(session.lastUsed, used.get(session.cn) ?? 0, ...delivered);
      if (context.now - session.lastUsed < idle) {
        sessions++;
        continue;
      }
      removeSession(state, node, session);
      context.count('session-idle');
      context.trace('idle', { detail: { mnId: node.mnId, cn: session.cn } });
    }
  }
  forwarding.commit();
  state.unwatch();
  if (sessions > 0) state.watch();
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

/** The MN is gone for good: its correspondents' MAARs and anchors need not wait for the lifetimes to end. */
export function forgetNode(state: State, node: MobileNode): void {
  state.fetches.cancel(`s ${node.mnId}`);
  for (const session of node.sessions.values()) removeSession(state, node, session);
  state.functions.context.disarm(`${TIMER.refresh}${node.mnId}`);
  state.phases.advance(node.mnId, 'gone');
  state.unpark();
}

export function onTimer(state: State, id: string): void {
  if (state.fetches.timer(id) || state.repoints.timer(id)) return;
  const about = (prefix: string): string | undefined =>
    id.startsWith(prefix) ? id.slice(prefix.length) : undefined;
  const released = about(TIMER.release);
  const forgotten = about(TIMER.forget);
  const refreshed = about(TIMER.refresh);
  const anchored = about(TIMER.anchored);
  const session = about(TIMER.session);
  if (released !== undefined) endHold(state, released);
  else if (forgotten !== undefined) forgetReleased(state, forgotten);
  else if (refreshed !== undefined) refresh(state, refreshed);
  else if (anchored !== undefined) expireAnchored(state, anchored);
  else if (session !== undefined) expireSession(state, session);
  else if (id.startsWith(TIMER.retry)) retry(state, id);
  else if (id === TIMER.usage) state.functions.context.emit({ type: 'usage' });
}

/**
 * At half its lifetime a binding is renewed wherever it stands, and with it the lease of a home that is away, unless the home
 * has carried nothing for the whole time of its lease; homes whose prefix has run out end here.
 */
function refresh(state: State, mnId: string): void {
  const { context, location, forwarding, attachment } = state.functions;
  const node = location.nodes.get(mnId);
  if (node === undefined) return;
  for (const home of node.foreign.values()) {
    if (home.validUntil > context.now) continue;
    for (const session of node.sessions.values()) {
      session.homes.delete(home.prefix);
      if (session.homes.size === 0) removeSession(state, node, session);
    }
    attachment.entries.uninstall(node, home);
    node.foreign.delete(home.prefix);
    context.trace('home-expired', { detail: { mnId, home: home.prefix } });
  }
  forwarding.commit();
  // What is known of its use is up to half the idle time old.
  const { idle } = context.config.timers;
  const renewed = (home: Home): boolean =>
    !node.foreign.has(home.prefix) || isInUse(home, context.now - idle);
  if (homesOf(node).some((home) => home.used)) announce(state, node, undefined, renewed);
  if (node.foreign.size > 0) state.watch();
  context.arm(`${TIMER.refresh}${mnId}`, (state.bindingSeconds * 1000) / 2);
}

function expireAnchored(state: State, prefix: Prefix): void {
  state.functions.context.count('anchored-expired');
  dropAnchored(state, prefix);
  state.functions.forwarding.commit();
}

/** The mover's MAAR has been silent for a lifetime: its anchor is the only one that may still know it. */
function expireSession(state: State, about: string): void {
  const { context, domain, location, forwarding } = state.functions;
  const [mnId = '', cn = ''] = about.split(' ');
  const node = location.nodes.get(mnId);
  const session = node?.sessions.get(cn);
  const anchor = domain.anchorOf(cn);
  if (node === undefined || session === undefined || anchor === undefined || session.maar === anchor) return;
  if (session.maar === domain.self && location.find(cn) !== undefined) return;
  session.maar = anchor;
  context.count('session-expired');
  installSession(state, node, session);
  forwarding.commit();
}
