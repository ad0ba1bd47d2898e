import type { Random, StreamEvent, TimerEvent } from '../core/machine.ts';
import { get } from '../wire/diameter/avp.ts';
import { Dictionary } from '../wire/diameter/dictionary.ts';
import { COMMAND, RESULT, VALUE } from '../wire/diameter/generated.ts';
import { answerTo, makeRequest } from '../wire/diameter/message.ts';
import type { Message } from '../wire/diameter/message.ts';
import type { LocalNode } from './capabilities.ts';
import { PEER_SETTINGS } from './peer-interface.ts';
import type { PeerEffect, PeerNotice, PeerOutput, PeerSettings } from './peer-interface.ts';
import { Peer } from './peer.ts';
import { newSession, requestContent } from './client-session.ts';
import type { AaaAnswer, AaaAttachment, Session } from './client-session.ts';
import { FIRST_ATTACHMENT, verdictOf } from './results.ts';

/** Everything an AAA client names starts with this: timers and streams. */
export const AAA_PREFIX = 'aaa:';

/** Times in milliseconds. */
export interface AaaClientSettings {
  /** An attachment without an answer for this long is reported unreachable, and goes on being tried. */
  readonly patience: number;
  /** Wait before a request that a server could not serve is sent again; doubles up to `retryMax`. */
  readonly retry: number;
  readonly retryMax: number;
  /** Requests not yet answered, sent or waiting for a server. */
  readonly outstanding: number;
  /** Attachments, answered ones included. */
  readonly sessions: number;
  readonly peer: PeerSettings;
}

export const AAA_CLIENT_SETTINGS: AaaClientSettings = {
  patience: 5_000,
  retry: 200,
  retryMax: 10_000,
  outstanding: 4_096,
  sessions: 65_536,
  peer: PEER_SETTINGS,
};

export interface AaaClientOptions {
  readonly originHost: string;
  readonly originRealm: string;
  readonly destinationRealm: string;
  /** Our own address, for the capabilities exchange. */
  readonly address: string;
  /** In order of preference. Names must differ and hold no "/". */
  readonly servers: readonly { readonly name: string; readonly host: string; readonly port: number }[];
  readonly random: Random;
  readonly vendorId?: number;
  /** Should grow with every start of the MAAR (RFC 6733 section 8.16): seconds since 1970, for instance. */
  readonly originStateId?: number;
  readonly settings?: Partial<AaaClientSettings>;
}

export type { AaaAnswer, AaaAttachment } from './client-session.ts';

export interface AaaOutput {
  readonly effects: PeerEffect[];
  readonly answers: AaaAnswer[];
}

/**
 * The AAA client of a MAAR: registers each attachment (AAR), ends it (STR), and is told to end it (ASR).
 * One Session-Id stands for one attachment through every retry and fail-over, so that the server gives the
 * same previous MAAR and counter however often the request reaches it.
 */
export class AaaClient {
  readonly #options: AaaClientOptions;
  readonly #settings: AaaClientSettings;
  readonly #node: LocalNode;
  readonly #peers: readonly Peer[];
  /** By Session-Id: an attachment being detached may share its `id` with its successor. */
  readonly #sessions = new Map<string, Session>();
  readonly #attached = new Map<string, Session>();
  readonly #queue = new Set<Session>();
  /** Sessions with a request that is not answered yet, by end-to-end identifier. */
  readonly #asked = new Map<number, Session>();
  readonly #sessionEpoch: number;
  #sessionNumber = 0;
  #endToEnd: number;
  #stopped = false;
  #out: AaaOutput = { effects: [], answers: [] };

