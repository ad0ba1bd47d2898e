/** Control's end of the channel to an agent that runs the data plane on a router (bindings/cpdp/README.md). */
import type { Socket } from 'node:net';
import type { Address, Command, DataPlaneEvent, LinkId, Mac } from '../../../bindings/entries.ts';
import { LIMIT_COMMANDS } from '../../../bindings/generated/abi.ts';
import {
  APPLY_FLAG_BEGIN,
  APPLY_FLAG_END,
  PING_MILLIS,
  SILENCE_MILLIS,
} from '../../../bindings/generated/cpdp.ts';
import {
  activityRequest,
  apply,
  attached,
  frameOut,
  greeting,
  keeping,
  packetOut,
  ping,
  statusRequest,
  usageRequest,
} from '../../../bindings/node/cpdp.ts';
import type {
  AgentActivity,
  AgentCommandStatus,
  AgentFrame,
  AgentMessage,
  AgentPacket,
  AgentStatus,
  AgentUse,
  Hello,
  PresenceChange,
} from '../../../bindings/node/cpdp.ts';
import { AgentReader } from '../../../bindings/node/cpdp-reader.ts';
import { dial, textOf } from './dial.ts';
import type { AgentAddress } from './dial.ts';

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export interface AgentHandlers {
  readonly events: (events: readonly DataPlaneEvent[]) => void;
  /** A Mobility Header message has come to the agent's locator. */
  readonly packet: (packet: AgentPacket) => void;
  /** A frame was heard on a port of an access link. */
  readonly frame: (frame: AgentFrame) => void;
  /** What the link layer says of ports and stations: all that is there when a connection begins, then changes. */
  readonly presence: (changes: readonly PresenceChange[]) => void;
  /** The connection has ended; the agent forwards on. Called once. */
  readonly closed: (reason: Error) => void;
}

type Answer = Extract<AgentMessage, { readonly kind: 'status' | 'usage' | 'activity' }>;

/** What has come of an answer, which may take several messages. */
interface Question extends Waiting<readonly Answer[]> {
  readonly kind: Answer['kind'];
  readonly parts: Answer[];
}

/** One connection. After another, `replaceAll` brings the agent's entries to what control wants without a gap. */
export class AgentClient {
  readonly hello: Hello;
  readonly #socket: Socket;
  readonly #handlers: AgentHandlers;
  readonly #reader: AgentReader;
  readonly #batches = new Map<bigint, Waiting<readonly AgentCommandStatus[]>>();
  readonly #questions = new Map<bigint, Question>();
  readonly #pings: NodeJS.Timeout;
  #generation: bigint;
  #number = 0n;
  #lost = 0n;
  #reason: Error | undefined;

  /**
   * Connects to an agent, whose entries shall outlive the connection by `lifetime` milliseconds, or, with 0, until
   * control is back. Rejects where nobody listens, or with the fault that the agent names.
   */
  static async connect(address: AgentAddress, handlers: AgentHandlers, lifetime = 0): Promise<AgentClient> {
    const socket = dial(address);
    const name = textOf(address);
    return new Promise((resolve, reject) => {
      const reader = new AgentReader();
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      socket.setTimeout(SILENCE_MILLIS, () => fail(new Error(`${name}: no answer`)));
      socket.once('error', (error) => fail(new Error(`${name}: ${error.message}`)));
      socket.once('close', () => fail(new Error(`${name}: the agent has closed the connection`)));
      socket.on('data', (part) => {
        const messages = reader.take(part);
        if (typeof messages === 'string') return fail(new Error(`${name}: ${messages}`));
        const [first, ...rest] = messages;
        if (first === undefined) return;
        if (first.kind === 'fault') return fail(faultOf(first));
        if (first.kind !== 'hello') return fail(new Error(`${name}: ${first.kind} in place of hello`));
        for (const event of ['close', 'data', 'error', 'timeout']) socket.removeAllListeners(event);
        socket.pause();
        resolve(new AgentClient(first.hello, socket, reader, handlers, rest));
      });
      socket.write(greeting(lifetime));
    });
  }

