import type { Address, Prefix } from '../../../bindings/entries.ts';
import { ReleasedLists } from '../../functions/fm/released.ts';
import { Sessions } from '../../functions/fm/sessions.ts';
import type { LocationService } from '../../functions/lm/client/service.ts';
import type { Asked } from '../../functions/lm/channel.ts';
import type { Binding, HandoverInitiate } from '../../functions/lm/messages/message.ts';
import type { Session } from '../../functions/lm/node.ts';
import { Phases } from '../phases.ts';
import type { Functions } from '../scheme.ts';
import type { LuoOptions } from './designs.ts';
import { TRANSITIONS, type Phase, type PhaseEvent } from './transitions.ts';

/** Timer ids, each followed by what it is for. All begin as the schemes' timers must. */
export const TIMER = {
  /** What is known of a destination ends. */
  located: 'scheme:located ',
  /** It was asked for again, and nobody has answered. */
  unanswered: 'scheme:unanswered ',
  anchored: 'scheme:anchored ',
  transit: 'scheme:transit ',
  /** Packets to a destination have been kept long enough. */
  kept: 'scheme:kept ',
  /** The previous MAAR has been silent long enough. */
  alone: 'scheme:alone ',
  refresh: 'scheme:refresh ',
} as const;

/**
 * How long before it ends what is known is asked for again, in milliseconds. The cache ends entries a second early, since
 * lifetimes are told in whole seconds; an earlier question would be answered from there.
 */
export const RENEW_BEFORE = 999;

/** Where packets of no MN here go, for homes of other MAARs: strays, and in anycast designs those of the core. */
export interface Transit {
  readonly prefix: Prefix;
  locator: Address;
  counter: number;
  lastUsed: number;
  /** Whether what is known is asked for again before it ends; and whether it has been. */
  readonly lasting: boolean;
  asked: boolean;
}

/** Destinations, and things said to other MAARs, that are remembered at once; the oldest goes first. */
const MAX_REMEMBERED = 4096;
/** A MAAR that goes on sending here hears the same redirect again after this many milliseconds. */
const SAY_AGAIN = 1_000;

/** What the steps of the protocol share. */
export class State {
  readonly functions: Functions;
  readonly lm: LocationService;
  readonly options: LuoOptions;
  readonly phases: Phases<Phase, PhaseEvent>;
  readonly sessions: Sessions;
  readonly released: ReleasedLists;
  /** Counters that LM servers handed out for MNs here, and of those that left the last that was heard of. */
  readonly tickets = new Map<string, number>();
  /** What LM servers knew of MNs here when these came. */
  readonly bindings = new Map<string, Binding | undefined>();
  /** When the LM servers last said of an MN that it is registered here. */
  readonly registered = new Map<string, number>();
  /** Sessions whose correspondent has been located; the others' are taken to be at their anchors, nobody having said so. */
  readonly confirmed = new WeakSet<Session>();
  readonly transits = new Map<Prefix, Transit>();
  /** MAARs whose packets for a home went astray here, until it is known where it is. */
  readonly strays = new Map<Prefix, Set<Address>>();
  /** What other MAARs ask about MNs whose context has not come here yet; by MN, the latest. */
  readonly parked = new Map<string, { readonly asked: Asked<HandoverInitiate>; readonly since: number }>();
  readonly #waiting = new Map<Prefix, ((maar: Address | undefined) => void)[]>();
  readonly #said = new Map<string, number>();

  constructor(functions: Functions, lm: LocationService, options: LuoOptions) {
    this.functions = functions;
    this.lm = lm;
    this.options = options;
    this.phases = new Phases(functions.context, TRANSITIONS);
    this.sessions = new Sessions(functions);
    this.released = new ReleasedLists(functions, (mnId) => {
      this.forget(mnId);
    });
  }

  get bindingSeconds(): number {
    return this.functions.context.config.timers.bindingSeconds;
  }

  /**
   * For how long a registered home is its MN's at least, in seconds, where its anchor leases it for `seconds` whenever it looks at
   * the registration: that may be one lifetime ago.
   */
  leftOf(seconds: number): number {
    return Math.max(seconds - this.bindingSeconds, Math.ceil(seconds / 2));
  }

  get asks(): boolean {
    return this.options.design.secondSegment === 'query';
  }

  get anycast(): boolean {
    return this.options.design.firstSegment === 'anycast';
  }

  /** Nothing of the MN is of use here any more. */
  forget(mnId: string): void {
    this.phases.advance(mnId, 'gone');
    this.tickets.delete(mnId);
    this.bindings.delete(mnId);
    this.registered.delete(mnId);
  }

  /** Whether the homes of some MN here are still on the way, so that what is unknown now may be known soon. */
  get expecting(): boolean {
    for (const { mnId, state } of this.functions.location.nodes.values()) {
      if (state === 'authorising' || this.phases.of(mnId) === 'transferring') return true;
    }
    return false;
  }

  /** Where homes are, as other MAARs are told it. */
  binding(prefixes: readonly Prefix[], locator: Address, counter: number): Binding {
    return { prefixes, delegated: [], locator, counter, lifetimeSeconds: this.bindingSeconds };
  }

  /**
   * Milliseconds from now until what ends at `until` is to be asked for again. That nothing is registered the cache repeats to
   * the end; asked before, it would answer at once, for ever.
   */
  renewal(until: number, registered: boolean): number {
    return Math.max(1, until - this.functions.context.now - (registered ? RENEW_BEFORE : 0));
  }

  /** Calls `then` with the MAAR of a correspondent once it is located; undefined if it cannot be. */
  resolve(where: Prefix, then: (maar: Address | undefined) => void): void {
    const waiting = this.#waiting.get(where) ?? [];
    this.#waiting.set(where, [...waiting, then]);
    remember(this.#waiting);
    this.lm.lookup(where);
  }

  resolved(where: Prefix, maar: Address | undefined): void {
    const waiting = this.#waiting.get(where) ?? [];
    this.#waiting.delete(where);
    for (const then of waiting) then(maar);
  }

  /** True if this was not said to that MAAR a moment ago. */
  mayTell(peer: Address, what: string): boolean {
    const { now } = this.functions.context;
    const key = `${peer} ${what}`;
    const before = this.#said.get(key);
    if (before !== undefined && now - before < SAY_AGAIN) return false;
    this.#said.delete(key);
    this.#said.set(key, now);
    remember(this.#said);
    return true;
  }
}

/** Lets go of the oldest entry of what has grown too long. */
export function remember<T>(map: Map<string, T>): T | undefined {
  if (map.size <= MAX_REMEMBERED) return undefined;
  const [oldest] = map;
  if (oldest === undefined) return undefined;
  map.delete(oldest[0]);
  return oldest[1];
}
