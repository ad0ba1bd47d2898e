import type { Address } from '../../../bindings/entries.ts';
import type { LocationEvent } from '../../functions/lm/client/service.ts';
import { takeHome } from '../../functions/lm/handed.ts';
import { HACK_STATUS } from '../../functions/lm/messages/constants.ts';
import type { HandedHome, HandedSession } from '../../functions/lm/messages/message.ts';
import { homesOf, type MobileNode } from '../../functions/lm/node.ts';
import { ELSEWHERE_MILLIS } from '../../functions/proxy/attachment.ts';
import { dropAnchored } from './anchor.ts';
import { keepRegistered } from './register.ts';
import { findCorrespondent, pointSessions } from './sessions.ts';
import { TIMER, type State } from './state.ts';
import { closeTransit } from './transit.ts';

type Told<T extends LocationEvent['type']> = Extract<LocationEvent, { type: T }>;

/**
 * The AAA server has authorised the MN here. At its first attachment that is all (Luo section 4.1); else location
 * management is asked for a counter and what is registered (4.2), and the MAAR that it left for its context (4.4), both
 * at once.
 */
export function onRegistered(state: State, node: MobileNode, previous: Address | undefined): void {
  const { location, domain, context } = state.functions;
  const { mnId } = node;
  const settledBefore = state.phases.of(mnId) === 'settled';
  const released = location.released.get(mnId);
  if (released !== undefined) state.released.drop(released);
  for (const anchored of location.anchored.values()) {
    if (anchored.mnId === mnId) dropAnchored(state, anchored.prefix);
  }
  const origin =
    previous === undefined || previous === domain.self || !domain.isPeer(previous) ? undefined : previous;
  if (settledBefore || origin === undefined) {
    state.phases.advance(mnId, 'first-attachment');
    // Whoever was registered here before, or comes with addresses from elsewhere, may have homes that only others know.
    const unknown = previous !== undefined || node.claimed.size > 0;
    adopt(state, node, [], []);
    if (settledBefore || unknown || state.options.register === 'always') state.lm.attach(mnId);
    return;
  }
  state.phases.advance(mnId, 'handover');
  state.lm.attach(mnId);
  context.arm(`${TIMER.alone}${mnId}`, context.config.timers.retransmit);
  const ask = (): void => {
    if (location.nodes.get(mnId) === node) state.lm.fetch(origin, mnId, node.counter);
  };
  // What the answer lets go must not meet our old entries here, which would send it back where it came from.
  if (released === undefined) ask();
  else state.functions.forwarding.commit(ask);
}

/** The MN uses an address of the domain that is no home of it, as far as is known here. */
export function onClaimed(state: State, node: MobileNode, address: Address): void {
  if (state.phases.of(node.mnId) === 'settled' && state.mayTell(address, 'claimed')) {
    state.lm.attach(node.mnId, `${address}/128`);
  }
}

/** A counter, and what was registered of the MN before it came. */
export function onAttached(state: State, { mnId, counter, binding }: Told<'attached'>): void {
  const { domain, location } = state.functions;
  const node = location.nodes.get(mnId);
  if (node === undefined) return;
  state.tickets.set(mnId, counter);
  state.bindings.set(mnId, binding);
  const { locator } = binding ?? {};
  if (state.phases.of(mnId) === 'settled') {
    adoptRegistered(state, node);
    for (const address of node.claimed) askAnchor(state, node, address);
    // Nobody has been asked for its sessions yet.
    if (locator !== undefined && domain.isPeer(locator)) state.lm.fetch(locator, mnId, node.counter);
  }
  keepRegistered(state, node);
}

/** Nothing is registered of an address that the MN uses: its anchor knows whether it is leased to it. */
function askAnchor(state: State, node: MobileNode, address: Address): void {
  const { context, domain } = state.functions;
  const anchor = domain.anchorOf(address);
  context.count('claim-denied');
  context.trace('claim-denied', { detail: { mnId: node.mnId, address } });
  if (anchor !== undefined && domain.isPeer(anchor)) state.lm.fetch(anchor, node.mnId, node.counter);
}

