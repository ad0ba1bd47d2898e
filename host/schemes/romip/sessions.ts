import type { Address, Prefix } from '../../../bindings/entries.ts';
import {
  homeNames,
  homesOf,
  mnPrefix,
  type Home,
  type MobileNode,
  type Session,
} from '../../functions/lm/node.ts';
import { TIMER, type State } from './state.ts';

/** Correspondents of one MN; past that the one least recently used goes by its anchor. */
const MAX_SESSIONS = 512;

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

/** Makes the data plane follow the internal binding of a session. */
export function installSession(state: State, node: MobileNode, session: Session): void {
  const { forwarding } = state.functions;
  if (needsTunnel(state, node, session)) {
    forwarding.tunnel(owner(node, session), 'internal', session.cn, session.maar);
  } else {
    forwarding.withdraw(owner(node, session), session.cn);
  }
}

export function removeSession(state: State, node: MobileNode, session: Session): void {
  const { context, forwarding } = state.functions;
  forwarding.withdraw(owner(node, session), session.cn);
  node.sessions.delete(session.cn);
  context.disarm(`${TIMER.session}${node.mnId} ${session.cn}`);
  state.settleRetry(`${TIMER.retry}${node.mnId} ${session.cn}`);
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
    state.watch();
  }
  home.used = true;
  session.homes.add(home.prefix);
  session.lastUsed = context.now;
  return session;
}

/** Where a correspondent is, as well as we know without asking: here, gone from here, or at its anchor. */
export function whereabouts(state: State, cn: Prefix): Address | undefined {
  const { location, domain } = state.functions;
  if (location.find(cn) !== undefined) return domain.self;
  const released = location.findReleased(cn);
  return released?.movedTo ?? location.anchored.get(mnPrefix(cn))?.serving ?? domain.anchorOf(cn);
}

/**
 * Points every session with the given homes, of MNs here and of those just released, to the mover's MAAR: a dDBU names
 * only the mover, so that it refreshes the lists of all local MNs that talk to it. Older news change nothing.
 * Returns the home addresses of ours that talk to it.
 */
export function repointLocal(
  state: State,
  homes: readonly Prefix[],
  maar: Address,
  counter: number,
  lifetimeSeconds: number,
): Prefix[] {
  const { location, context } = state.functions;
  const movers = new Set(homes.map(mnPrefix));
  const touched = new Set<Prefix>();
  const lists = [...location.nodes.values(), ...[...location.released.values()].map(({ node }) => node)];
  for (const node of lists) {
    for (const session of node.sessions.values()) {
      if (!movers.has(mnPrefix(session.cn)) || counter < session.counter) continue;
      session.maar = maar;
      session.counter = counter;
      if (location.nodes.get(node.mnId) !== node) continue;
      for (const home of homesOf(node)) {
        if (session.homes.has(home.prefix)) for (const name of homeNames(home)) touched.add(name);
      }
      installSession(state, node, session);
      context.arm(`${TIMER.session}${node.mnId} ${session.cn}`, lifetimeSeconds * 1000);
    }
  }
  return [...touched];
}
