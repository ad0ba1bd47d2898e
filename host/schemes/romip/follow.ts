import type { Address, Prefix } from '../../../bindings/entries.ts';
import { mnPrefix } from '../../functions/lm/node.ts';
import { STATUS } from './messages/constants.ts';
import { PREFIXES_PER_UPDATE } from './repoint.ts';
import type { DDba, DDbu } from './messages/message.ts';
import { dropAnchored, keepAnchored } from './anchor.ts';
import { handOver } from './serve.ts';
import { repointLocal } from './sessions.ts';
import type { State } from './state.ts';

/**
 * Steps 7 and 8, the side of the correspondent's MAAR and of the anchor: refreshes the internal lists, keeps where a
 * home anchored here is served, and acknowledges once the data plane follows.
 */
export function onDDbu(state: State, update: DDbu, src: Address): void {
  if (!state.admit(update, src)) return;
  // Only the MAAR that serves the mover may say so.
  if (update.maar !== src || update.homes.length === 0) {
    state.refuse(update, src, STATUS.unauthorised);
    return;
  }
  evaluate(state, update, src);
}

function evaluate(state: State, update: DDbu, src: Address): void {
  const { allocator, domain, forwarding, location } = state.functions;
  if (location.nodes.get(update.mnId)?.state === 'authorising') {
    // It is on our own link; only the AAA server's answer tells whether this update is older than that.
    state.park(src, update, () => {
      evaluate(state, update, src);
    });
    return;
  }
  if (isStale(state, update)) {
    state.refuse(update, src, STATUS.counter);
    return;
  }
  const ours = update.homes.filter((home) => domain.anchorOf(home) === domain.self);
  const prefixes = new Set(ours.map(mnPrefix));
  for (const prefix of prefixes) {
    if (!allocator.confirm(update.mnId, prefix)) {
      state.refuse(update, src, STATUS.unauthorised);
      return;
    }
    // Whoever serves it renews its lease with every update, and tells the MN so once that is answered.
    if (update.lifetimeSeconds === 0 || allocator.renew(update.mnId, prefix)) continue;
    allocator.whenKept(prefix, (kept) => {
      if (kept) evaluate(state, update, src);
      else state.refuse(update, src, STATUS.resources);
    });
    return;
  }
  for (const prefix of prefixes) serveElsewhere(state, update, prefix);
  const here = update.correspondents.filter(
    (cn) => state.sessions.whereabouts(cn) === domain.self && isHere(state, cn),
  );
  const away = update.correspondents.filter((cn) => !here.includes(cn));
  if (away.length > 0 && here.length === 0 && state.fetching && !away.some((cn) => hasLeft(state, cn))) {
    // Its bindings are on the way to us, and with them whether it is ours.
    state.park(src, update, () => {
      evaluate(state, update, src);
    });
    return;
  }
  if (update.lifetimeSeconds > 0) noteSessions(state, update, here);
  const touched = repointLocal(
    state,
    update.homes,
    update.lifetimeSeconds > 0 ? update.maar : (domain.anchorOf(update.homes[0] ?? '') ?? update.maar),
    update.counter,
    update.lifetimeSeconds,
  );
  const accepted =
    here.length > 0 || ours.length > 0 || (update.correspondents.length === 0 && touched.length > 0);
  forwarding.commit((stands) => {
    if (!stands) {
      state.refuse(update, src, STATUS.resources);
      return;
    }
    state.answer(answerTo(state, update, accepted, here, away, touched), src, update);
  });
}

/** Whether we know where a correspondent went from here. */
function hasLeft(state: State, cn: Prefix): boolean {
  const { location } = state.functions;
  return location.findReleased(cn) !== undefined || location.anchored.has(mnPrefix(cn));
}

function isHere(state: State, cn: Prefix): boolean {
  return state.functions.location.find(cn) !== undefined;
}

/** The highest registration counter wins; a lower one tells of a move that others have overtaken. */
function isStale(state: State, update: DDbu): boolean {
  const { location } = state.functions;
  const node = location.nodes.get(update.mnId);
  const homes = new Set(update.homes.map(mnPrefix));
  const anchored = [...homes].map((home) => location.anchored.get(home)?.counter ?? 0);
  const sessions = [...location.nodes.values()]
    .flatMap((other) => [...other.sessions.values()])
    .filter((session) => homes.has(mnPrefix(session.cn)))
    .map((session) => session.counter);
  const known = Math.max(
    node?.counter ?? 0,
    location.released.get(update.mnId)?.counter ?? 0,
    ...anchored,
    ...sessions,
  );
  return update.counter < known;
}

/** A home that we anchor is served by the sender from now on. */
function serveElsewhere(state: State, update: DDbu, prefix: Prefix): void {
  const { location } = state.functions;
  const node = location.nodes.get(update.mnId);
  // The MN has moved without our having been asked for its bindings (the sDBU went to another MAAR, or is late).
  if (node !== undefined) handOver(state, node, update.maar, update.counter);
  if (update.lifetimeSeconds === 0) {
    dropAnchored(state, prefix);
    return;
  }
  keepAnchored(state, prefix, update.mnId, update.maar, update.counter, update.lifetimeSeconds);
}

/** A peer vouches for sessions whose packets we may not have seen yet: one-way traffic has no other trace here. */
function noteSessions(state: State, update: DDbu, correspondents: readonly Prefix[]): void {
  const { location } = state.functions;
  for (const cn of correspondents) {
    const found = location.find(cn);
    if (found === undefined) continue;
    for (const home of update.homes) state.sessions.open(found.node, found.home, home, update.maar);
  }
}

function answerTo(
  state: State,
  update: DDbu,
  accepted: boolean,
  here: readonly Prefix[],
  away: readonly Prefix[],
  touched: readonly Prefix[],
): DDba {
  const { domain } = state.functions;
  const { sequence, mnId, counter, homes } = update;
  const common = { kind: 'dDBA', sequence, mnId, counter, homes } as const;
  if (accepted) {
    // A dDBU to an anchor names no correspondents; the answer then names as many as it can hold.
    const correspondents = update.correspondents.length > 0 ? here : touched.slice(0, PREFIXES_PER_UPDATE);
    return { ...common, status: STATUS.accepted, lifetimeSeconds: update.lifetimeSeconds, correspondents };
  }
  const moved = away
    .map((cn) => state.sessions.whereabouts(cn))
    .find((maar) => maar !== undefined && maar !== domain.self);
  if (moved === undefined) {
    return { ...common, status: STATUS.noBinding, lifetimeSeconds: 0, correspondents: away };
  }
  return {
    ...common,
    status: STATUS.moved,
    lifetimeSeconds: 0,
    correspondents: away.filter((cn) => state.sessions.whereabouts(cn) === moved),
    moved,
  };
}
