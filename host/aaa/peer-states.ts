/** States of one Diameter connection: RFC 6733 section 5.6 with the watchdog of RFC 3539 section 3.4 folded in. */
export type PeerState =
  /** Not connected, and not trying. */
  | 'closed'
  /** Initiator: the back-off runs. */
  | 'waiting'
  /** Initiator: the transport connects. */
  | 'connecting'
  /** Initiator: CER sent, CEA awaited. */
  | 'greeting'
  /** Responder: connected, CER awaited. */
  | 'expecting'
  | 'open'
  /** A watchdog went unanswered: nothing new is sent here, pending requests fail over. */
  | 'suspect'
  /** DPR sent, DPA awaited. */
  | 'leaving'
  /** DPR answered: the peer closes the transport. */
  | 'departing';

export type PeerInput =
  | 'start'
  | 'stop'
  | 'accepted'
  | 'connected'
  | 'lost'
  /** CER or CEA with a common application from an expected peer. */
  | 'capabilities'
  /** CER or CEA that ends the connection. */
  | 'unfit'
  | 'watchdog'
  | 'unanswered'
  | 'deadline'
  | 'received'
  | 'dpr'
  | 'dpa'
  | 'retry';

export type PeerAction =
  | 'connect'
  | 'greet'
  | 'expect'
  | 'opened'
  | 'probe'
  | 'suspected'
  | 'recovered'
  | 'backoff'
  | 'disconnect'
  | 'reconnect'
  | 'leave'
  | 'depart'
  | 'finish';

export interface PeerTransition {
  readonly input: PeerInput;
  readonly from: PeerState;
  readonly to: PeerState;
  readonly action: PeerAction;
  /** The row holds for this role only. */
  readonly role?: PeerRole;
}

export type PeerRole = 'initiator' | 'responder';

/**
 * All that can happen to a connection. `disconnect` closes the transport for good; `reconnect` closes it and starts
 * the back-off; `finish` and `backoff` do the same where the transport is gone already.
 * What has no row is ignored.
 */
export const PEER_TRANSITIONS: readonly PeerTransition[] = [
  { input: 'start', from: 'closed', to: 'connecting', action: 'connect', role: 'initiator' },
  { input: 'retry', from: 'waiting', to: 'connecting', action: 'connect' },
  { input: 'connected', from: 'connecting', to: 'greeting', action: 'greet' },
  { input: 'capabilities', from: 'greeting', to: 'open', action: 'opened' },
  { input: 'accepted', from: 'closed', to: 'expecting', action: 'expect', role: 'responder' },
  { input: 'capabilities', from: 'expecting', to: 'open', action: 'opened' },

  { input: 'lost', from: 'connecting', to: 'waiting', action: 'backoff' },
  { input: 'deadline', from: 'connecting', to: 'waiting', action: 'reconnect' },
  { input: 'lost', from: 'greeting', to: 'waiting', action: 'backoff' },
  { input: 'deadline', from: 'greeting', to: 'waiting', action: 'reconnect' },
  { input: 'unfit', from: 'greeting', to: 'waiting', action: 'reconnect' },
  { input: 'lost', from: 'expecting', to: 'closed', action: 'finish' },
  { input: 'deadline', from: 'expecting', to: 'closed', action: 'disconnect' },
  { input: 'unfit', from: 'expecting', to: 'closed', action: 'disconnect' },

  { input: 'watchdog', from: 'open', to: 'open', action: 'probe' },
  { input: 'unanswered', from: 'open', to: 'suspect', action: 'suspected' },
  { input: 'received', from: 'suspect', to: 'open', action: 'recovered' },
  { input: 'unanswered', from: 'suspect', to: 'waiting', action: 'reconnect', role: 'initiator' },
  { input: 'unanswered', from: 'suspect', to: 'closed', action: 'disconnect', role: 'responder' },
  { input: 'lost', from: 'open', to: 'waiting', action: 'backoff', role: 'initiator' },
  { input: 'lost', from: 'open', to: 'closed', action: 'finish', role: 'responder' },
  { input: 'lost', from: 'suspect', to: 'waiting', action: 'backoff', role: 'initiator' },
  { input: 'lost', from: 'suspect', to: 'closed', action: 'finish', role: 'responder' },

  { input: 'dpr', from: 'open', to: 'departing', action: 'depart' },
  { input: 'lost', from: 'departing', to: 'waiting', action: 'backoff', role: 'initiator' },
  { input: 'lost', from: 'departing', to: 'closed', action: 'finish', role: 'responder' },
  { input: 'deadline', from: 'departing', to: 'waiting', action: 'reconnect', role: 'initiator' },
  { input: 'deadline', from: 'departing', to: 'closed', action: 'disconnect', role: 'responder' },

  { input: 'stop', from: 'open', to: 'leaving', action: 'leave' },
  { input: 'stop', from: 'suspect', to: 'closed', action: 'disconnect' },
  { input: 'stop', from: 'departing', to: 'closed', action: 'disconnect' },
  { input: 'stop', from: 'expecting', to: 'closed', action: 'disconnect' },
  { input: 'stop', from: 'greeting', to: 'closed', action: 'disconnect' },
  { input: 'stop', from: 'connecting', to: 'closed', action: 'disconnect' },
  { input: 'stop', from: 'waiting', to: 'closed', action: 'finish' },
  { input: 'dpa', from: 'leaving', to: 'closed', action: 'disconnect' },
  { input: 'dpr', from: 'leaving', to: 'leaving', action: 'depart' },
  { input: 'lost', from: 'leaving', to: 'closed', action: 'finish' },
  { input: 'deadline', from: 'leaving', to: 'closed', action: 'disconnect' },
];

export function peerTransition(
  from: PeerState,
  input: PeerInput,
  role: PeerRole,
): PeerTransition | undefined {
  return PEER_TRANSITIONS.find(
    (row) => row.from === from && row.input === input && (row.role === undefined || row.role === role),
  );
}
