import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { Home, MobileNode, Session } from '../../functions/lm/node.ts';
import { keepRegistered } from './register.ts';
import { TIMER, type State } from './state.ts';

/** How long packets go to an anchor in a tunnel, so that it sees whom to redirect if the MN is elsewhere. */
const PROBE_MILLIS = 1_000;

/**
 * First packet of a session between a home of ours and a correspondent: Luo figures 3 and 4, steps 1 and 2. Where the
 * design asks, location management is asked; where it does not, packets go towards the correspondent's anchor in a
 * tunnel for a moment: of packets that come natively an anchor could not tell whom to redirect.
 */
export function onFlow(state: State, node: MobileNode, home: Home, cn: Prefix): void {
  const { context, domain, forwarding } = state.functions;
  const known = node.sessions.get(cn);
  if (known?.homes.has(home.prefix)) {
    known.lastUsed = context.now;
    return;
  }
  const unused = !home.used;
  home.used = true;
  // What no session used was not registered.
  if (unused) keepRegistered(state, node);
  const maar = known?.maar ?? state.sessions.whereabouts(cn);
  if (maar === undefined) {
    // Outside the domain there is no MAAR to tell: the home is followed, and its packets go by its anchor (Luo section 6).
    return;
  }
  const session = state.sessions.open(node, home, cn, maar);
  if (maar === domain.self) state.confirmed.add(session);
  state.sessions.install(node, session);
  if (known === undefined && maar !== domain.self) findCorrespondent(state, node, session);
  forwarding.commit();
}

/** Sees to it that the correspondent of a new session is found. */
export function findCorrespondent(state: State, node: MobileNode, session: Session): void {
  const { context } = state.functions;
  const { cn } = session;
  if (!state.asks) {
    state.sessions.tunnel(node, session);
    context.arm(`${TIMER.located}${cn}`, PROBE_MILLIS);
    return;
  }
  if (state.options.first === 'hold') {
    state.sessions.keep(node, session);
    // Half of what a packet may wait: then it takes the way by the anchor, and none is lost.
    context.arm(`${TIMER.kept}${cn}`, context.config.hold.millis / 2);
  }
  state.lm.lookup(cn);
}

/** Points every session with correspondents among `prefixes` to the MAAR where they are; older news change nothing. */
export function pointSessions(
  state: State,
  prefixes: readonly Prefix[],
  maar: Address,
  counter: number,
): boolean {
  const { context, domain, location } = state.functions;
  let found = false;
  for (const { node, session, here } of state.sessions.with(prefixes)) {
    found ||= here;
    if (counter < session.counter) continue;
    session.maar = location.find(session.cn) === undefined ? maar : domain.self;
    session.counter = counter;
    state.confirmed.add(session);
    if (!here) continue;
    settleSession(state, node, session);
    // Whoever said so may say for how long; this is the longest.
    context.arm(`${TIMER.located}${session.cn}`, state.bindingSeconds * 1000);
  }
  return found;
}

/** Nothing is registered, or nobody answers: the correspondent is at its anchor, who can always find it. */
export function leaveToAnchor(state: State, prefixes: readonly Prefix[], known: boolean): boolean {
  const { context, domain, location } = state.functions;
  let found = false;
  for (const { node, session, here } of state.sessions.with(prefixes)) {
    found ||= here;
    const anchor = domain.anchorOf(session.cn);
    if (anchor === undefined || location.find(session.cn) !== undefined) continue;
    if (session.maar !== anchor) context.count('session-expired');
    session.maar = anchor;
    session.counter = 0;
    if (known) state.confirmed.add(session);
    else state.confirmed.delete(session);
    if (here) settleSession(state, node, session);
  }
  return found;
}

/** As `install`, where packets may have been kept: they leave before the entry does. */
function settleSession(state: State, node: MobileNode, session: Session): void {
  const { context, forwarding, domain } = state.functions;
  context.disarm(`${TIMER.kept}${session.cn}`);
  const keeps = state.asks && state.options.first === 'hold' && session.maar !== domain.self;
  if (!keeps || state.sessions.needsTunnel(node, session)) {
    state.sessions.install(node, session);
    return;
  }
  state.sessions.tunnel(node, session);
  forwarding.commit(() => {
    if (node.sessions.get(session.cn) !== session) return;
    state.sessions.install(node, session);
    forwarding.commit();
  });
}
