import type { Address, Prefix } from '../../../bindings/entries.ts';
import { takeHome } from '../../functions/lm/handed.ts';
import { homeNames, homesOf, type Home, type MobileNode } from '../../functions/lm/node.ts';
import { ELSEWHERE_MILLIS } from '../../functions/proxy/attachment.ts';
import { STATUS } from './messages/constants.ts';
import type { HomeBinding, SDba } from './messages/message.ts';
import { addPart } from './messages/parts.ts';
import { dropAnchored } from './anchor.ts';
import { announce } from './repoint.ts';
import { repointLocal } from './sessions.ts';
import { TIMER, type State } from './state.ts';

const FETCH_ATTEMPTS = 4;

/** What the AAA server's answer means [draft section 3.1]: a first attachment, or bindings to be fetched. */
export function onRegistered(state: State, node: MobileNode, previous: Address | undefined): void {
  const { location, domain } = state.functions;
  const settledBefore = state.phases.of(node.mnId) === 'settled';
  const released = location.released.get(node.mnId);
  if (released !== undefined) {
    // It is back: packets for its homes now wait here for the bindings instead of being sent after it.
    state.released.drop(released);
  }
  for (const anchored of location.anchored.values()) {
    if (anchored.mnId === node.mnId) dropAnchored(state, anchored.prefix);
  }
  if (settledBefore) {
    // Another MAAR had claimed it: those who heard of that learn, by the higher counter, that it is here.
    state.phases.advance(node.mnId, 'first-attachment');
    announce(state, node);
    return;
  }
  const origin = previous === domain.self ? undefined : previous;
  if (origin === undefined || !domain.isPeer(origin)) {
    state.phases.advance(node.mnId, 'first-attachment');
    adopt(state, node, []);
    askClaims(state, node);
    if (previous === domain.self) askEverybody(state, node);
    return;
  }
  state.phases.advance(node.mnId, 'handover');
  const kept = released === undefined ? [] : homesOf(released.node).map((home) => keep(state, home));
  const ask = (): void => {
    if (location.nodes.get(node.mnId) !== node) return;
    fetch(state, node, origin, [], (homes) => {
      state.phases.advance(node.mnId, 'bindings');
      adopt(state, node, homes ?? kept);
      askClaims(state, node);
    });
  };
  // What the answer lets go must not meet our old entries here, which would send it back where it came from.
  if (released === undefined) ask();
  else state.functions.forwarding.commit(ask);
}

/** An address of the domain that the sDBA did not name: its anchor knows whether it is a home of this MN. */
export function onClaimed(state: State, node: MobileNode, address: Address): void {
  if (state.phases.of(node.mnId) === 'settled') askAnchor(state, node, address);
}

/** We had this MN before and have lost its bindings in a restart: its anchors, or the MAAR it was leaving, have them. */
function askEverybody(state: State, node: MobileNode): void {
  for (const { address } of state.functions.context.config.peers) {
    fetch(state, node, address, [], (homes) => {
      if (homes !== undefined) adopt(state, node, homes);
    });
  }
}

function askAnchor(state: State, node: MobileNode, address: Address): void {
  const { domain } = state.functions;
  const anchor = domain.anchorOf(address);
  if (anchor === undefined || !domain.isPeer(anchor)) return;
  fetch(state, node, anchor, [`${address}/128`], (homes) => {
    if (homes !== undefined) adopt(state, node, homes);
    // Asking again would bring the same answer.
    if (node.claimed.has(address)) state.functions.context.count('claim-denied');
  });
}

/** A home that was already known here before the MN went elsewhere and came back, for when its last MAAR cannot be asked. */
function keep(state: State, home: Home): HomeBinding {
  const validSeconds = state.functions.context.secondsUntil(home.validUntil);
  return { hoa: homeNames(home)[0] ?? home.prefix, validSeconds, correspondents: [] };
}

