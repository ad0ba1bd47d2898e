import type {
  Random,
  StreamEffect,
  StreamEvent,
  TimerEffect,
  TimerEvent,
  TraceEffect,
} from '../core/machine.ts';
import { avp, get } from '../wire/diameter/avp.ts';
import type { DiameterFault } from '../wire/diameter/avp.ts';
import { Framer } from '../wire/diameter/framer.ts';
import { COMMAND, RESULT, VALUE } from '../wire/diameter/generated.ts';
import {
  answerTo,
  checkMessage,
  decodeMessage,
  encodeMessage,
  faultAnswer,
  makeRequest,
  messageName,
  origin,
} from '../wire/diameter/message.ts';
import type { Identity, Message } from '../wire/diameter/message.ts';
import { announce, capabilities, identityOf, judgeCapabilities } from './capabilities.ts';
import type { LocalNode } from './capabilities.ts';
import { peerTransition } from './peer-states.ts';
import type { PeerAction, PeerInput, PeerRole, PeerState } from './peer-states.ts';
import { PendingRequests } from './pending.ts';

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

const WATCHDOG_JITTER = 2_000;

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

type PeerTimer = 'watchdog' | 'deadline' | 'retry' | 'answer';

/** One connection to a Diameter peer, in either role; its state machine stands in peer-states.ts. */
export class Peer {
  readonly name: string;
  readonly #options: PeerOptions;
  #state: PeerState = 'closed';
  #stream: string | undefined;
  #connections = 0;
  #framer = new Framer();
  #probing = false;
  /** Failed attempts since the last open connection. */
  #attempts = 0;
  #remote: Identity | undefined;
  #identifier: number;
  readonly #pending: PendingRequests;
  #out: PeerOutput = { effects: [], notices: [] };
  #reason = '';
  #dpr: Message | undefined;

