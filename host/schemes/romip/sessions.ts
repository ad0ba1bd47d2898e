import type { Address, Prefix } from '../../../bindings/entries.ts';
import { homeNames, homesOf, type Home, type MobileNode } from '../../functions/lm/node.ts';
import { repoint } from './repoint.ts';
import { TIMER, type State } from './state.ts';

/** Every flow of an MN is recorded from its first packet; a tunnel is set up only if one end is away from its anchor. */
export function onFlow(state: State, node: MobileNode, home: Home, cn: Prefix): void {
  const { context, domain, forwarding } = state.functions;
  const known = node.sessions.get(cn);
  if (known?.homes.has(home.prefix)) {
    known.lastUsed = context.now;
    return;
  }
  const maar = known?.maar ?? state.sessions.whereabouts(cn);
  if (maar === undefined) {
    // Outside the domain there is no MAAR to tell: the home is followed, and its packets go by its anchor.
    home.used = true;
    return;
  }
  const session = state.sessions.open(node, home, cn, maar);
  state.sessions.install(node, session);
  forwarding.commit(() => {
    const ask = home.anchor !== domain.self && state.sessions.needsTunnel(node, session);
    if (ask && node.foreign.has(home.prefix)) repoint(state, node, home, maar, [cn], 0);
  });
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
  const touched = new Set<Prefix>();
  for (const { node, session, here } of state.sessions.with(homes)) {
    if (counter < session.counter) continue;
    session.maar = maar;
    session.counter = counter;
    if (!here) continue;
    for (const home of homesOf(node)) {
      if (session.homes.has(home.prefix)) for (const name of homeNames(home)) touched.add(name);
    }
    state.sessions.install(node, session);
    state.functions.context.arm(`${TIMER.session}${node.mnId} ${session.cn}`, lifetimeSeconds * 1000);
  }
  return [...touched];
}
