import type { Address, Prefix } from '../../../bindings/entries.ts';
import { mnPrefix, type Home, type MobileNode, type Session } from '../../functions/lm/node.ts';
import { keepRegistered } from './register.ts';
import { TIMER, type State } from './state.ts';

/** Correspondents of one MN; past that the one least recently used goes by its anchor. */
const MAX_SESSIONS = 512;
/** How long packets go to an anchor in a tunnel, so that it sees whom to redirect if the MN is elsewhere. */
const PROBE_MILLIS = 1_000;

function owner(node: MobileNode, session: Session): string {
  return `session ${node.mnId} ${session.cn}`;
}

/**
 * Whether packets to the correspondent must be tunnelled: it is not where its address is anchored, or one of our homes
 * that talks to it is not, so that native packets with that source would fail ingress filtering.
 */
export function needsTunnel(state: State, node: MobileNode, session: Session): boolean {
  const { domain } = state.functions;
  if (session.maar === domain.self) return false;
  const foreign = [...session.homes].some((prefix) => node.foreign.has(prefix));
  return foreign || session.maar !== domain.anchorOf(session.cn);
}

/** Makes the data plane follow what is known of a session. */
export function installSession(state: State, node: MobileNode, session: Session): void {
  const { forwarding } = state.functions;
  if (needsTunnel(state, node, session)) {
    forwarding.tunnel(owner(node, session), 'internal', session.cn, session.maar);
  } else {
    forwarding.withdraw(owner(node, session), session.cn);
  }
}

export function removeSession(state: State, node: MobileNode, session: Session): void {
  const { forwarding } = state.functions;
  forwarding.withdraw(owner(node, session), session.cn);
  node.sessions.delete(session.cn);
}

/** The session of a home of ours with a correspondent, made where there was none; at the limit the least used one goes. */
export function sessionWith(state: State, node: MobileNode, home: Home, cn: Prefix, maar: Address): Session {
  const { context } = state.functions;
  let session = node.sessions.get(cn);
  if (session === undefined) {
    if (node.sessions.size >= MAX_SESSIONS) {
      context.count('session-limit');
      const [oldest] = [...node.sessions.values()].sort((a, b) => a.lastUsed - b.lastUsed);
      if (oldest !== undefined) removeSession(state, node, oldest);
    }
    session = { cn, homes: new Set(), maar, counter: 0, lastUsed: context.now };
    node.sessions.set(cn, session);
    state.assumed.add(session);
    state.watch();
  }
  home.used = true;
  session.homes.add(home.prefix);
  session.lastUsed = context.now;
  return session;
}

/** Where a correspondent is, as well as we know without asking: here, gone from here, or at its anchor. */
function whereabouts(state: State, cn: Prefix): Address | undefined {
  const { location, domain } = state.functions;
  if (location.find(cn) !== undefined) return domain.self;
  const released = location.findReleased(cn);
  return released?.movedTo ?? location.anchored.get(mnPrefix(cn))?.serving ?? domain.anchorOf(cn);
}

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
  const maar = known?.maar ?? whereabouts(state, cn);
  if (maar === undefined) {
    // Outside the domain there is no MAAR to tell: the home is followed, and its packets go by its anchor (Luo section 6).
    return;
  }
  const session = sessionWith(state, node, home, cn, maar);
  if (maar === domain.self) state.assumed.delete(session);
  installSession(state, node, session);
  if (known === undefined && maar !== domain.self) findCorrespondent(state, node, session);
  forwarding.commit();
}

/** Sees to it that the correspondent of a new session is found. */
export function findCorrespondent(state: State, node: MobileNode, session: Session): void {
  const { context, forwarding } = state.functions;
  const { cn } = session;
  if (!state.asks) {
    forwarding.tunnel(owner(node, session), 'internal', cn, session.maar);
    context.arm(`${TIMER.located}${cn}`, PROBE_MILLIS);
    return;
  }
  if (state.options.first === 'hold') {
    forwarding.keep(owner(node, session), 'internal', cn);
    // Half of what a packet may wait: then it takes the way by the anchor, and none is lost.
    context.arm(`${TIMER.kept}${cn}`, context.config.hold.millis / 2);
  }
  state.lm.lookup(cn.split('/')[0] ?? cn);
}

/** Every session with a correspondent among these prefixes, of MNs here and of those just released. */
export function* sessionsTo(
  state: State,
  prefixes: readonly Prefix[],
): Generator<{ readonly node: MobileNode; readonly session: Session; readonly here: boolean }> {
  const { location } = state.functions;
  const wanted = new Set(prefixes.map(mnPrefix));
  const released = [...location.released.values()].map(({ node }) => node);
  for (const node of [...location.nodes.values(), ...released]) {
    const here = location.nodes.get(node.mnId) === node;
    for (const session of node.sessions.values()) {
      if (wanted.has(mnPrefix(session.cn))) yield { node, session, here };
    }
  }
}

/** Points every session with correspondents among `prefixes` to the MAAR where they are; older news change nothing. */
export function pointSessions(
  state: State,
  prefixes: readonly Prefix[],
  maar: Address,
  counter: number,
): boolean {
  const { domain, location } = state.functions;
  let found = false;
  for (const { node, session, here } of sessionsTo(state, prefixes)) {
    found ||= here;
    if (counter < session.counter) continue;
    session.maar = location.find(session.cn) === undefined ? maar : domain.self;
    session.counter = counter;
    state.assumed.delete(session);
    if (here) settleSession(state, node, session);
  }
  return found;
}

/** Nothing is registered, or nobody answers: the correspondent is at its anchor, who can always find it. */
export function leaveToAnchor(state: State, prefixes: readonly Prefix[], known: boolean): boolean {
  const { context, domain, location } = state.functions;
  let found = false;
  for (const { node, session, here } of sessionsTo(state, prefixes)) {
    found ||= here;
    const anchor = domain.anchorOf(session.cn);
    if (anchor === undefined || location.find(session.cn) !== undefined) continue;
    if (session.maar !== anchor) context.count('session-expired');
    session.maar = anchor;
    session.counter = 0;
    if (known) state.assumed.delete(session);
    else state.assumed.add(session);
    if (here) settleSession(state, node, session);
  }
  return found;
}

/** As `installSession`, where packets may have been kept: they leave before the entry does. */
function settleSession(state: State, node: MobileNode, session: Session): void {
  const { context, forwarding, domain } = state.functions;
  context.disarm(`${TIMER.kept}${session.cn}`);
  const keeps = state.asks && state.options.first === 'hold' && session.maar !== domain.self;
  if (!keeps || needsTunnel(state, node, session)) {
    installSession(state, node, session);
    return;
  }
  forwarding.tunnel(owner(node, session), 'internal', session.cn, session.maar);
  forwarding.commit(() => {
    if (node.sessions.get(session.cn) !== session) return;
    installSession(state, node, session);
    forwarding.commit();
  });
}
