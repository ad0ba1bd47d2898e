import type { StreamEvent, TimerEvent } from '../core/machine.ts';
import { avp, get } from '../wire/diameter/avp.ts';
import type { DiameterFault } from '../wire/diameter/avp.ts';
import { COMMAND, RESULT, VALUE } from '../wire/diameter/generated.ts';
import {
  answerTo,
  checkMessage,
  decodeMessage,
  faultAnswer,
  makeRequest,
  messageName,
  origin,
} from '../wire/diameter/message.ts';
import type { Identity, Message } from '../wire/diameter/message.ts';
import { announce, capabilities, identityOf, judgeCapabilities } from './capabilities.ts';
import { Connection } from './connection.ts';
import type { PeerOptions, PeerOutput } from './peer-interface.ts';
import { peerTransition } from './peer-states.ts';
import type { PeerAction, PeerInput, PeerState } from './peer-states.ts';
import { PendingRequests } from './pending.ts';

/** Bound of the watchdog's jitter, RFC 3539 section 3.4.1, in milliseconds. */
const WATCHDOG_JITTER = 2_000;

type PeerTimer = 'watchdog' | 'deadline' | 'retry' | 'answer';

/** One connection to a Diameter peer, in either role; its state machine stands in peer-states.ts. */
export class Peer {
  readonly name: string;
  readonly #options: PeerOptions;
  #state: PeerState = 'closed';
  readonly #connection: Connection;
  #probing = false;
  /** Failed attempts since the last open connection. */
  #attempts = 0;
  #identifier: number;
  readonly #pending: PendingRequests;
  #out: PeerOutput = { effects: [], notices: [] };
  #reason = '';
  #dpr: Message | undefined;

