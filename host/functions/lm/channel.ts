import type { Address } from '../../../bindings/entries.ts';
import type { Random, TimerEffect, TraceEffect } from '../../core/machine.ts';
import { Association } from './association.ts';
import type { Key } from './association.ts';
import { Exchanges } from './exchange.ts';
import type { Timing } from './exchange.ts';
import { LM_STATUS } from './messages/constants.ts';
import { isAnswer } from './messages/message.ts';
import type { Draft, LocationAnswer, LocationMessage, LocationRequest } from './messages/message.ts';

/** A Mobility Header between location managers and their clients. */
export interface MobilityEffect {
  readonly type: 'mobility';
  readonly src: Address;
  readonly dst: Address;
  readonly data: Uint8Array;
}

export type MobilityEvent = MobilityEffect;
export type ChannelEffect = MobilityEffect | TimerEffect | TraceEffect;

export interface ChannelPeer {
  readonly address: Address;
  readonly name: string;
  readonly key: Key | undefined;
}

export interface ChannelTimes {
  /** How far clocks may be apart, in milliseconds; RFC 4285 section 5.1 proposes 7 seconds. */
  readonly window: number;
  /** First wait for an answer and the longest, in milliseconds: RFC 6275 section 12. */
  readonly retransmit: number;
  readonly retransmitMax: number;
  /** Resends before a peer is given up. */
  readonly attempts: number;
}

export interface ChannelSettings extends ChannelTimes {
  readonly self: Address;
  readonly peers: readonly ChannelPeer[];
  readonly random: Random;
}

export const CHANNEL_SETTINGS: ChannelTimes = {
  window: 7_000,
  retransmit: 1_000,
  retransmitMax: 32_000,
  attempts: 4,
};

const TIMER = 'lm:ask ';

/** Who asked what: to be given back to `answer`. */
export interface Asked<T extends LocationRequest = LocationRequest> {
  readonly peer: Address;
  readonly message: T;
}

/** Requests and answers of one node with its peers: signed, stamped, sent again until they are answered. */
export class Channel implements Timing {
  readonly random: Random;
  readonly config: Timing['config'];
  readonly counters = new Map<string, number>();
  now = 0;
  readonly #settings: ChannelSettings;
  /** Made when first needed: a MAAR has a thousand peers, and talks to few of them. */
  readonly #associations = new Map<Address, Association>();
  readonly #peers: ReadonlyMap<Address, ChannelPeer>;
  readonly #since: number;
  readonly #exchanges: Exchanges<LocationAnswer>;
  readonly #effects: ChannelEffect[] = [];

  constructor(settings: ChannelSettings, since: number) {
    const { retransmit, retransmitMax } = settings;
    this.#settings = settings;
    this.random = settings.random;
    this.config = { timers: { retransmit, retransmitMax } };
    this.#since = since;
    this.#peers = new Map(settings.peers.map((peer) => [peer.address, peer]));
    this.#exchanges = new Exchanges(this, TIMER);
  }

  arm(id: string, delay: number): void {
    this.#effects.push({ type: 'timer', id, at: this.now + delay });
  }

  disarm(id: string): void {
    this.#effects.push({ type: 'timer', id, at: undefined });
  }