  constructor(options: PeerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#identifier = Math.floor(options.random() * 0x1_0000_0000);
    this.#pending = new PendingRequests(options.settings.pending, options.settings.answer);
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Who the other side said it is; undefined while no connection is open. */
  get remote(): Identity | undefined {
    return this.#remote;
  }

  /** True if a request would be taken now. */
  get ready(): boolean {
    return this.#state === 'open' && !this.#pending.full;
  }

  /** Initiator: begins to connect, and goes on until `stop`. */
  start(now: number): PeerOutput {
    return this.#run(() => this.#input('start', now));
  }

  /** Responder: takes over a connection that the other side opened. */
  accept(stream: string, now: number): PeerOutput {
    return this.#run(() => {
      this.#stream = stream;
      this.#input('accepted', now);
    });
  }

  /** Orderly stop: DPR where a connection is open. */
  stop(now: number): PeerOutput {
    return this.#run(() => {
      this.#reason = 'stopped';
      this.#input('stop', now);
    });
  }

  /** True for events of this peer's current stream and of its timers. */
  owns(event: StreamEvent | TimerEvent): boolean {
    return event.type === 'timer' ? event.id.startsWith(`${this.name}/`) : event.stream === this.#stream;
  }

  step(event: StreamEvent | TimerEvent, now: number): PeerOutput {
    return this.#run(() => {
      if (!this.owns(event)) return;
      switch (event.type) {
        case 'stream.opened': {
          this.#input('connected', now);
          return;
        }
        case 'stream.closed':
          this.#reason = event.reason;
          this.#stream = undefined;
          {
            this.#input('lost', now);
            return;
          }
        case 'stream.data': {
          this.#data(event.data, now);
          return;
        }
        case 'timer': {
          this.#timer(event.id.slice(this.name.length + 1) as PeerTimer, now);
          return;
        }
      }
    });
  }

  /**
   * Sends a request with a fresh hop-by-hop identifier. Its answer, or its return unanswered, comes as a notice.
   * Undefined if the peer is not `ready`: nothing was sent.
   */
  request(message: Message, now: number): PeerOutput | undefined {
    if (!this.ready) return undefined;
    return this.#run(() => {
      const sent = { ...message, hopByHop: this.#nextIdentifier() };
      this.#pending.add(sent, now);
      this.#send(sent);
      this.#arm('answer', this.#pending.deadline);
    });
  }

  /** Sends the answer to a request that came by a notice; dropped if the connection has gone meanwhile. */
  answer(message: Message): PeerOutput {
    return this.#run(() => {
      this.#send(message);
    });
  }

  #run(body: () => void): PeerOutput {
    this.#out = { effects: [], notices: [] };
    body();
    return this.#out;
  }

  #timer(timer: PeerTimer, now: number): void {
    switch (timer) {
      case 'watchdog':
        this.#reason = 'watchdog unanswered';
        {
          this.#input(this.#probing ? 'unanswered' : 'watchdog', now);
          return;
        }
      case 'deadline':
        this.#reason = `${this.#state} took too long`;
        {
          this.#input('deadline', now);
          return;
        }
      case 'retry': {
        this.#input('retry', now);
        return;
      }
      case 'answer': {
        const unanswered = this.#pending.expire(now);
        this.#arm('answer', this.#pending.deadline);
        if (unanswered.length > 0) this.#out.notices.push({ type: 'timeout', unanswered });
      }
    }
  }

  #data(data: Uint8Array, now: number): void {
    const stream = this.#stream;
    const { messages, broken } = this.#framer.push(data);
    for (const message of messages) {
      if (this.#stream !== stream) return;
      this.#receive(message, now);
    }
    if (broken === undefined || this.#stream !== stream || stream === undefined) return;
    this.#reason = broken;
    this.#trace('drop', { reason: broken });
    this.#out.effects.push({ type: 'stream.close', stream });
    this.#stream = undefined;
    this.#input('lost', now);
  }

  #receive(data: Uint8Array, now: number): void {
    const { node } = this.#options;
    const decoded = decodeMessage(data, node.dictionary);
    const message = decoded.message;
    if (message === undefined) return;
    const fault = decoded.ok ? checkMessage(message, node.dictionary) : decoded.fault;
    this.#traceMessage('receive', message, fault);
    if (this.#state === 'open' || this.#state === 'suspect') this.#setWatchdog(now);
    this.#input('received', now);
    if (message.command === COMMAND.CER) {
      this.#capabilities(message, fault, now);
      return;
    }
    if (this.#state === 'expecting' || this.#state === 'greeting') {
      this.#reason = `${messageName(message)} before the capabilities exchange`;
      this.#input('unfit', now);
      return;
    }
    if (!message.request) {
      this.#answered(message, fault, now);
      return;
    }
    if (fault !== undefined) {
      this.#send(faultAnswer(message, node.identity, fault));
      return;
    }
    if (message.command === COMMAND.DWR) {
      this.#send(
        answerTo(message, node.identity, RESULT.SUCCESS, [avp('Origin-State-Id', node.originStateId)]),
      );
      return;
    }
    if (message.command === COMMAND.DPR) {
      this.#dpr = message;
      this.#input('dpr', now);
      return;
    }
    if (this.#state === 'open') this.#out.notices.push({ type: 'request', message });
    else this.#send(answerTo(message, node.identity, RESULT.TOO_BUSY));
  }

  #answered(message: Message, fault: DiameterFault | undefined, now: number): void {
    if (message.command === COMMAND.DWR) {
      this.#probing = false;
      return;
    }
    if (message.command === COMMAND.DPR) {
      this.#input('dpa', now);
      return;
    }
    const request = this.#pending.take(message);
    if (request === undefined) {
      this.#trace('drop', { reason: 'answer to no pending request' });
      return;
    }
    this.#arm('answer', this.#pending.deadline);
    this.#out.notices.push({
      type: 'answer',
      request,
      answer: message,
      ...(fault === undefined ? {} : { fault }),
    });
  }

  /** CER at a responder, CEA at an initiator, RFC 6733 section 5.3. */
  #capabilities(message: Message, fault: DiameterFault | undefined, now: number): void {
    const { node } = this.#options;
    const due = message.request ? this.#state === 'expecting' : this.#state === 'greeting';
    if (!due) {
      if (message.request) this.#send(answerTo(message, node.identity, RESULT.UNABLE_TO_COMPLY));
      return;
    }
    const remote = identityOf(message.avps);
    const result = this.#judge(message, fault, remote);
    if (message.request) {
      if (fault !== undefined) this.#send(faultAnswer(message, node.identity, fault));
      else this.#send(answerTo(message, node.identity, result, capabilities(node)));
    }
    if (result !== RESULT.SUCCESS) {
      this.#reason = fault?.text ?? `capabilities exchange ended with Result-Code ${result}`;
      this.#input('unfit', now);
      return;
    }
    this.#remote = remote;
    this.#input('capabilities', now);
  }

  #judge(message: Message, fault: DiameterFault | undefined, remote: Identity): number {
    if (fault !== undefined) return fault.code;
    const answered = message.request ? RESULT.SUCCESS : (get(message.avps, 'Result-Code') ?? 0);
    if (answered !== RESULT.SUCCESS) return answered;
    const admitted = this.#options.admit(remote);
    return admitted === RESULT.SUCCESS ? judgeCapabilities(message.avps) : admitted;
  }

  #input(input: PeerInput, now: number): void {
    const row = peerTransition(this.#state, input, this.#options.role);
    if (row === undefined) return;
    const from = this.#state;
    this.#state = row.to;
    if (from !== row.to) this.#trace('state', { from, to: row.to, input });
    this.#actions[row.action](now);
  }

  readonly #actions: Readonly<Record<PeerAction, (now: number) => void>> = {
    connect: (now) => {
      const { host, port } = this.#options.target!;
      // A fresh name each time: events of an abandoned connection cannot be taken for the new one's.
      this.#stream = `${this.name}#${++this.#connections}`;
      this.#framer = new Framer();
      this.#out.effects.push({ type: 'stream.open', stream: this.#stream, host, port });
      this.#arm('deadline', now + this.#options.settings.exchange);
    },
    greet: (now) => {
      const { node } = this.#options;
      this.#base(COMMAND.CER, [...origin(node.identity), ...capabilities(node)]);
      this.#arm('deadline', now + this.#options.settings.exchange);
    },
    expect: (now) => this.#arm('deadline', now + this.#options.settings.exchange),
    opened: (now) => {
      this.#attempts = 0;
      this.#probing = false;
      this.#arm('deadline', undefined);
      this.#setWatchdog(now);
      this.#out.notices.push({ type: 'up', remote: this.#remote! });
    },
    probe: (now) => {
      this.#probing = true;
      this.#base(COMMAND.DWR, announce(this.#options.node));
      this.#setWatchdog(now);
    },
    suspected: (now) => {
      this.#setWatchdog(now);
      this.#out.notices.push({ type: 'suspect', unanswered: this.#unanswered() });
    },
    recovered: () => {
      this.#probing = false;
      this.#out.notices.push({ type: 'recovered' });
    },
    leave: (now) => {
      const cause = avp('Disconnect-Cause', VALUE.DISCONNECT_CAUSE_REBOOTING);
      this.#base(COMMAND.DPR, [...origin(this.#options.node.identity), cause]);
      this.#arm('watchdog', undefined);
      this.#arm('deadline', now + this.#options.settings.exchange);
    },
    depart: (now) => {
      const dpr = this.#dpr!;
      // Section 5.4.3: a peer that is not coming back by itself is not to be called again soon.
      const rebooting = get(dpr.avps, 'Disconnect-Cause') === VALUE.DISCONNECT_CAUSE_REBOOTING;
      if (!rebooting) this.#attempts = Infinity;
      this.#send(answerTo(dpr, this.#options.node.identity, RESULT.SUCCESS));
      this.#arm('watchdog', undefined);
      this.#arm('deadline', now + this.#options.settings.exchange);
    },
    backoff: (now) => this.#backoff(now),
    reconnect: (now) => {
      this.#closeStream();
      this.#backoff(now);
    },
    disconnect: () => {
      this.#closeStream();
      this.#ended();
    },
    finish: () => this.#ended(),
  };

  #backoff(now: number): void {
    this.#ended();
    const { reconnect, reconnectMax } = this.#options.settings;
    const delay = Math.min(reconnect * 2 ** this.#attempts++, reconnectMax);
    this.#arm('retry', now + delay * (0.5 + this.#options.random() / 2));
  }

  #ended(): void {
    for (const timer of ['watchdog', 'deadline', 'retry', 'answer'] as const) this.#arm(timer, undefined);
    this.#remote = undefined;
    this.#out.notices.push({ type: 'down', unanswered: this.#unanswered(), reason: this.#reason });
  }

  #unanswered(): Message[] {
    this.#arm('answer', undefined);
    return this.#pending.clear();
  }

  #closeStream(): void {
    if (this.#stream === undefined) return;
    this.#out.effects.push({ type: 'stream.close', stream: this.#stream });
    this.#stream = undefined;
  }

  #setWatchdog(now: number): void {
    const { watchdog } = this.#options.settings;
    const jitter = Math.min(WATCHDOG_JITTER, watchdog / 15);
    this.#arm('watchdog', now + watchdog + (2 * this.#options.random() - 1) * jitter);
  }

  #arm(timer: PeerTimer, at: number | undefined): void {
    this.#out.effects.push({ type: 'timer', id: `${this.name}/${timer}`, at });
  }

  #nextIdentifier(): number {
    this.#identifier = (this.#identifier + 1) >>> 0;
    return this.#identifier;
  }

  /** A request of the base protocol, whose answer the state machine awaits itself. */
  #base(command: number, avps: Message['avps']): void {
    const identifier = this.#nextIdentifier();
    this.#send({ ...makeRequest(command, identifier, avps), hopByHop: identifier });
  }

  #send(message: Message): void {
    if (this.#stream === undefined) return;
    const data = encodeMessage(message, this.#options.node.dictionary);
    this.#traceMessage('send', message);
    this.#out.effects.push({ type: 'stream.send', stream: this.#stream, data });
  }

  #traceMessage(what: 'send' | 'receive', message: Message, fault?: DiameterFault): void {
    const local = this.#options.node.identity.originHost;
    const remote = this.#remote?.originHost ?? get(message.avps, 'Origin-Host') ?? this.name;
    const sessionId = get(message.avps, 'Session-Id');
    const result = get(message.avps, 'Result-Code');
    this.#out.effects.push({
      type: 'trace',
      what,
      message: messageName(message),
      ...(what === 'send' ? { from: local, to: remote } : { from: remote, to: local }),
      detail: {
        ...(sessionId === undefined ? {} : { sessionId }),
        ...(result === undefined ? {} : { result }),
        ...(message.retransmitted ? { retransmitted: true } : {}),
        ...(fault === undefined ? {} : { fault: fault.text, code: fault.code }),
      },
    });
  }

  #trace(what: string, detail: Readonly<Record<string, unknown>>): void {
    this.#out.effects.push({ type: 'trace', what, detail: { peer: this.name, ...detail } });
  }
}