/** What the MAAR that the MN left has to say (Luo figure 5 step 2). */
export function onContext(state: State, { mnId, from, context: answer }: Told<'context'>): void {
  const { context, domain, location, attachment } = state.functions;
  const node = location.nodes.get(mnId);
  if (node?.state !== 'attached') return;
  const waiting = state.phases.of(mnId) === 'transferring';
  if (answer?.status === HACK_STATUS.notAccepted) {
    const why = `${domain.nameOf(from)} has the MN still`;
    if (waiting) attachment.refuse(node, why, ELSEWHERE_MILLIS);
    return;
  }
  context.disarm(`${TIMER.alone}${mnId}`);
  state.phases.advance(mnId, 'context');
  if (answer?.status === HACK_STATUS.accepted) {
    state.tickets.set(mnId, Math.max(state.tickets.get(mnId) ?? 0, answer.counter));
    adopt(state, node, answer.homes, answer.sessions);
  } else {
    context.count(`context-${answer?.status ?? 'unanswered'}`);
    adoptRegistered(state, node);
    attachment.settledChanged(node);
  }
  keepRegistered(state, node);
}

/** The previous MAAR is silent: what location management knows has to do, until it speaks. */
export function onAlone(state: State, mnId: string): void {
  const node = state.functions.location.nodes.get(mnId);
  if (node === undefined || state.phases.of(mnId) !== 'transferring') return;
  if (state.bindings.get(mnId) === undefined) {
    state.functions.context.arm(`${TIMER.alone}${mnId}`, state.functions.context.config.timers.retransmit);
    return;
  }
  state.phases.advance(mnId, 'context');
  adoptRegistered(state, node);
  keepRegistered(state, node);
}

/** The homes that location management has of the MN; how long they last it does not say, so as long as ours do. */
function adoptRegistered(state: State, node: MobileNode): void {
  const binding = state.bindings.get(node.mnId);
  const validSeconds = state.leftOf(state.functions.context.config.pool.validSeconds);
  const homes = (binding?.prefixes ?? []).map((prefix) => ({ prefix, validSeconds }));
  adopt(state, node, homes, []);
}

/** Takes over homes and sessions: the lists first, then what waits for them, held packets and the second RA. */
function adopt(
  state: State,
  node: MobileNode,
  handed: readonly HandedHome[],
  sessions: readonly HandedSession[],
): void {
  const { context, domain, forwarding, attachment, location } = state.functions;
  const homes = handed.map(({ prefix, validSeconds }) =>
    takeHome(state.functions, node, prefix, validSeconds),
  );
  for (const { cn: address, maar, counter, homes: indices } of sessions) {
    const cn = `${address}/128`;
    const known = node.sessions.has(cn);
    for (const home of indices.flatMap((index) => homes[index] ?? [])) {
      const session = state.sessions.open(node, home, cn, maar);
      if (counter < session.counter) continue;
      session.maar = location.find(cn) === undefined ? maar : domain.self;
      session.counter = counter;
      state.confirmed.add(session);
    }
    const session = node.sessions.get(cn);
    if (known || session === undefined || session.maar === domain.self) continue;
    // Where the design asks, the new MAAR is told of the correspondent's moves too; else it asks by sending, in time.
    if (state.asks) findCorrespondent(state, node, session);
    else context.arm(`${TIMER.located}${session.cn}`, state.bindingSeconds * 1000);
  }
  for (const home of node.foreign.values()) {
    closeTransit(state, home.prefix);
    attachment.entries.install(node, home);
  }
  for (const session of node.sessions.values()) state.sessions.install(node, session);
  const prefixes = homesOf(node).map(({ prefix }) => prefix);
  pointSessions(state, prefixes, domain.self, state.tickets.get(node.mnId) ?? 0);
  forwarding.commit(() => {
    if (location.nodes.get(node.mnId) !== node) return;
    context.trace('bindings', { detail: { mnId: node.mnId, homes: handed.map(({ prefix }) => prefix) } });
    if (handed.length > 0) attachment.advertise(node);
    attachment.settledChanged(node);
  });
  context.arm(`${TIMER.refresh}${node.mnId}`, (state.bindingSeconds * 1000) / 2);
}
