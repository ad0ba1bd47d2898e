import { avp } from '../wire/diameter/avp.ts';
import type { Avp } from '../wire/diameter/avp.ts';
import { APPLICATION, COMMAND, VALUE } from '../wire/diameter/generated.ts';
import { announce } from './capabilities.ts';
import type { LocalNode } from './capabilities.ts';
import type { Peer } from './peer.ts';

export interface AaaAttachment {
  /** The caller's name for this attachment. The same name again is the same attachment, until it is detached. */
  readonly id: string;
  readonly mnId: string;
  /** The serving MAAR: us. */
  readonly maar: string;
}

/** `id` and `mnId` are the caller's. */
export type AaaAnswer =
  | {
      readonly result: 'ok';
      readonly id: string;
      readonly mnId: string;
      readonly sessionId: string;
      /** The MAAR that the MN came from; undefined at a first attachment. */
      readonly previous: string | undefined;
      /** The registration counter: of two registrations of an MN the higher is the later. */
      readonly counter: number;
    }
  | {
      /**
       * `unknown`: no such user. `refused`: any other permanent error. `unreachable`: no answer within the patience;
       * the attachment stays and may still become `ok`, except with code TOO_BUSY: it was not taken at all.
       */
      readonly result: 'unknown' | 'refused' | 'unreachable';
      readonly id: string;
      readonly mnId: string;
      /** Result-Code of RFC 6733 section 7.1, the server's or ours. */
      readonly code: number;
      readonly reason: string;
    }
  | { readonly result: 'detached'; readonly id: string; readonly mnId: string }
  /** The AAA server ended the session (ASR). It is already detached here. */
  | { readonly result: 'aborted'; readonly id: string; readonly mnId: string; readonly sessionId: string };

/** An attachment on its way to a server, or answered. */
export interface Session extends AaaAttachment {
  readonly sessionId: string;
  /** What to ask for next: AAR or STR. */
  command: typeof COMMAND.AAR | typeof COMMAND.STR;
  /** `queued` waits for a ready server, `delayed` for the retry timer. */
  phase: 'queued' | 'sent' | 'delayed' | 'settled';
  /** Identifies the unanswered request, the same over all its retransmissions. */
  endToEnd: number | undefined;
  retransmit: boolean;
  /** True once a server may know of the session. */
  offered: boolean;
  attempts: number;
  /** The server that could not serve it last time. */
  avoid: Peer | undefined;
  cause: number;
  answer: AaaAnswer | undefined;
}

export function newSession(attachment: AaaAttachment, sessionId: string): Session {
  return {
    ...attachment,
    sessionId,
    command: COMMAND.AAR,
    phase: 'queued',
    endToEnd: undefined,
    retransmit: false,
    offered: false,
    attempts: 0,
    avoid: undefined,
    cause: VALUE.TERMINATION_CAUSE_LOGOUT,
    answer: undefined,
  };
}

/** The AVPs of a session's next request: AAR (RFC 7155 section 3.1) or STR (RFC 6733 section 8.4.1). */
export function requestContent(session: Session, node: LocalNode, destinationRealm: string): Avp[] {
  const common = [
    avp('Session-Id', session.sessionId),
    avp('Auth-Application-Id', APPLICATION.NASREQ),
    ...announce(node),
    avp('Destination-Realm', destinationRealm),
    avp('User-Name', session.mnId),
  ];
  if (session.command === COMMAND.STR) return [...common, avp('Termination-Cause', session.cause)];
  return [
    ...common,
    avp('Auth-Request-Type', VALUE.AUTH_REQUEST_TYPE_AUTHORIZE_ONLY),
    avp('Auth-Session-State', VALUE.AUTH_SESSION_STATE_STATE_MAINTAINED),
    avp('MIP6-Agent-Info', [avp('MIP-Home-Agent-Address', session.maar)]),
  ];
}
