import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { Asked } from '../../functions/lm/channel.ts';
import type { HandedContext } from '../../functions/lm/client/client.ts';
import { HACK_STATUS } from '../../functions/lm/messages/constants.ts';
import type { HandedHome, HandedSession, HandoverInitiate } from '../../functions/lm/messages/message.ts';
import type { Released } from '../../functions/lm/location.ts';
import { homeNames, homesOf, type MobileNode } from '../../functions/lm/node.ts';
import { withoutLength } from '../../wire/address.ts';
import { keepAnchored } from './anchor.ts';
import { pointSessions } from './sessions.ts';
import { remember, TIMER, type State } from './state.ts';

/**
 * Sessions in one acknowledgement, the latest used first: so many that it fits 1,280 octets beside the most homes and an
 * MN-ID of 63 octets. The new MAAR finds the others as their packets come.
 */
const MAX_SESSIONS = 8;

/** Luo figure 5 step 2 at the MAAR that the MN left: makes sure that it has left, and hands it over. */
export function onAsked(state: State, asked: Asked<HandoverInitiate>): void {
  const { location, attachment, context, domain } = state.functions;
  const { mnId, counter } = asked.message;
  const node = location.nodes.get(mnId);
  if (node === undefined || node.state === 'refused') {
    handWithout(state, asked);
    return;
  }
  if (node.state === 'authorising' || state.phases.of(mnId) === 'transferring') {
    // It came here from a third MAAR a moment ago; what it brought is still on the way.
    state.parked.set(mnId, { asked, since: context.now });
    remember(state.parked);
    return;
  }
  if (counter < node.counter) {
    refuse(state, asked, HACK_STATUS.notAccepted);
    return;
  }
  state.phases.advance(mnId, 'asked-for');
  attachment.presence.probe(node, (present) => {
    if (location.nodes.get(mnId) !== node) return;
    if (!present) {
      hand(state, asked, handOver(state, node, asked.peer, counter));
      return;
    }
    state.phases.advance(mnId, 'still-here');
    context.count('claimed-elsewhere');
    context.trace('still-here', { detail: { mnId, claimedBy: domain.nameOf(asked.peer) } });
    refuse(state, asked, HACK_STATUS.notAccepted);
    attachment.reregister(node);
  });
}

/** Takes up what was asked about an MN whose own context was still on the way. */
export function unpark(state: State, mnId: string): void {
  const parked = state.parked.get(mnId);
  const { now, config } = state.functions.context;
  if (parked === undefined) return;
  state.parked.delete(mnId);
  if (now - parked.since < config.timers.retransmitMax) onAsked(state, parked.asked);
}

/**
 * Takes the MN out of use here. A tunnel to its new MAAR takes what still comes for it, for the hold time (figure 5 step 5);
 * homes anchored here are followed for good; the correspondents' MAARs are redirected (step 7).
 */
function handOver(state: State, node: MobileNode, movedTo: Address, counter: number): Released {
  const { context, domain, attachment } = state.functions;
  const { mnId } = node;
  state.phases.advance(mnId, 'left');
  state.sessions.retire(node);
  const released = state.released.add(node, movedTo, counter);
  // First: what a buffer kept for the MN goes by the entry that takes its place.
  follow(state, released);
  for (const home of homesOf(node)) attachment.entries.uninstall(node, home);
  attachment.forget(node);
  state.lm.forget(mnId);
  state.registered.delete(mnId);
  redirectCorrespondents(state, released);
  context.disarm(`${TIMER.refresh}${mnId}`);
  context.trace('released', { detail: { mnId, movedTo: domain.nameOf(movedTo) } });
  return released;
}

/** Sends what comes for a released MN after it. */
function follow(state: State, released: Released): void {
  const { context, domain } = state.functions;
  const { mnId, node, movedTo } = released;
  const ticket = state.tickets.get(mnId) ?? 0;
  for (const home of homesOf(node)) {
    if (home.anchor !== domain.self) {
      state.released.follow(released, home);
    } else if (home.used) {
      keepAnchored(state, home.prefix, mnId, movedTo, ticket, context.now + state.bindingSeconds * 1000);
      state.lm.lookup(home.prefix);
    }
  }
}

