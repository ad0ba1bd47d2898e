import type { Prefix } from '../../../bindings/entries.ts';
import type { LocationEvent } from '../../functions/lm/client/service.ts';
import { mnPrefix } from '../../functions/lm/node.ts';
import { dropAnchored, keepAnchored } from './anchor.ts';
import { findCorrespondent, leaveToAnchor, pointSessions } from './sessions.ts';
import { RENEW_BEFORE, TIMER, type State } from './state.ts';
import { strayLocated } from './stray.ts';
import { transitLocated } from './transit.ts';

export type Located = Extract<LocationEvent, { type: 'located' }>;

/**
 * Where packets for some prefixes go, from whoever said so: sessions, homes anchored here and packets on their way through
 * follow (Luo figure 3 steps 3 to 5, figure 4 steps 5, 6 and 9, figure 5 step 8).
 */
export function onLocated(state: State, located: Located): void {
  const { context, domain, forwarding } = state.functions;
  const { where, binding, until, source } = located;
  const prefixes =
    binding === undefined
      ? [where.includes('/') ? where : `${where}/128`]
      : [...binding.prefixes, ...binding.delegated];
  const maar = binding?.locator;
  context.trace('located', {
    detail: { where, source, maar: maar === undefined ? undefined : domain.nameOf(maar) },
  });
  let inUse: boolean;
  if (binding === undefined) inUse = leaveToAnchor(state, prefixes, until !== undefined);
  else inUse = pointSessions(state, prefixes, binding.locator, binding.counter);
  if (inUse && until !== undefined) {
    for (const { session } of state.sessions.with(prefixes)) {
      context.arm(`${TIMER.located}${session.cn}`, state.renewal(until, binding !== undefined));
      context.disarm(`${TIMER.unanswered}${session.cn}`);
    }
  }
  for (const prefix of new Set(prefixes.map(mnPrefix))) {
    if (domain.anchorOf(prefix) === domain.self) anchorLocated(state, prefix, located);
    else transitLocated(state, prefix, located, inUse);
    strayLocated(state, prefix, located);
    state.resolved(prefix, maar ?? domain.anchorOf(prefix));
  }
  if (!where.includes('/')) state.resolved(`${where}/128`, maar ?? domain.anchorOf(where));
  forwarding.commit();
}

function anchorLocated(state: State, prefix: Prefix, located: Located): void {
  const { binding, until, source } = located;
  const { allocator, context, domain, location } = state.functions;
  const anchored = location.anchored.get(prefix);
  // The MN is on our own link: whoever says otherwise has to ask us for it.
  if (location.find(prefix) !== undefined) return;
  if (isSilent(located)) keepLeased(state, prefix);
  if (binding === undefined) {
    // Between an MN's coming to its new MAAR and its registration there nothing may be known of it.
    if (source === 'push' || (anchored?.expires ?? 0) <= context.now + RENEW_BEFORE) {
      dropAnchored(state, prefix);
    }
  } else if (binding.locator !== domain.self && binding.counter >= (anchored?.counter ?? 0)) {
    const expires = context.now + binding.lifetimeSeconds * 1000;
    const { locator, counter } = binding;
    // After a restart only the lease tells whose it is.
    const mnId = anchored?.mnId ?? allocator.holder(prefix) ?? '';
    keepAnchored(state, prefix, mnId, locator, counter, expires);
  }
  const kept = location.anchored.get(prefix);
  // Where nobody answered, whoever tells of changes may have given us up.
  const ends = until ?? context.now + context.config.timers.retransmitMax;
  if (kept === undefined) {
    const leased = allocator.holder(prefix) !== undefined;
    if (leased) context.arm(`${TIMER.anchored}${prefix}`, state.renewal(ends, false));
    return;
  }
  // That nothing is registered may be known for longer than what was handed over lasts.
  const first = binding === undefined ? Math.min(ends, kept.expires) : ends;
  const again = binding !== undefined || first === kept.expires;
  context.arm(`${TIMER.anchored}${prefix}`, state.renewal(first, again));
}

function isSilent({ source, until }: Located): boolean {
  return source === 'server' && until === undefined;
}

/**
 * A MAAR that serves a home promises it on for as long as it can register it, which we do not see while nobody answers us: the
 * home must not pass to another MN meanwhile.
 */
function keepLeased({ functions: { allocator } }: State, prefix: Prefix): void {
  const holder = allocator.holder(prefix);
  if (holder !== undefined) allocator.renew(holder, prefix);
}

/** What is known of a correspondent ends. Where the design asks, it is asked for; else it is left to its anchor again. */
export function locationEnding(state: State, cn: Prefix): void {
  const { context, forwarding } = state.functions;
  const [first] = [...state.sessions.with([cn])].filter(({ here }) => here);
  if (first === undefined) return;
  if (state.asks) {
    context.arm(`${TIMER.unanswered}${cn}`, RENEW_BEFORE);
    state.lm.lookup(cn);
    return;
  }
  const wasAway = first.session.maar !== state.functions.domain.anchorOf(cn);
  leaveToAnchor(state, [cn], false);
  // Where it was elsewhere it may still be: its anchor sees the next packets, and says so.
  if (wasAway) findCorrespondent(state, first.node, first.session);
  forwarding.commit();
}

/**
 * Location management is silent: a binding does not outlive its lifetime, and packets that were kept long enough for an answer
 * take the way by the correspondent's anchor.
 */
export function locationUnanswered(state: State, cn: Prefix): void {
  leaveToAnchor(state, [cn], false);
  state.functions.forwarding.commit();
}