  private constructor(
    hello: Hello,
    socket: Socket,
    reader: AgentReader,
    handlers: AgentHandlers,
    already: readonly AgentMessage[],
  ) {
    this.hello = hello;
    this.#generation = hello.generation;
    this.#socket = socket;
    this.#reader = reader;
    this.#handlers = handlers;
    socket.setTimeout(SILENCE_MILLIS, () => this.#end(new Error('the agent is silent')));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the agent has closed the connection')));
    this.#pings = setInterval(() => socket.write(ping(this.#number++)), PING_MILLIS);
    // Whoever asked for the connection has it in hand before the first of these comes.
    setImmediate(() => {
      for (const message of already) this.#handle(message);
      socket.on('data', (part) => this.#take(part)).resume();
    });
  }

  /** Generation of the last batch sent. */
  get generation(): bigint {
    return this.#generation;
  }

  /** Events, frames and messages that the agent had to drop since it started, nobody having taken them. */
  get lost(): bigint {
    return this.#lost;
  }

  /** Has commands carried out in order; rejects where the connection ends before all were answered. */
  apply(commands: readonly Command[]): Promise<AgentCommandStatus[]> {
    return this.#send(commands, false);
  }

  /** Makes the agent's entries those that `commands` put, without a gap: what stays as it is is not touched. */
  replaceAll(commands: readonly Command[]): Promise<AgentCommandStatus[]> {
    return this.#send(commands, true);
  }

  async #send(commands: readonly Command[], whole: boolean): Promise<AgentCommandStatus[]> {
    const answers: Promise<readonly AgentCommandStatus[]>[] = [];
    let from = 0;
    do {
      const part = commands.slice(from, from + LIMIT_COMMANDS);
      const begin = from === 0 ? APPLY_FLAG_BEGIN : 0;
      from += LIMIT_COMMANDS;
      const end = from >= commands.length ? APPLY_FLAG_END : 0;
      answers.push(this.batch(part, whole ? begin | end : 0));
    } while (from < commands.length);
    return (await Promise.all(answers)).flat();
  }

  /** One batch of `LIMIT_COMMANDS` commands at most, with apply flags. */
  batch(commands: readonly Command[], flags: number): Promise<readonly AgentCommandStatus[]> {
    this.#generation++;
    return this.#batch(commands, flags);
  }

  /** As `batch`, of the batch that the agent has carried out last, as `hello` says, for its answer. */
  repeat(commands: readonly Command[], flags: number): Promise<readonly AgentCommandStatus[]> {
    return this.#batch(commands, flags);
  }

  #batch(commands: readonly Command[], flags: number): Promise<readonly AgentCommandStatus[]> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    return new Promise((resolve, reject) => {
      this.#batches.set(this.#generation, { resolve, reject });
      this.#write(apply(this.#generation, commands, flags));
    });
  }

  /** Sends a Mobility Header or ICMPv6 message from the agent's locator; the kernel there fills its checksum. */
  send(dst: Address, data: Uint8Array, protocol: 'mobility' | 'icmpv6' = 'mobility'): void {
    this.#write(packetOut(dst, protocol, data));
  }

  /** Sends a frame on one port of an access link, or, without a name, on the link. */
  frame(link: LinkId, port: string | undefined, data: Uint8Array): void {
    this.#write(frameOut(link, port, data));
  }

  /** Of these stations only neighbour discovery and MLD reports are wanted from now on. */
  attached(link: LinkId, macs: readonly Mac[]): void {
    this.#write(attached(link, macs));
  }

  /** Answers that a station is leaving: what comes for it is kept. */
  keeping(mac: Mac): void {
    this.#write(keeping(mac));
  }

  async status(): Promise<AgentStatus> {
    const [answer] = await this.#ask('status', statusRequest(this.#number));
    if (answer?.kind !== 'status') throw new Error('no status in the answer');
    return answer.status;
  }

  /** When destinations and pairs of addresses last carried packets. */
  async usage(): Promise<AgentUse[]> {
    const answers = await this.#ask('usage', usageRequest(this.#number));
    return answers.flatMap((answer) => (answer.kind === 'usage' ? answer.uses : []));
  }

  /** Packets of each station; none where the agent does not count them. */
  async activity(): Promise<AgentActivity[]> {
    const answers = await this.#ask('activity', activityRequest(this.#number));
    return answers.flatMap((answer) => (answer.kind === 'activity' ? answer.stations : []));
  }

  #ask(kind: Answer['kind'], request: Uint8Array): Promise<readonly Answer[]> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    return new Promise((resolve, reject) => {
      this.#questions.set(this.#number++, { kind, parts: [], resolve, reject });
      this.#write(request);
    });
  }

  #write(message: Uint8Array): void {
    if (this.#reason === undefined) this.#socket.write(message);
  }

  #take(part: Uint8Array): void {
    const messages = this.#reader.take(part);
    if (typeof messages === 'string') this.#end(new Error(`the agent sends ${messages}`));
    else for (const message of messages) this.#handle(message);
  }

  #handle(message: AgentMessage): void {
    if (this.#reason !== undefined) return;
    if ('lost' in message) this.#lost = message.lost;
    switch (message.kind) {
      case 'applied':
        this.#batches.get(message.generation)?.resolve(message.statuses);
        this.#batches.delete(message.generation);
        return;
      case 'status':
      case 'usage':
      case 'activity':
        this.#answer(message);
        return;
      case 'event':
        this.#handlers.events(message.events);
        return;
      case 'packet-in':
        this.#handlers.packet(message.packet);
        return;
      case 'frame-in':
        this.#handlers.frame(message.frame);
        return;
      case 'presence':
        this.#handlers.presence(message.changes);
        return;
      case 'fault':
        this.#end(faultOf(message));
        return;
      case 'hello':
        this.#end(new Error('the agent greets twice'));
        return;
      case 'pong':
    }
  }

  #answer(answer: Answer): void {
    const question = this.#questions.get(answer.number);
    if (question?.kind !== answer.kind) return;
    question.parts.push(answer);
    if (answer.kind !== 'status' && answer.more) return;
    this.#questions.delete(answer.number);
    question.resolve(question.parts);
  }

  /** Resolves once the agent can take another control. */
  async close(): Promise<void> {
    this.#end(new Error('closed here'));
    if (!this.#socket.closed) await new Promise((resolve) => this.#socket.once('close', resolve));
  }

  #end(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    clearInterval(this.#pings);
    this.#socket.destroy();
    for (const { reject } of [...this.#batches.values(), ...this.#questions.values()]) reject(reason);
    this.#batches.clear();
    this.#questions.clear();
    this.#handlers.closed(reason);
  }
}

function faultOf({ fault, text }: { readonly fault: string; readonly text: string }): Error {
  return new Error(`the agent refuses (${fault}): ${text}`);
}
