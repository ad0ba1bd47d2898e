import type { Address, Prefix } from '../../../bindings/entries.ts';
import { homeNames, homesOf, type Home, type MobileNode } from '../../functions/lm/node.ts';
import { PREFIXES_PER_MESSAGE, STATUS } from './messages/constants.ts';
import type { DDba } from './messages/message.ts';
import { TIMER, type State } from './state.ts';

/** Home addresses, and correspondents, of one dDBU: half of what a message holds, for each. */
export const PREFIXES_PER_UPDATE = PREFIXES_PER_MESSAGE / 2;
const REPOINT_ATTEMPTS = 4;
/** MAARs that a dDBU may be sent on to, one after the other, while correspondents keep moving. */
const MAX_CHASE = 4;
/** Times that an unknown binding is tried again: a MAAR that has just restarted will hear its MNs soon. */
const MAX_RETRIES = 4;
const RETRY_MILLIS = 1000;

/**
 * Steps 7 and 8 [draft sections 4, 6.3, 6.4], the mover's side: tells the correspondents' MAARs, and the anchor of every
 * home that is away, where the MN is now. One dDBU for each MAAR and home.
 */
export function announce(
  state: State,
  node: MobileNode,
  only?: (peer: Address) => boolean,
  renewed: (home: Home) => boolean = () => true,
): void {
  for (const home of homesOf(node).filter(renewed)) {
    for (const [peer, correspondents] of audience(state, node, home)) {
      if (only === undefined || only(peer)) repoint(state, node, home, peer, correspondents, 0);
    }
  }
}

/** Who must know about a home: the correspondents' MAARs with the correspondents there, and its anchor. */
export function audience(state: State, node: MobileNode, home: Home): Map<Address, Prefix[]> {
  const { self } = state.functions.domain;
  const peers = new Map<Address, Prefix[]>();
  for (const session of node.sessions.values()) {
    if (!session.homes.has(home.prefix) || session.maar === self) continue;
    const list = peers.get(session.maar) ?? [];
    list.push(session.cn);
    peers.set(session.maar, list);
  }
  if (home.anchor !== self && !peers.has(home.anchor)) peers.set(home.anchor, []);
  return peers;
}

/** Sends one dDBU until it is answered, and follows what the answer says. */
export function repoint(
  state: State,
  node: MobileNode,
  home: Home,
  peer: Address,
  correspondents: readonly Prefix[],
  chase: number,
): void {
  const { context, domain } = state.functions;
  const now = correspondents.slice(0, PREFIXES_PER_UPDATE);
  const later = correspondents.slice(now.length);
  state.repoints.request({
    peer,
    subject: subject(node, home, now),
    attempts: REPOINT_ATTEMPTS,
    send: (sequence) => {
      sendUpdate(state, node, home, peer, now, sequence, state.bindingSeconds);
    },
    answered: (answer) => {
      if (!stillOurs(state, node, home)) return;
      acknowledged(state, node, home, peer, now, answer, chase);
      if (later.length > 0) repoint(state, node, home, peer, later, chase);
    },
    gaveUp: () => {
      context.count('ddbu-unanswered');
      context.trace('unanswered', { message: 'dDBU', to: domain.nameOf(peer) });
      if (stillOurs(state, node, home)) fallBack(state, node, now, peer);
    },
  });
}

/** The last word about a home: lifetime 0, sent once, since nobody is left here to hear the answer. */
export function retract(state: State, node: MobileNode): void {
  for (const home of homesOf(node)) {
    for (const [peer, correspondents] of audience(state, node, home)) {
      state.repoints.request({
        peer,
        subject: subject(node, home, correspondents),
        attempts: 0,
        send: (sequence) => {
          sendUpdate(state, node, home, peer, correspondents.slice(0, PREFIXES_PER_UPDATE), sequence, 0);
        },
        answered: () => undefined,
        gaveUp: () => undefined,
      });
    }
  }
}

function sendUpdate(
  state: State,
  node: MobileNode,
  home: Home,
  peer: Address,
  correspondents: readonly Prefix[],
  sequence: number,
  lifetimeSeconds: number,
): void {
  const { context, domain } = state.functions;
  const { mnId, counter } = node;
  const homes = homeNames(home).slice(0, PREFIXES_PER_UPDATE);
  const timestamp = Math.round(context.now);
  state.send(
    {
      kind: 'dDBU',
      sequence,
      lifetimeSeconds,
      mnId,
      counter,
      timestamp,
      homes,
      maar: domain.self,
      correspondents,
    },
    peer,
  );
}

/** Begins as `subjectOf` names dDBUs; one exchange for each first correspondent, so that none displaces another. */
function subject(node: MobileNode, home: Home, correspondents: readonly Prefix[]): string {
  return `d ${node.mnId} ${home.prefix} ${correspondents[0] ?? ''}`;
}

