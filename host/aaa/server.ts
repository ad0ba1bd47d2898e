import { messageOf } from '../core/error-message.ts';
import type { Machine, Random, StreamEvent, TimerEvent } from '../core/machine.ts';
import { avp, get } from '../wire/diameter/avp.ts';
import { Dictionary } from '../wire/diameter/dictionary.ts';
import { APPLICATION, COMMAND, RESULT } from '../wire/diameter/generated.ts';
import { answerTo, makeRequest } from '../wire/diameter/message.ts';
import type { Message } from '../wire/diameter/message.ts';
import { announce } from './capabilities.ts';
import type { LocalNode } from './capabilities.ts';
import { Duplicates } from './duplicates.ts';
import { PEER_SETTINGS } from './peer-interface.ts';
import type { PeerEffect, PeerNotice, PeerOutput, PeerSettings } from './peer-interface.ts';
import { Peer } from './peer.ts';
import { Service } from './service.ts';
import type { AllowedPeer } from './service.ts';
import type { SessionRecord, Store } from './store.ts';
import { canonicalMnId } from './subscribers.ts';
import type { Profiles } from './subscribers.ts';

export interface AaaServerSettings {
  /** How long a registration outlives its STR, in milliseconds. */
  readonly hold: number;
  /** Answers remembered for requests that come twice. */
  readonly duplicates: number;
  /** Connections at a time; further ones are closed at once. */
  readonly connections: number;
  readonly peer: PeerSettings;
}

export const AAA_SERVER_SETTINGS: AaaServerSettings = {
  hold: 10_000,
  duplicates: 16_384,
  connections: 256,
  peer: { ...PEER_SETTINGS, pending: 1_024 },
};

export interface AaaServerOptions {
  readonly originHost: string;
  readonly originRealm: string;
  readonly address: string;
  readonly peers: readonly AllowedPeer[];
  readonly subscribers: Profiles;
  readonly store: Store;
  readonly random: Random;
  readonly vendorId?: number;
  readonly originStateId?: number;
  readonly settings?: Partial<AaaServerSettings>;
}

export type AaaServerEvent =
  /** `stream.opened` with a new name is a connection from a peer. */
  | StreamEvent
  | TimerEvent
  /** Orderly stop: DPR to every peer. */
  | { readonly type: 'stop' }
  /** Tells the serving MAAR to end the session of an MN (ASR, RFC 6733 section 8.5); its STR will end it here. */
  | { readonly type: 'abort'; readonly mnId: string };

/**
 * The AAA server: Diameter connections from MAARs and relays, registrations in a store. Answers are returned only
 * after the store has made them durable. `now` is in milliseconds since 1970, since stored times outlive the process.
 */
export class AaaServer implements Machine<AaaServerEvent, PeerEffect> {
  readonly #settings: AaaServerSettings;
  readonly #node: LocalNode;
  readonly #service: Service;
  readonly #store: Store;
  readonly #random: Random;
  readonly #duplicates: Duplicates;
  readonly #peers = new Set<Peer>();
  /** Realm of each MAAR heard, for requests to it; bounded by the peers configured. */
  readonly #realms = new Map<string, string>();
  #accepted = 0;
  #endToEnd: number;
  #effects: PeerEffect[] = [];

