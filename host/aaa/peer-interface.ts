import type { Random, StreamEffect, TimerEffect, TraceEffect } from '../core/machine.ts';
import type { DiameterFault } from '../wire/diameter/avp.ts';
import type { Identity, Message } from '../wire/diameter/message.ts';
import type { LocalNode } from './capabilities.ts';
import type { PeerRole } from './peer-states.ts';

/** Times in milliseconds. */
export interface PeerSettings {
  /** Tw of RFC 3539 section 3.4.1; each round is jittered by up to 2 s, or a fifteenth of a shorter Tw. */
  readonly watchdog: number;
  /** First wait before a lost connection is opened again; doubles up to `reconnectMax`, jittered down to half. */
  readonly reconnect: number;
  readonly reconnectMax: number;
  /** Patience with a connection, CER, CEA, DPA and a peer that said DPR. */
  readonly exchange: number;
  /** Patience with the answer to a request. */
  readonly answer: number;
  /** Requests awaiting their answers on one connection. */
  readonly pending: number;
}

export const PEER_SETTINGS: PeerSettings = {
  watchdog: 30_000,
  reconnect: 500,
  reconnectMax: 30_000,
  exchange: 5_000,
  answer: 10_000,
  pending: 256,
};

export type PeerEffect = StreamEffect | TimerEffect | TraceEffect;

/** What the owner of a peer must know. Requests that come back unanswered may have been acted upon. */
export type PeerNotice =
  | { readonly type: 'up'; readonly remote: Identity }
  | { readonly type: 'suspect'; readonly unanswered: readonly Message[] }
  | { readonly type: 'recovered' }
  | { readonly type: 'down'; readonly unanswered: readonly Message[]; readonly reason: string }
  | { readonly type: 'timeout'; readonly unanswered: readonly Message[] }
  | { readonly type: 'request'; readonly message: Message }
  | {
      readonly type: 'answer';
      readonly request: Message;
      readonly answer: Message;
      readonly fault?: DiameterFault;
    };

export interface PeerOutput {
  readonly effects: PeerEffect[];
  readonly notices: PeerNotice[];
}

export interface PeerOptions {
  /** Names the connection: timers and streams start with it. */
  readonly name: string;
  readonly role: PeerRole;
  readonly node: LocalNode;
  /** Initiators only. */
  readonly target?: { readonly host: string; readonly port: number };
  /** Result-Code for a peer of that identity, SUCCESS to accept it. */
  readonly admit: (remote: Identity) => number;
  readonly settings: PeerSettings;
  readonly random: Random;
}