  count(name: string): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + 1);
  }

  trace(what: string, fields: Omit<TraceEffect, 'type' | 'what'> = {}): void {
    this.#effects.push({ type: 'trace', what, ...fields });
  }

  take(): ChannelEffect[] {
    return this.#effects.splice(0);
  }

  nameOf(peer: Address): string {
    return this.#peers.get(peer)?.name ?? peer;
  }

  /**
   * Asks a peer, again and again until it answers; `done` gets no answer if the peer is given up. A later request of the same
   * subject takes the place of an earlier one, whose `done` is never called. The peer must be one of the settings'.
   */
  request(
    peer: Address,
    subject: string,
    draft: Draft<LocationRequest>,
    done: (answer: LocationAnswer | undefined) => void,
  ): void {
    const association = this.#associationWith(peer);
    if (association === undefined) throw new Error(`${peer} is no peer of this node`);
    const began = this.now;
    let first: number | undefined;
    this.#exchanges.request({
      peer,
      subject,
      attempts: this.#settings.attempts,
      send: (next) => {
        // A notification that is sent again keeps its number and says so: RFC 7077 section 4.1.
        const again = draft.kind === 'UPN' && first !== undefined;
        first ??= next;
        const current = aged(draft, this.now - began);
        if (current === undefined) return;
        const message = again
          ? { ...current, sequence: first, retransmission: true }
          : { ...current, sequence: next };
        this.#send(peer, draft, association.request(message, this.now));
      },
      answered: done,
      gaveUp: () => {
        this.count('gave-up');
        done(undefined);
      },
    });
  }

  /** Asks no longer what begins so; nothing is heard of it. */
  cancel(subject: string): void {
    this.#exchanges.cancel(subject);
  }

  answer({ peer, message }: Asked, draft: Draft<LocationAnswer>): void {
    const { sequence, timestamp } = message;
    this.#answer(peer, { ...draft, sequence, timestamp });
  }

  /** Takes what came in: a request that is to be answered is returned, all else is dealt with. */
  receive({ src, data }: MobilityEvent): Asked | undefined {
    const association = this.#associationWith(src);
    if (association === undefined) {
      this.#refuse(src, 'no-peer');
      return undefined;
    }
    const opened = association.open(data, this.now);
    if (!opened.ok) {
      this.#refuse(src, opened.why);
      if (opened.why === 'out-of-time' && opened.message !== undefined && !isAnswer(opened.message)) {
        this.#answer(src, { ...refusalOf(opened.message), clock: Math.floor(this.now) });
      }
      return undefined;
    }
    const { message, age } = opened;
    this.trace('receive', { message: message.kind, from: this.nameOf(src), ...about(message) });
    this.count(`received-${message.kind}`);
    if (!isAnswer(message)) return { peer: src, message };
    // The clock of the peer is known now: the request is sent again with its time.
    if (message.status === LM_STATUS.timestamp) this.#exchanges.hasten(src, message.sequence);
    else this.#exchanges.answer(src, message.sequence, heldUp(message, age));
    return undefined;
  }

  timer(id: string): boolean {
    return this.#exchanges.timer(id);
  }

  #associationWith(peer: Address): Association | undefined {
    const known = this.#associations.get(peer);
    const settings = this.#peers.get(peer);
    if (known !== undefined || settings === undefined) return known;
    const { self, window } = this.#settings;
    const association = new Association({ self, peer, key: settings.key, window, since: this.#since });
    this.#associations.set(peer, association);
    return association;
  }

  #answer(peer: Address, answer: LocationAnswer): void {
    const association = this.#associationWith(peer);
    if (association !== undefined) this.#send(peer, answer, association.answer(answer));
  }

  #send(peer: Address, message: Draft<LocationMessage>, data: Uint8Array): void {
    this.count(`sent-${message.kind}`);
    this.#effects.push({ type: 'mobility', src: this.#settings.self, dst: peer, data });
    this.trace('send', { message: message.kind, to: this.nameOf(peer), ...about(message) });
  }

  #refuse(src: Address, why: string): void {
    this.count(`refused-${why}`);
    this.trace('drop', { from: this.nameOf(src), detail: { why } });
  }
}

/** For the trace: which MN a message names. */
function about(message: Draft<LocationMessage>): Pick<TraceEffect, 'detail'> {
  return 'mnId' in message ? { detail: { mnId: message.mnId } } : {};
}

/**
 * What is told of a binding in a request that is sent again: it has lived on since it was sent first. Nothing once it has run
 * out: a lifetime of 0 would withdraw what may have been refreshed meanwhile.
 */
function aged(draft: Draft<LocationRequest>, milliseconds: number): Draft<LocationRequest> | undefined {
  if (draft.kind !== 'UPN' && draft.kind !== 'LRI') return draft;
  const { binding } = draft;
  if (binding.lifetimeSeconds === 0) return draft;
  const lifetimeSeconds = binding.lifetimeSeconds - Math.ceil(milliseconds / 1000);
  return lifetimeSeconds > 0 ? { ...draft, binding: { ...binding, lifetimeSeconds } } : undefined;
}

/**
 * What a query's answer tells, from the moment of the query on: an answer may be held up, or played again, for as long as the
 * query is sent again, and no timestamp of the answerer says how old it is.
 */
function heldUp(answer: LocationAnswer, milliseconds: number): LocationAnswer {
  if (answer.kind !== 'PQA') return answer;
  const left = (seconds: number): number => Math.max(0, seconds - Math.floor(milliseconds / 1000));
  const { binding, lifetimeSeconds } = answer;
  return {
    ...answer,
    lifetimeSeconds: left(lifetimeSeconds),
    ...(binding && { binding: { ...binding, lifetimeSeconds: left(binding.lifetimeSeconds) } }),
  };
}

/** Status 156 for a request whose timestamp is out of the window. */
function refusalOf(request: LocationRequest): LocationAnswer {
  const status = LM_STATUS.timestamp;
  const { sequence, timestamp } = request;
  const common = { status, sequence, timestamp, lifetimeSeconds: 0 };
  switch (request.kind) {
    case 'PBU': {
      const { locator: _, ...session } = request;
      return { ...session, ...common, kind: 'PBA' };
    }
    case 'PBQ':
      return { kind: 'PQA', ...common };
    case 'UPN':
      return { kind: 'UPA', status, sequence, timestamp };
    case 'LRI':
      return { kind: 'LRA', ...common };
    case 'HI':
      return { ...request, kind: 'HAck', status, homes: [], sessions: [] };
    case 'LPJ':
      return { kind: 'LPA', ...common, primary: [] };
  }
}
