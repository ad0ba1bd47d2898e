/** Control's end of the channel to an agent that runs the data plane on a router (bindings/cpdp/README.md). */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import type { Address, Command, DataPlaneEvent } from '../../bindings/entries.ts';
import { LIMIT_COMMANDS } from '../../bindings/generated/abi.ts';
import {
  APPLY_FLAG_BEGIN,
  APPLY_FLAG_END,
  PING_MILLIS,
  SILENCE_MILLIS,
} from '../../bindings/generated/cpdp.ts';
import type {
  AgentCommandStatus,
  AgentMessage,
  AgentPacket,
  AgentStatus,
  Hello,
} from '../../bindings/node/cpdp.ts';
import { apply, greeting, packetOut, ping, statusRequest } from '../../bindings/node/cpdp.ts';
import { AgentReader } from '../../bindings/node/cpdp-reader.ts';

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export interface AgentHandlers {
  readonly events: (events: readonly DataPlaneEvent[]) => void;
  /** A Mobility Header message has come to the agent's locator. */
  readonly packet: (packet: AgentPacket) => void;
  /** The connection has ended; the agent forwards on. Called once. */
  readonly closed: (reason: Error) => void;
}

/** One connection. After another, `replaceAll` brings the agent's entries to what control wants without a gap. */
export class AgentClient {
  readonly hello: Hello;
  readonly #socket: Socket;
  readonly #handlers: AgentHandlers;
  readonly #reader: AgentReader;
  readonly #batches = new Map<bigint, Waiting<readonly AgentCommandStatus[]>>();
  readonly #requests = new Map<bigint, Waiting<AgentStatus>>();
  readonly #pings: NodeJS.Timeout;
  #generation: bigint;
  #number = 0n;
  #reason: Error | undefined;

  /** Connects to the agent's Unix socket. Rejects where nobody listens, or with the fault that the agent names. */
  static connect(path: string, handlers: AgentHandlers): Promise<AgentClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path);
      const reader = new AgentReader();
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      socket.setTimeout(SILENCE_MILLIS, () => fail(new Error(`${path}: no answer`)));
      socket.once('error', fail);
      socket.once('close', () => fail(new Error(`${path}: the agent has closed the connection`)));
      socket.on('data', (part) => {
        const messages = reader.take(part);
        if (typeof messages === 'string') return fail(new Error(`${path}: ${messages}`));
        const [first, ...rest] = messages;
        if (first === undefined) return;
        if (first.kind === 'fault') return fail(faultOf(first));
        if (first.kind !== 'hello') return fail(new Error(`${path}: ${first.kind} in place of hello`));
        socket.removeAllListeners();
        resolve(new AgentClient(first.hello, socket, reader, handlers, rest));
      });
      socket.write(greeting());
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
    socket.on('data', (part) => this.#take(part));
    this.#pings = setInterval(() => socket.write(ping(this.#number++)), PING_MILLIS);
    for (const message of already) this.#handle(message);
  }

  /** Generation of the last batch sent. */
  get generation(): bigint {
    return this.#generation;
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
      answers.push(this.#batch(part, whole ? begin | end : 0));
    } while (from < commands.length);
    return (await Promise.all(answers)).flat();
  }

  #batch(commands: readonly Command[], flags: number): Promise<readonly AgentCommandStatus[]> {
    const generation = ++this.#generation;
    return this.#ask(this.#batches, generation, apply(generation, commands, flags));
  }

  /** Sends a Mobility Header message from the agent's locator; the kernel there fills its checksum. */
  send(dst: Address, data: Uint8Array): void {
    if (this.#reason === undefined) this.#socket.write(packetOut(dst, 'mobility', data));
  }

  status(): Promise<AgentStatus> {
    const number = this.#number++;
    return this.#ask(this.#requests, number, statusRequest(number));
  }

  #ask<T>(waiting: Map<bigint, Waiting<T>>, key: bigint, message: Uint8Array): Promise<T> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    return new Promise((resolve, reject) => {
      waiting.set(key, { resolve, reject });
      this.#socket.write(message);
    });
  }

  #take(part: Uint8Array): void {
    const messages = this.#reader.take(part);
    if (typeof messages === 'string') this.#end(new Error(`the agent sends ${messages}`));
    else for (const message of messages) this.#handle(message);
  }

  #handle(message: AgentMessage): void {
    switch (message.kind) {
      case 'applied':
        this.#batches.get(message.generation)?.resolve(message.statuses);
        this.#batches.delete(message.generation);
        return;
      case 'status':
        this.#requests.get(message.number)?.resolve(message.status);
        this.#requests.delete(message.number);
        return;
      case 'event':
        this.#handlers.events(message.events);
        return;
      case 'packet-in':
        this.#handlers.packet(message.packet);
        return;
      case 'fault':
        this.#end(faultOf(message));
        return;
      case 'hello':
        this.#end(new Error('the agent greets twice'));
        return;
      case 'frame-in':
      case 'presence':
      case 'usage':
      case 'activity':
      case 'pong':
    }
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
    for (const { reject } of [...this.#batches.values(), ...this.#requests.values()]) reject(reason);
    this.#batches.clear();
    this.#requests.clear();
    this.#handlers.closed(reason);
  }
}

function faultOf({ fault, text }: { readonly fault: string; readonly text: string }): Error {
  return new Error(`the agent refuses (${fault}): ${text}`);
}
