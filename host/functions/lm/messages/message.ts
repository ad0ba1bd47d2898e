import type { Address, Prefix } from '../../../../bindings/entries.ts';

/** Where the packets for some prefixes of one MN go. */
export interface Binding {
  /** Home network prefixes; a host's address is a /128. */
  readonly prefixes: readonly Prefix[];
  /** Prefixes delegated to an MN that is a router. */
  readonly delegated: readonly Prefix[];
  readonly locator: Address;
  /** Of two bindings of an LM that name the same prefix the one with the higher counter is the later. */
  readonly counter: number;
  /** What is left of it; 0 withdraws it. */
  readonly lifetimeSeconds: number;
}

interface Common {
  readonly sequence: number;
  /** Milliseconds since 1970 by the requester's clock; an answer repeats it. */
  readonly timestamp: number;
}

interface Answer extends Common {
  readonly status: number;
  /** With status 156: the time by the answerer's clock, milliseconds since 1970. */
  readonly clock?: number;
}

interface Session {
  readonly mnId: string;
  /** Values of RFC 5213 section 8.4 and of the registry of access technology types. */
  readonly handoff: number;
  readonly accessTechnology: number;
  readonly prefixes: readonly Prefix[];
  readonly delegated: readonly Prefix[];
  /** 0 de-registers. */
  readonly lifetimeSeconds: number;
  /** In an update the counter that was handed out for it, in an answer the one in force. */
  readonly counter: number;
}

export type ProxyBindingUpdate = { readonly kind: 'PBU'; readonly locator: Address } & Session & Common;
export type ProxyBindingAcknowledgement = { readonly kind: 'PBA' } & Session & Answer;

export interface ProxyBindingQuery extends Common {
  readonly kind: 'PBQ';
  /** An MN has come to the sender, which wants the next registration counter; needs `mnId`. */
  readonly register: boolean;
  /** For how long the sender wants to be told of changes; 0: not at all. */
  readonly lifetimeSeconds: number;
  readonly mnId?: string;
  /** An address (/128) or a prefix. */
  readonly where?: Prefix;
}

export interface ProxyQueryAnswer extends Answer {
  readonly kind: 'PQA';
  /** For how long the requester will be told of changes. */
  readonly lifetimeSeconds: number;
  /** The registration counter handed out. */
  readonly ticket?: number;
  /** Absent where nothing is known of the MN or prefix. */
  readonly binding?: Binding;
}

export interface UpdateNotification extends Common {
  readonly kind: 'UPN';
  readonly retransmission: boolean;
  readonly binding: Binding;
}

export interface UpdateNotificationAcknowledgement extends Answer {
  readonly kind: 'UPA';
}

/** Tells a correspondents' router where to send packets for an MN; carries its lifetime in the header, up to 65,535 s. */
export interface LocalizedRoutingInitiation extends Common {
  readonly kind: 'LRI';
  readonly binding: Binding;
}

export interface LocalizedRoutingAcknowledgement extends Answer {
  readonly kind: 'LRA';
  readonly lifetimeSeconds: number;
}

/** A home of an MN that has moved on. */
export interface HandedHome {
  readonly prefix: Prefix;
  /** Until its prefix ends; 0: no session ever used it, so that it is deprecated and not followed. */
  readonly validSeconds: number;
}

/** A correspondent of an MN that has moved on. */
export interface HandedSession {
  readonly cn: Address;
  /** Where the correspondent is, and the counter of the binding that said so. */
  readonly maar: Address;
  readonly counter: number;
  /** Which of the homes talk to it, by their places in the list. */
  readonly homes: readonly number[];
}

/** An MN has come to the sender: what is known of it? */
export interface HandoverInitiate extends Common {
  readonly kind: 'HI';
  readonly mnId: string;
  /** Of the MN's registration with the AAA server: an older one lost a race. */
  readonly counter: number;
}

export interface HandoverAcknowledge extends Answer {
  readonly kind: 'HAck';
  readonly mnId: string;
  /** Of the MN's last registration with an LM server, as far as the sender knows. */
  readonly counter: number;
  readonly homes: readonly HandedHome[];
  readonly sessions: readonly HandedSession[];
}

export interface PoolJoin extends Common {
  readonly kind: 'LPJ';
  /** 0 leaves the pool. */
  readonly lifetimeSeconds: number;
  /** Prefixes that the sender is the primary server of. */
  readonly primary: readonly Prefix[];
}

export interface PoolJoinAnswer extends Answer {
  readonly kind: 'LPA';
  readonly lifetimeSeconds: number;
  readonly primary: readonly Prefix[];
}

export type LocationRequest =
  | ProxyBindingUpdate
  | ProxyBindingQuery
  | UpdateNotification
  | LocalizedRoutingInitiation
  | HandoverInitiate
  | PoolJoin;
export type LocationAnswer =
  | ProxyBindingAcknowledgement
  | ProxyQueryAnswer
  | UpdateNotificationAcknowledgement
  | LocalizedRoutingAcknowledgement
  | HandoverAcknowledge
  | PoolJoinAnswer;
export type LocationMessage = LocationRequest | LocationAnswer;

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A message before it has a sequence number and a timestamp. */
export type Draft<T extends LocationMessage> = Without<T, 'sequence' | 'timestamp'>;

export function isAnswer(message: LocationMessage): message is LocationAnswer {
  return 'status' in message;
}
