import type { Address, Prefix } from '../../../bindings/entries.ts';
import { homeNames, homesOf, mnPrefix, type Home, type MobileNode } from '../../functions/lm/node.ts';
import type { Released } from '../../functions/lm/location.ts';
import { keepAnchored } from './anchor.ts';
import { STATUS } from './messages/constants.ts';
import type { HomeBinding, SDba, SDbu } from './messages/message.ts';
import { repointLocal } from './sessions.ts';
import { TIMER, type State } from './state.ts';

/**
 * Correspondents of one sDBA over all homes, the latest used first: with the most homes an MN may have they fill some
 * forty of the 64 parts that an sDBA can have.
 */
const MAX_CORRESPONDENTS = 512;

/**
 * Steps 5 and 6 [draft sections 3.4, 4, 6.1, 6.2], the side of the MAAR that the MN left: makes sure that it has left,
 * hands over both lists, and keeps them out of use for the hold time.
 */
export function onSDbu(state: State, update: SDbu, src: Address): void {
  if (!state.admit(update, src)) return;
  evaluate(state, update, src);
}

function evaluate(state: State, update: SDbu, src: Address): void {
  const { location, attachment, context, domain } = state.functions;
  const { mnId, counter } = update;
  const node = location.nodes.get(mnId);
  if (node === undefined || node.state === 'refused') {
    answerWithout(state, update, src);
    return;
  }
  if (node.state === 'authorising' || state.phases.of(mnId) === 'fetching') {
    // It came here from a third MAAR a moment ago; what it brought is still on the way.
    state.park(src, update, () => {
      evaluate(state, update, src);
    });
    return;
  }
  if (counter < node.counter) {
    state.refuse(update, src, STATUS.counter);
    return;
  }
  state.phases.advance(mnId, 'asked-for');
  attachment.presence.probe(node, (present) => {
    if (location.nodes.get(mnId) !== node) return;
    if (present) {
      state.phases.advance(mnId, 'still-here');
      context.count('claimed-elsewhere');
      context.trace('still-here', { detail: { mnId, claimedBy: domain.nameOf(src) } });
      state.refuse(update, src, STATUS.stillHere);
      attachment.reregister(node);
      return;
    }
    noteNamed(state, node, update);
    const released = handOver(state, node, src, counter);
    answerFrom(state, update, src, released);
  });
}

/** Sessions that an aware MN names and no packet has shown here yet. */
function noteNamed(state: State, node: MobileNode, update: SDbu): void {
  for (const home of homesOf(node)) {
    if (!update.homes.some((named) => mnPrefix(named) === home.prefix)) continue;
    for (const cn of update.correspondents) {
      const maar = node.sessions.has(cn) ? undefined : state.sessions.whereabouts(cn);
      if (maar !== undefined) state.sessions.open(node, home, cn, maar);
    }
  }
}

/** Takes the MN out of use here: new decisions follow its new MAAR; its lists stay for repeats and packets in flight. */
export function handOver(state: State, node: MobileNode, movedTo: Address, counter: number): Released {
  const { context, domain, attachment } = state.functions;
  const { mnId } = node;
  state.phases.advance(mnId, 'asked-for');
  state.phases.advance(mnId, 'left');
  state.fetches.cancel(`s ${mnId}`);
  state.repoints.cancel(`d ${mnId} `);
  state.sessions.retire(node);
  const released = state.released.add(node, movedTo, counter);
  follow(state, released);
  for (const home of homesOf(node)) attachment.entries.uninstall(node, home);
  attachment.forget(node);
  repointLocal(state, homesOf(node).flatMap(homeNames), movedTo, counter, state.bindingSeconds);
  context.disarm(`${TIMER.refresh}${mnId}`);
  context.trace('released', { detail: { mnId, movedTo: domain.nameOf(movedTo) } });
  state.unpark();
  return released;
}

/** Sends what comes for a released MN after it: for the hold time, and where we are the anchor as long as its MAAR says. */
function follow(state: State, released: Released): void {
  const { mnId, node, movedTo, counter } = released;
  for (const home of homesOf(node)) {
    if (home.anchor !== state.functions.domain.self) state.released.follow(released, home);
    else if (home.used) keepAnchored(state, home.prefix, mnId, movedTo, counter, state.bindingSeconds);
  }
}

