/** Control made by hand, for what no right one would do: says what the test says, and remembers what comes. */
import type { Duplex } from 'node:stream';
import type { AgentMessage } from '../../../bindings/node/cpdp.ts';
import { AgentReader } from '../../../bindings/node/cpdp-reader.ts';

export class Talk {
  readonly socket: Duplex;
  readonly messages: AgentMessage[] = [];
  /** Why the connection ended: what the socket says, if it says anything. */
  readonly ended: Promise<string>;
  #heard: () => void = () => undefined;

  constructor(socket: Duplex) {
    this.socket = socket;
    const reader = new AgentReader();
    let error = 'closed';
    socket.on('error', ({ message }) => (error = message));
    socket.on('data', (part: Uint8Array) => {
      const taken = reader.take(part);
      if (typeof taken === 'string') socket.destroy(new Error(taken));
      else this.messages.push(...taken);
      this.#heard();
    });
    this.ended = new Promise((resolve) =>
      socket.once('close', () => {
        this.#heard();
        resolve(error);
      }),
    );
  }

  say(...parts: Uint8Array[]): this {
    this.socket.write(Buffer.concat(parts));
    return this;
  }

  /** The first message of this kind, once it has come; rejects where the connection ends first. */
  async hear<K extends AgentMessage['kind']>(kind: K): Promise<Extract<AgentMessage, { kind: K }>> {
    for (;;) {
      const found = this.messages.find((message) => message.kind === kind);
      if (found !== undefined) return found as Extract<AgentMessage, { kind: K }>;
      if (this.socket.destroyed)
        throw new Error(`${await this.ended}: ${JSON.stringify(this.messages, texts)}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.ended;
  }
}

const texts = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