function stillOurs(state: State, node: MobileNode, home: Home): boolean {
  return (
    state.functions.location.nodes.get(node.mnId) === node &&
    homesOf(node).some((other) => other.prefix === home.prefix)
  );
}

function acknowledged(
  state: State,
  node: MobileNode,
  home: Home,
  peer: Address,
  asked: readonly Prefix[],
  answer: DDba,
  chase: number,
): void {
  const { context, domain } = state.functions;
  const covered = asked.filter((cn) => answer.correspondents.includes(cn));
  const rest = asked.filter((cn) => !answer.correspondents.includes(cn));
  switch (answer.status) {
    case STATUS.accepted:
      confirm(state, node, covered);
      if (peer === home.anchor) renew(state, home);
      if (covered.length === 0 && rest.length > 0) unknown(state, node, rest, peer);
      break;
    case STATUS.moved:
      if (answer.moved !== undefined) follow(state, node, home, peer, covered, answer.moved, chase);
      break;
    case STATUS.noBinding:
      unknown(state, node, covered, peer);
      break;
    default:
      context.count(`ddba-${answer.status}`);
      context.trace('refused-by', {
        message: 'dDBA',
        from: domain.nameOf(peer),
        detail: { status: answer.status },
      });
      return;
  }
  if (rest.length > 0 && covered.length > 0) repoint(state, node, home, peer, rest, chase);
}

/** The anchor has renewed the prefix for as long as it gave it at first. */
function renew(state: State, home: Home): void {
  home.validUntil = Math.max(home.validUntil, state.functions.context.now + home.spanSeconds * 1000);
}

function confirm(state: State, node: MobileNode, correspondents: readonly Prefix[]): void {
  for (const cn of correspondents) {
    state.settleRetry(`${TIMER.retry}${node.mnId} ${cn}`);
    const session = node.sessions.get(cn);
    if (session !== undefined) state.sessions.install(node, session);
  }
  state.functions.forwarding.commit();
}

/** The peer has released these correspondents: the internal bindings change first, then the dDBU is repeated there. */
function follow(
  state: State,
  node: MobileNode,
  home: Home,
  peer: Address,
  correspondents: readonly Prefix[],
  moved: Address,
  chase: number,
): void {
  const { context, domain, forwarding } = state.functions;
  const known = moved === domain.self || domain.isPeer(moved);
  if (!known || chase >= MAX_CHASE) {
    context.count('chase-limit');
    fallBack(state, node, correspondents, peer);
    return;
  }
  const moving = [...node.sessions.values()].filter(
    (session) => session.maar === peer && correspondents.includes(session.cn),
  );
  for (const session of moving) {
    session.maar = moved;
    state.sessions.install(node, session);
  }
  if (moving.length === 0) return;
  const cns = moving.map((session) => session.cn);
  forwarding.commit(() => {
    if (moved !== domain.self && stillOurs(state, node, home)) {
      repoint(state, node, home, moved, cns, chase + 1);
    }
  });
}

/** Whoever should have the correspondents does not know them: their anchor is asked, and after it, a few more times. */
function unknown(state: State, node: MobileNode, correspondents: readonly Prefix[], peer: Address): void {
  fallBack(state, node, correspondents, peer);
  for (const cn of correspondents) {
    const id = `${TIMER.retry}${node.mnId} ${cn}`;
    state.functions.context.arm(id, RETRY_MILLIS * 2 ** state.countRetry(id));
  }
}

/** Leaves the correspondents to their anchors, who can always find them. */
function fallBack(state: State, node: MobileNode, correspondents: readonly Prefix[], peer: Address): void {
  const { domain, forwarding } = state.functions;
  for (const cn of correspondents) {
    const session = node.sessions.get(cn);
    const anchor = domain.anchorOf(cn);
    if (session === undefined || session.maar !== peer || anchor === undefined) continue;
    session.maar = anchor;
    state.sessions.install(node, session);
  }
  forwarding.commit();
}

/** Time to try a correspondent again whose MAAR did not know it. */
export function retry(state: State, about: string): void {
  const [mnId = '', cn = ''] = about.split(' ');
  const node = state.functions.location.nodes.get(mnId);
  const session = node?.sessions.get(cn);
  if (node === undefined || session === undefined) return;
  if (state.retries(`${TIMER.retry}${about}`) > MAX_RETRIES) {
    state.sessions.remove(node, session);
    return;
  }
  for (const home of homesOf(node)) {
    if (!session.homes.has(home.prefix) || session.maar === state.functions.domain.self) continue;
    repoint(state, node, home, session.maar, [cn], 0);
  }
}