/** Luo figure 5 step 7: those who send to the MN hear where it is; a correspondent's MAAR that is not known is found first. */
function redirectCorrespondents(state: State, { mnId, node, movedTo }: Released): void {
  const { domain } = state.functions;
  const counter = state.tickets.get(mnId) ?? 0;
  const told = new Map<Address, Set<Prefix>>();
  for (const session of node.sessions.values()) {
    if (!state.confirmed.has(session)) {
      const homes = [...session.homes];
      state.resolve(session.cn, (maar) => {
        if (maar === undefined || maar === domain.self) return;
        state.lm.redirect(maar, state.binding(homes, movedTo, counter));
      });
    } else if (session.maar !== domain.self && session.maar !== movedTo) {
      told.set(session.maar, new Set([...(told.get(session.maar) ?? []), ...session.homes]));
    }
  }
  for (const [maar, homes] of told) state.lm.redirect(maar, state.binding([...homes], movedTo, counter));
  // MNs here that talk to it.
  const homes = homesOf(node).map(({ prefix }) => prefix);
  pointSessions(state, homes, movedTo, counter);
}

/** The MN is not here: it may have left a moment ago, or be one whose home we anchor. */
function handWithout(state: State, asked: Asked<HandoverInitiate>): void {
  const { allocator, context, location } = state.functions;
  const { peer, message } = asked;
  const { mnId, counter } = message;
  const released = location.released.get(mnId);
  if (released !== undefined) {
    if (counter < released.counter) {
      refuse(state, asked, HACK_STATUS.notAccepted);
      return;
    }
    released.counter = counter;
    released.movedTo = peer;
    follow(state, released);
    hand(state, asked, released);
    return;
  }
  const homes: HandedHome[] = [];
  for (const anchored of location.anchored.values()) {
    if (anchored.mnId !== mnId) continue;
    const { prefix, expires } = anchored;
    homes.push({ prefix, validSeconds: renewable(state, prefix, allocator.validSeconds(prefix)) });
    keepAnchored(state, prefix, mnId, peer, anchored.counter, expires);
  }
  // It was gone for good, and its registration with it; its leases are not.
  for (const { prefix } of allocator.leasesOf(mnId)) {
    if (location.anchored.has(prefix)) continue;
    homes.push({ prefix, validSeconds: renewable(state, prefix, allocator.validSeconds(prefix)) });
    keepAnchored(state, prefix, mnId, peer, 0, context.now + state.bindingSeconds * 1000);
    state.lm.lookup(prefix);
  }
  if (homes.length === 0) refuse(state, asked, HACK_STATUS.contextUnavailable);
  else answer(state, asked, { homes, sessions: [] });
}

function refuse(state: State, asked: Asked<HandoverInitiate>, status: number): void {
  state.functions.context.count(`refused-HI-${status}`);
  state.lm.hand(asked, { status, counter: 0, homes: [], sessions: [] });
}

function hand(state: State, asked: Asked<HandoverInitiate>, { node }: Released): void {
  const { context } = state.functions;
  const homes = homesOf(node);
  const spent = [...node.spent].map((prefix) => ({ prefix, validSeconds: 0 }));
  const places = new Map(homes.map(({ prefix }, index) => [prefix, index]));
  const sessions = [...node.sessions.values()]
    .sort((a, b) => b.lastUsed - a.lastUsed)
    .slice(0, MAX_SESSIONS)
    .map((session): HandedSession => ({
      cn: withoutLength(session.cn),
      maar: session.maar,
      counter: session.counter,
      homes: [...session.homes].flatMap((prefix) => places.get(prefix) ?? []),
    }));
  // By the first address that was heard, which the new MAAR may show as the MN's.
  const followed = homes.map((home) => ({
    prefix: homeNames(home)[0] ?? home.prefix,
    validSeconds: home.used ? renewable(state, home.prefix, context.secondsUntil(home.validUntil)) : 0,
  }));
  answer(state, asked, { homes: [...followed, ...spent], sessions });
}

/**
 * The part of what is left of a home, in seconds, that its lease has after each renewal: whoever serves the home counts on it. After
 * a restart a lease may be longer, since all that might have been promised is taken for promised.
 */
function renewable({ functions: { allocator } }: State, prefix: Prefix, seconds: number): number {
  return Math.min(seconds, allocator.networkOf(prefix)?.config.validSeconds ?? Infinity);
}

/** The acknowledgement leaves once the data plane follows: what it says has then happened. */
function answer(
  state: State,
  asked: Asked<HandoverInitiate>,
  context: Pick<HandedContext, 'homes' | 'sessions'>,
): void {
  const counter = state.tickets.get(asked.message.mnId) ?? 0;
  state.functions.forwarding.commit(() => {
    state.lm.hand(asked, { status: HACK_STATUS.accepted, counter, ...context });
  });
}