  constructor(options: AaaServerOptions) {
    this.#settings = { ...AAA_SERVER_SETTINGS, ...options.settings };
    const identity = { originHost: options.originHost, originRealm: options.originRealm };
    const dictionary = new Dictionary(options.vendorId);
    this.#node = {
      identity,
      dictionary,
      address: options.address,
      originStateId: options.originStateId ?? 1,
    };
    const { peers, subscribers, store } = options;
    this.#service = new Service({
      identity,
      dictionary,
      peers,
      subscribers,
      store,
      hold: this.#settings.hold,
    });
    this.#store = store;
    this.#random = options.random;
    this.#duplicates = new Duplicates(this.#settings.duplicates);
    this.#endToEnd = Math.floor(options.random() * 0x1_0000_0000);
  }

  step(event: AaaServerEvent, now: number): PeerEffect[] {
    this.#effects = [];
    switch (event.type) {
      case 'stop':
        for (const peer of this.#peers) this.#from(peer, peer.stop(now), now);
        break;
      case 'abort':
        this.#abort(canonicalMnId(event.mnId), now);
        break;
      default: {
        const peer = [...this.#peers].find((each) => each.owns(event));
        if (peer !== undefined) this.#from(peer, peer.step(event, now), now);
        else if (event.type === 'stream.opened') this.#accept(event.stream, event.remote, now);
      }
    }
    return this.#effects;
  }

  /** True once no connection is left. */
  get closed(): boolean {
    return this.#peers.size === 0;
  }

  /** The current registration of every MN, ended ones included. */
  registrations(): SessionRecord[] {
    return this.#store.currents();
  }

  #abort(mnId: string, now: number): void {
    const record = this.#store.current(mnId);
    const told = record !== undefined && record.ended === undefined && this.#requestAbort(record, now);
    this.#effects.push({ type: 'trace', what: 'abort', detail: { mnId, told } });
  }

  /** False if neither the MAAR nor a relay is connected. */
  #requestAbort(record: SessionRecord, now: number): boolean {
    const ready = [...this.#peers].filter((each) => each.ready);
    const peer =
      ready.find((each) => each.remote?.originHost === record.host) ??
      ready.find((each) => this.#service.peer(each.remote?.originHost ?? '')?.role === 'relay');
    this.#endToEnd = (this.#endToEnd + 1) >>> 0;
    const request = makeRequest(COMMAND.ASR, this.#endToEnd, [
      avp('Session-Id', record.sessionId),
      ...announce(this.#node),
      avp('Destination-Realm', this.#realms.get(record.host) ?? this.#node.identity.originRealm),
      avp('Destination-Host', record.host),
      avp('Auth-Application-Id', APPLICATION.NASREQ),
      avp('User-Name', record.mnId),
    ]);
    const output = peer?.request(request, now);
    if (peer === undefined || output === undefined) return false;
    this.#from(peer, output, now);
    return true;
  }

  #accept(stream: string, remote: string, now: number): void {
    if (this.#peers.size >= this.#settings.connections) {
      this.#effects.push(
        { type: 'trace', what: 'drop', detail: { remote, reason: 'too many connections' } },
        { type: 'stream.close', stream },
      );
      return;
    }
    const peer = new Peer({
      name: `aaa:in/${++this.#accepted}`,
      role: 'responder',
      node: this.#node,
      admit: ({ originHost }) =>
        this.#service.peer(originHost) === undefined ? RESULT.UNKNOWN_PEER : RESULT.SUCCESS,
      settings: this.#settings.peer,
      random: this.#random,
    });
    this.#peers.add(peer);
    this.#from(peer, peer.accept(stream, now), now);
  }

  #from(peer: Peer, output: PeerOutput, now: number): void {
    this.#effects.push(...output.effects);
    for (const notice of output.notices) this.#notice(peer, notice, now);
  }

  #notice(peer: Peer, notice: PeerNotice, now: number): void {
    switch (notice.type) {
      case 'up': {
        this.#supersede(peer, now);
        return;
      }
      case 'down':
        this.#peers.delete(peer);
        return;
      case 'request': {
        this.#from(peer, peer.answer(this.#serve(notice.message, peer, now)), now);
        return;
      }
      case 'answer':
      case 'recovered':
      case 'suspect':
      case 'timeout':
    }
  }

  /**
   * The newest connection of a peer counts. RFC 6733 section 5.6 would refuse it while the old one stands, but a MAAR
   * that lost power leaves one that only the watchdog finds dead, up to a minute later.
   */
  #supersede(peer: Peer, now: number): void {
    for (const other of this.#peers) {
      if (other === peer || other.remote?.originHost !== peer.remote?.originHost) continue;
      this.#from(other, other.stop(now), now);
    }
  }

  #serve(request: Message, peer: Peer, now: number): Message {
    const { identity } = this.#node;
    const from = peer.remote!;
    const known = this.#duplicates.find(request, now);
    if (known !== undefined) return answerTo(request, identity, known.code, known.content);
    const host = get(request.avps, 'Origin-Host') ?? '';
    if (this.#service.peer(host) !== undefined) {
      this.#realms.set(host, get(request.avps, 'Origin-Realm') ?? from.originRealm);
    }
    try {
      const { reply, trace } = this.#service.serve(request, from, now);
      if (trace !== undefined) this.#effects.push(trace);
      this.#duplicates.remember(request, reply, now);
      return answerTo(request, identity, reply.code, reply.content);
    } catch (error) {
      // The store cannot write now: the MAAR shall try again, here or at the other server.
      const reason = messageOf(error);
      this.#effects.push({ type: 'trace', what: 'error', detail: { reason } });
      return answerTo(request, identity, RESULT.TOO_BUSY);
    }
  }
}