function answerFrom(state: State, update: SDbu, src: Address, released: Released): void {
  const { node } = released;
  const room = { left: MAX_CORRESPONDENTS };
  const spent = [...node.spent].map((hoa): HomeBinding => ({ hoa, validSeconds: 0, correspondents: [] }));
  reply(state, update, src, [
    ...homesOf(node).flatMap((home) => bindingsOf(state, node, home, room)),
    ...spent,
  ]);
}

/** The MN is not here: it may have left a moment ago, or be one whose home we anchor. */
function answerWithout(state: State, update: SDbu, src: Address): void {
  const { location, domain, allocator } = state.functions;
  const { mnId, counter } = update;
  const released = location.released.get(mnId);
  if (released !== undefined) {
    if (counter < released.counter) {
      state.refuse(update, src, STATUS.counter);
      return;
    }
    released.counter = counter;
    released.movedTo = src;
    // A home that is asked for by name is in use now, though no session used it while the MN was here.
    for (const home of homesOf(released.node)) home.used ||= update.homes.map(mnPrefix).includes(home.prefix);
    follow(state, released);
    answerFrom(state, update, src, released);
    return;
  }
  const asked = update.homes.map(mnPrefix).filter((prefix) => domain.anchorOf(prefix) === domain.self);
  const known = [...location.anchored.values()].filter((anchored) => anchored.mnId === mnId);
  if (known.some((anchored) => counter < anchored.counter)) {
    state.refuse(update, src, STATUS.counter);
    return;
  }
  const prefixes = new Set([...known.map(({ prefix }) => prefix), ...asked]);
  const homes = [...prefixes].filter((prefix) => allocator.confirm(mnId, prefix));
  if (homes.length === 0) {
    state.refuse(update, src, STATUS.noBinding);
    return;
  }
  for (const prefix of homes) keepAnchored(state, prefix, mnId, src, counter, state.bindingSeconds);
  reply(
    state,
    update,
    src,
    homes.map((prefix) => ({
      hoa: update.homes.find((home) => mnPrefix(home) === prefix) ?? prefix,
      validSeconds: allocator.validSeconds(prefix),
      correspondents: [],
    })),
  );
}

/** The acknowledgement leaves once the data plane follows: what it says has then happened. */
function reply(state: State, update: SDbu, src: Address, homes: readonly HomeBinding[]): void {
  const { sequence, mnId, counter } = update;
  const answer: SDba = {
    kind: 'sDBA',
    status: STATUS.accepted,
    sequence,
    lifetimeSeconds: state.bindingSeconds,
    mnId,
    counter,
    part: 1,
    parts: 1,
    homes,
  };
  state.functions.forwarding.commit(() => {
    state.answer(answer, src, update);
  });
}

/**
 * One home of an sDBA, under each of its names; its correspondents stand under the first. A valid lifetime of 0 says that
 * no session ever used it: the MN's next MAAR deprecates it and binds nothing.
 */
function bindingsOf(state: State, node: MobileNode, home: Home, room: { left: number }): HomeBinding[] {
  const { context } = state.functions;
  if (!home.used) return [{ hoa: home.prefix, validSeconds: 0, correspondents: [] }];
  const sessions = [...node.sessions.values()]
    .filter((session) => session.homes.has(home.prefix))
    .sort((a, b) => b.lastUsed - a.lastUsed);
  if (sessions.length > room.left) context.count('sdba-shortened');
  const taken = sessions.slice(0, room.left);
  room.left -= taken.length;
  const correspondents = taken.map(
    ({ cn, maar, counter }): { hoa: Prefix; maar: Address; counter: number } => ({
      hoa: cn,
      maar,
      counter,
    }),
  );
  return homeNames(home).map((hoa, index) => ({
    hoa,
    validSeconds: context.secondsUntil(home.validUntil),
    correspondents: index === 0 ? correspondents : [],
  }));
}