/** Asks `peer` for homes of the MN (none named: for all, and their correspondents); `done` gets undefined if there are none to be had. */
function fetch(
  state: State,
  node: MobileNode,
  peer: Address,
  homes: readonly Prefix[],
  done: (homes: readonly HomeBinding[] | undefined) => void,
): void {
  const { context, domain, location, attachment } = state.functions;
  const { mnId } = node;
  let sent = 0;
  const ours = (): boolean => location.nodes.get(mnId) === node && node.state === 'attached';
  state.fetches.request({
    peer,
    subject: `s ${mnId} ${homes[0] ?? ''}`,
    attempts: FETCH_ATTEMPTS,
    send: (sequence) => {
      const timestamp = Math.round(context.now);
      const lifetimeSeconds = state.bindingSeconds;
      const { counter } = node;
      // An aware MN's words go along, so that correspondents are known whose packets no MAAR has seen yet.
      const aware = homes.length === 0 && node.named.size > 0;
      const lists = {
        homes: aware ? [...node.claimed].map((address): Prefix => `${address}/128`) : homes,
        correspondents: aware ? [...node.named] : [],
      };
      state.send({ kind: 'sDBU', sequence, lifetimeSeconds, mnId, counter, timestamp, ...lists }, peer);
      // The previous MAAR may be down. The anchors can confirm the addresses that the MN is using, without its sessions.
      if (++sent === 2 && homes.length === 0) {
        for (const address of node.claimed) askAnchor(state, node, address);
      }
    },
    answered: (answer) => {
      if (!ours()) return;
      if (answer.status === STATUS.accepted) {
        done(answer.homes);
      } else if (answer.status === STATUS.stillHere || answer.status === STATUS.counter) {
        const why = `${domain.nameOf(peer)} answers ${answer.status}: the MN is registered elsewhere`;
        attachment.refuse(node, why, ELSEWHERE_MILLIS);
      } else {
        context.count(`sdba-${answer.status}`);
        done(undefined);
      }
    },
    gaveUp: () => {
      context.count('sdbu-unanswered');
      context.trace('unanswered', { message: 'sDBU', to: domain.nameOf(peer) });
      if (ours()) done(undefined);
    },
  });
}

/** Collects the parts of an sDBA; the exchange hears of it once it is whole. */
export class SDbaParts {
  readonly #state: State;
  readonly #collected = new Map<string, readonly SDba[]>();

  constructor(state: State) {
    this.#state = state;
  }

  receive(part: SDba, src: Address): void {
    const { fetches, functions } = this.#state;
    // Only an answer that is waited for may take room here.
    if (!fetches.expects(src, part.sequence)) {
      functions.context.count('sdba-unmatched');
      return;
    }
    const key = `${src} ${part.mnId}`;
    const assembly = addPart(this.#collected.get(key) ?? [], part);
    if (assembly.whole === undefined) {
      this.#collected.set(key, assembly.collected);
      return;
    }
    this.#collected.delete(key);
    fetches.answer(src, part.sequence, assembly.whole);
  }
}

/**
 * Takes over bindings (step 6 to 7): both lists first, then what waits for them: held packets, the second RA with the
 * earlier prefixes, the dDBUs, and the updates that could not be answered before.
 */
function adopt(state: State, node: MobileNode, bindings: readonly HomeBinding[]): void {
  const { context, domain, forwarding, attachment, location } = state.functions;
  for (const binding of bindings) {
    const home = takeHome(state.functions, node, binding.hoa, binding.validSeconds);
    if (home === undefined) continue;
    for (const { hoa, maar, counter } of binding.correspondents) {
      const known = node.sessions.get(hoa);
      const session = state.sessions.open(node, home, hoa, maar);
      if (known !== undefined && counter < known.counter) continue;
      session.maar = location.find(hoa) === undefined ? maar : domain.self;
      session.counter = counter;
    }
  }
  for (const home of node.foreign.values()) attachment.entries.install(node, home);
  for (const session of node.sessions.values()) state.sessions.install(node, session);
  repointLocal(state, homesOf(node).flatMap(homeNames), domain.self, node.counter, state.bindingSeconds);
  forwarding.commit(() => {
    if (location.nodes.get(node.mnId) !== node) return;
    context.trace('bindings', { detail: { mnId: node.mnId, homes: bindings.map(({ hoa }) => hoa) } });
    if (bindings.length > 0) {
      attachment.advertise(node);
      announce(state, node);
    }
    attachment.settledChanged(node);
  });
  context.arm(`${TIMER.refresh}${node.mnId}`, (state.bindingSeconds * 1000) / 2);
  state.unpark();
}

/** Asks once for every address that the MN uses and that the bindings did not explain. */
function askClaims(state: State, node: MobileNode): void {
  for (const address of node.claimed) onClaimed(state, node, address);
}