  constructor(options: PeerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#connection = new Connection(options.name, options.node, (effect) => this.#out.effects.push(effect));
    this.#identifier = Math.floor(options.random() * 0x1_0000_0000);
    this.#pending = new PendingRequests(options.settings.pending, options.settings.answer);
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Who the other side said it is; undefined while no connection is open. */
  get remote(): Identity | undefined {
    return this.#connection.remote;
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
      this.#connection.adopt(stream);
      this.#input('accepted', now);
    });
  }

  /** Orderly stop: DPR where a connection is open. */
  stop(now: number): PeerOutput {
    return this.#run(() => {
      this.#input('stop', now, 'stopped');
    });
  }

  /** True for events of this peer's current stream and of its timers. */
  owns(event: StreamEvent | TimerEvent): boolean {
    return event.type === 'timer'
      ? event.id.startsWith(`${this.name}/`)
      : event.stream === this.#connection.stream;
  }

  step(event: StreamEvent | TimerEvent, now: number): PeerOutput {
    return this.#run(() => {
      if (!this.owns(event)) return;
      switch (event.type) {
        case 'stream.opened':
          this.#input('connected', now);
          break;
        case 'stream.closed':
          this.#connection.lost();
          this.#input('lost', now, event.reason);
          break;
        case 'stream.data':
          this.#data(event.data, now);
          break;
        case 'timer':
          this.#timer(event.id.slice(this.name.length + 1) as PeerTimer, now);
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
      this.#connection.send(sent);
      this.#arm('answer', this.#pending.deadline);
    });
  }

  /** Sends the answer to a request that came by a notice; dropped if the connection has gone meanwhile. */
  answer(message: Message): PeerOutput {
    return this.#run(() => {
      this.#connection.send(message);
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
        this.#input(this.#probing ? 'unanswered' : 'watchdog', now, 'watchdog unanswered');
        break;
      case 'deadline':
        this.#input('deadline', now, `${this.#state} took too long`);
        break;
      case 'retry':
        this.#input('retry', now);
        break;
      case 'answer': {
        const unanswered = this.#pending.expire(now);
        this.#arm('answer', this.#pending.deadline);
        if (unanswered.length > 0) this.#out.notices.push({ type: 'timeout', unanswered });
      }
    }
  }

  #data(data: Uint8Array, now: number): void {
    const { stream } = this.#connection;
    const { messages, broken } = this.#connection.cut(data);
    for (const message of messages) {
      this.#receive(message, now);
      if (this.#connection.stream !== stream) return;
    }
    if (broken === undefined) return;
    this.#connection.trace('drop', { reason: broken });
    this.#connection.close();
    this.#input('lost', now, broken);
  }

  #receive(data: Uint8Array, now: number): void {
    const { node } = this.#options;
    const decoded = decodeMessage(data, node.dictionary);
    const message = decoded.message;
    if (message === undefined) return;
    const fault = decoded.ok ? checkMessage(message, node.dictionary) : decoded.fault;
    this.#connection.traceMessage('receive', message, fault);
    if (this.#state === 'open' || this.#state === 'suspect') this.#setWatchdog(now);
    this.#input('received', now);
    if (message.command === COMMAND.CER) {
      this.#capabilities(message, fault, now);
      return;
    }
    if (this.#state === 'expecting' || this.#state === 'greeting') {
      this.#input('unfit', now, `${messageName(message)} before the capabilities exchange`);
      return;
    }
    if (!message.request) {
      this.#answered(message, fault, now);
      return;
    }
    if (fault !== undefined) {
      this.#connection.send(faultAnswer(message, node.identity, fault));
      return;
    }
    if (message.command === COMMAND.DWR) {
      this.#connection.send(
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
    else this.#connection.send(answerTo(message, node.identity, RESULT.TOO_BUSY));
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
      this.#connection.trace('drop', { reason: 'answer to no pending request' });
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
      if (message.request) this.#connection.send(answerTo(message, node.identity, RESULT.UNABLE_TO_COMPLY));
      return;
    }
    const remote = identityOf(message.avps);
    const result = this.#judge(message, fault, remote);
    if (message.request) {
      if (fault !== undefined) this.#connection.send(faultAnswer(message, node.identity, fault));
      else this.#connection.send(answerTo(message, node.identity, result, capabilities(node)));
    }
    if (result !== RESULT.SUCCESS) {
      this.#input('unfit', now, fault?.text ?? `capabilities exchange ended with Result-Code ${result}`);
      return;
    }
    this.#connection.remote = remote;
    this.#input('capabilities', now);
  }

  #judge(message: Message, fault: DiameterFault | undefined, remote: Identity): number {
    if (fault !== undefined) return fault.code;
    const answered = message.request ? RESULT.SUCCESS : (get(message.avps, 'Result-Code') ?? 0);
    if (answered !== RESULT.SUCCESS) return answered;
    const admitted = this.#options.admit(remote);
    return admitted === RESULT.SUCCESS ? judgeCapabilities(message.avps) : admitted;
  }

  /** `reason` is what the owner is told if the connection ends by it. */
  #input(input: PeerInput, now: number, reason: string = input): void {
    const row = peerTransition(this.#state, input, this.#options.role);
    if (row === undefined) return;
    const from = this.#state;
    this.#state = row.to;
    this.#reason = reason;
    if (from !== row.to) this.#connection.trace('state', { from, to: row.to, input });
    this.#actions[row.action](now);
  }

  readonly #actions: Readonly<Record<PeerAction, (now: number) => void>> = {
    connect: (now) => {
      this.#connection.open(this.#options.target!);
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
      this.#out.notices.push({ type: 'up', remote: this.#connection.remote! });
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
      this.#connection.send(answerTo(dpr, this.#options.node.identity, RESULT.SUCCESS));
      this.#arm('watchdog', undefined);
      this.#arm('deadline', now + this.#options.settings.exchange);
    },
    backoff: (now) => this.#backoff(now),
    reconnect: (now) => {
      this.#connection.close();
      this.#backoff(now);
    },
    disconnect: () => {
      this.#connection.close();
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
    this.#connection.remote = undefined;
    this.#out.notices.push({ type: 'down', unanswered: this.#unanswered(), reason: this.#reason });
  }

  #unanswered(): Message[] {
    this.#arm('answer', undefined);
    return this.#pending.clear();
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
    this.#connection.send({ ...makeRequest(command, identifier, avps), hopByHop: identifier });
  }
}
