import type { Address, Prefix } from '../../../bindings/entries.ts';
import { homesOf, isInUse, type Home, type MobileNode } from '../../functions/lm/node.ts';
import { runTimer, type TimerTable } from '../timers.ts';
import { dropAnchored } from './anchor.ts';
import { announce, retry } from './repoint.ts';
import { TIMER, type State } from './state.ts';

/** A peer has lost its state: it hears again what concerns it, as anchor or as a correspondent's MAAR. */
export function onRefreshRequest(state: State, src: Address): void {
  const { context, domain, location } = state.functions;
  context.trace('receive', { message: 'BRR', from: domain.nameOf(src) });
  for (const node of location.nodes.values()) {
    if (state.phases.of(node.mnId) === 'settled') announce(state, node, (peer) => peer === src);
  }
}

/** The MN is gone for good: its correspondents' MAARs and anchors need not wait for the lifetimes to end. */
export function forgetNode(state: State, node: MobileNode): void {
  state.fetches.cancel(`s ${node.mnId}`);
  for (const session of node.sessions.values()) state.sessions.remove(node, session);
  state.functions.context.disarm(`${TIMER.refresh}${node.mnId}`);
  state.phases.advance(node.mnId, 'gone');
  state.unpark();
}

/**
 * At half its lifetime a binding is renewed wherever it stands, and with it the lease of a home that is away, unless the home
 * has carried nothing for the whole time of its lease; homes whose prefix has run out end here.
 */
function refresh(state: State, mnId: string): void {
  const { context, location } = state.functions;
  const node = location.nodes.get(mnId);
  if (node === undefined) return;
  state.sessions.expireHomes(node);
  // What is known of its use is up to half the idle time old.
  const { idle } = context.config.timers;
  const renewed = (home: Home): boolean =>
    !node.foreign.has(home.prefix) || isInUse(home, context.now - idle);
  if (homesOf(node).some((home) => home.used)) announce(state, node, undefined, renewed);
  if (node.foreign.size > 0) state.sessions.watch();
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
  state.sessions.install(node, session);
  forwarding.commit();
}

const HANDLERS: TimerTable<State> = [
  [TIMER.refresh, refresh],
  [TIMER.anchored, expireAnchored],
  [TIMER.session, expireSession],
  [TIMER.retry, retry],
];

export function onTimer(state: State, id: string): void {
  if (state.fetches.timer(id) || state.repoints.timer(id)) return;
  if (state.sessions.timer(id) || state.released.timer(id)) return;
  runTimer(HANDLERS, state, id);
}