  constructor(options: AaaClientOptions) {
    const { random } = options;
    this.#options = options;
    this.#settings = { ...AAA_CLIENT_SETTINGS, ...options.settings };
    this.#node = {
      identity: { originHost: options.originHost, originRealm: options.originRealm },
      address: options.address,
      dictionary: new Dictionary(options.vendorId),
      originStateId: options.originStateId ?? 1,
    };
    // RFC 6733 section 8.8 asks for uniqueness over restarts: drawn at random, since time may be virtual.
    this.#sessionEpoch = Math.floor(random() * 0x1_0000_0000);
    this.#endToEnd = Math.floor(random() * 0x1_0000_0000);
    this.#peers = options.servers.map(
      ({ name, host, port }) =>
        new Peer({
          name: `${AAA_PREFIX}peer/${name}`,
          role: 'initiator',
          node: this.#node,
          target: { host, port },
          admit: () => RESULT.SUCCESS,
          settings: this.#settings.peer,
          random,
        }),
    );
  }

  /** Connects to every server; attachments may be asked for before. */
  start(now: number): AaaOutput {
    return this.#run(now, () => {
      this.#stopped = false;
      for (const peer of this.#peers) this.#from(peer, peer.start(now), now);
    });
  }

  /** Orderly disconnection from every server. Sessions are left as they are. */
  stop(now: number): AaaOutput {
    return this.#run(now, () => {
      this.#stopped = true;
      for (const peer of this.#peers) this.#from(peer, peer.stop(now), now);
    });
  }

  /** True once `stop` has done all it can. */
  get closed(): boolean {
    return this.#peers.every((peer) => peer.state === 'closed');
  }

  /** Registers an attachment. Asking again repeats an answer already had, and is harmless while one is awaited. */
  attach(attachment: AaaAttachment, now: number): AaaOutput {
    return this.#run(now, () => {
      const known = this.#attached.get(attachment.id);
      if (known !== undefined) {
        if (known.answer !== undefined) this.#out.answers.push(known.answer);
        else if (known.phase !== 'settled') this.#armPatience(known, now);
        return;
      }
      const { outstanding, sessions } = this.#settings;
      if (this.#asked.size + this.#queue.size >= outstanding || this.#sessions.size >= sessions) {
        this.#out.answers.push({
          result: 'unreachable',
          id: attachment.id,
          mnId: attachment.mnId,
          code: RESULT.TOO_BUSY,
          reason: 'too many attachments wait for the AAA server',
        });
        return;
      }
      const session = newSession(attachment, this.#nextSessionId());
      this.#sessions.set(session.sessionId, session);
      this.#attached.set(session.id, session);
      this.#queue.add(session);
      this.#armPatience(session, now);
    });
  }

  /** Ends an attachment, or cancels one that is still asked for. Answered by `detached`. */
  detach(id: string, now: number): AaaOutput {
    return this.#run(now, () => {
      const session = this.#attached.get(id);
      if (session !== undefined) this.#end(session, VALUE.TERMINATION_CAUSE_LOGOUT);
    });
  }

  /** True for the events that are meant for this client. */
  owns(event: StreamEvent | TimerEvent): boolean {
    return (event.type === 'timer' ? event.id : event.stream).startsWith(AAA_PREFIX);
  }

  handle(event: StreamEvent | TimerEvent, now: number): AaaOutput {
    return this.#run(now, () => {
      const peer = this.#peers.find((each) => each.owns(event));
      if (peer !== undefined) {
        this.#from(peer, peer.step(event, now), now);
        return;
      }
      if (event.type !== 'timer' || !this.owns(event)) return;
      const [kind, sessionId] = event.id.slice(AAA_PREFIX.length).split('/', 2);
      const session = this.#sessions.get(sessionId ?? '');
      if (session === undefined) return;
      if (kind === 'retry' && session.phase === 'delayed') this.#enqueue(session);
      if (kind === 'patience' && session.command === COMMAND.AAR && session.phase !== 'settled') {
        this.#out.answers.push({
          result: 'unreachable',
          id: session.id,
          mnId: session.mnId,
          code: RESULT.UNABLE_TO_DELIVER,
          reason: 'no answer from any AAA server',
        });
      }
    });
  }

  #run(now: number, body: () => void): AaaOutput {
    this.#out = { effects: [], answers: [] };
    body();
    if (!this.#stopped) this.#dispatch(now);
    return this.#out;
  }

  #from(peer: Peer, output: PeerOutput, now: number): void {
    this.#out.effects.push(...output.effects);
    for (const notice of output.notices) this.#notice(peer, notice, now);
  }

  #notice(peer: Peer, notice: PeerNotice, now: number): void {
    switch (notice.type) {
      case 'suspect':
      case 'down':
      case 'timeout':
        for (const request of notice.unanswered) this.#failOver(peer, request);
        return;
      case 'answer': {
        this.#answered(peer, notice, now);
        return;
      }
      case 'request': {
        this.#from(peer, peer.answer(this.#serve(notice.message)), now);
        return;
      }
      case 'up':
      case 'recovered':
    }
  }

  /** The request may have reached the server: it goes out again as it was, with the T flag (RFC 6733 section 5.5.4). */
  #failOver(peer: Peer, request: Message): void {
    const session = this.#asked.get(request.endToEnd);
    if (session?.phase !== 'sent') return;
    session.retransmit = true;
    session.avoid = peer;
    this.#enqueue(session);
  }

  #enqueue(session: Session): void {
    session.phase = 'queued';
    this.#queue.add(session);
  }

  #dispatch(now: number): void {
    for (const session of this.#queue) {
      const ready = this.#peers.filter((peer) => peer.ready);
      const peer = ready.find((each) => each !== session.avoid) ?? ready[0];
      if (peer === undefined) return;
      this.#queue.delete(session);
      session.endToEnd ??= this.#nextEndToEnd();
      session.phase = 'sent';
      session.offered = true;
      this.#asked.set(session.endToEnd, session);
      const content = requestContent(session, this.#node, this.#options.destinationRealm);
      const request = makeRequest(session.command, session.endToEnd, content);
      const output = peer.request({ ...request, retransmitted: session.retransmit }, now);
      if (output !== undefined) this.#from(peer, output, now);
    }
  }

  #answered(peer: Peer, notice: Extract<PeerNotice, { type: 'answer' }>, now: number): void {
    const session = this.#asked.get(notice.request.endToEnd);
    if (session?.phase !== 'sent') return;
    this.#forgetRequest(session);
    const verdict = verdictOf(notice.answer, notice.fault);
    if (verdict.type === 'retry') {
      session.phase = 'delayed';
      session.avoid = peer;
      const { retry, retryMax } = this.#settings;
      const delay = Math.min(retry * 2 ** session.attempts++, retryMax);
      this.#arm('retry', session, now + delay * (0.5 + this.#options.random() / 2));
      return;
    }
    session.phase = 'settled';
    // Whatever a server says to an STR, the session is over for us.
    if (verdict.type === 'ended' || session.command === COMMAND.STR) {
      this.#detached(session);
      return;
    }
    this.#arm('patience', session, undefined);
    const { id, mnId, sessionId } = session;
    if (verdict.type === 'registered') {
      const { previous, counter } = verdict;
      session.answer = {
        result: 'ok',
        id,
        mnId,
        sessionId,
        previous: previous === FIRST_ATTACHMENT ? undefined : previous,
        counter,
      };
      this.#out.answers.push(session.answer);
      return;
    }
    this.#sessions.delete(sessionId);
    this.#attached.delete(id);
    const { code, reason } = verdict;
    this.#out.answers.push({
      result: code === RESULT.USER_UNKNOWN ? 'unknown' : 'refused',
      id,
      mnId,
      code,
      reason,
    });
  }

  /** Requests that the AAA server sends to us: ASR, RFC 6733 section 8.5. */
  #serve(request: Message): Message {
    const { identity } = this.#node;
    if (request.command !== COMMAND.ASR) return answerTo(request, identity, RESULT.COMMAND_UNSUPPORTED);
    const session = this.#sessions.get(get(request.avps, 'Session-Id') ?? '');
    if (session === undefined || session.command === COMMAND.STR) {
      return answerTo(request, identity, RESULT.UNKNOWN_SESSION_ID);
    }
    const { id, mnId, sessionId } = session;
    this.#out.answers.push({ result: 'aborted', id, mnId, sessionId });
    this.#end(session, VALUE.TERMINATION_CAUSE_ADMINISTRATIVE);
    return answerTo(request, identity, RESULT.SUCCESS);
  }

  /** Turns a session to its STR; one that no server ever heard of needs none. */
  #end(session: Session, cause: number): void {
    this.#attached.delete(session.id);
    this.#arm('patience', session, undefined);
    this.#arm('retry', session, undefined);
    this.#forgetRequest(session);
    this.#queue.delete(session);
    if (!session.offered) {
      this.#detached(session);
      return;
    }
    session.command = COMMAND.STR;
    session.cause = cause;
    session.attempts = 0;
    this.#enqueue(session);
  }

  #detached(session: Session): void {
    this.#sessions.delete(session.sessionId);
    this.#out.answers.push({ result: 'detached', id: session.id, mnId: session.mnId });
  }

  #forgetRequest(session: Session): void {
    if (session.endToEnd !== undefined) this.#asked.delete(session.endToEnd);
    session.endToEnd = undefined;
    session.retransmit = false;
  }

  #armPatience(session: Session, now: number): void {
    this.#arm('patience', session, now + this.#settings.patience);
  }

  #arm(timer: 'patience' | 'retry', session: Session, at: number | undefined): void {
    this.#out.effects.push({ type: 'timer', id: `${AAA_PREFIX}${timer}/${session.sessionId}`, at });
  }

  #nextEndToEnd(): number {
    this.#endToEnd = (this.#endToEnd + 1) >>> 0;
    return this.#endToEnd;
  }

  #nextSessionId(): string {
    return `${this.#options.originHost};${this.#sessionEpoch};${this.#sessionNumber++}`;
  }
}
