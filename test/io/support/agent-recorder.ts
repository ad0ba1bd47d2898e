/** Control without a mind: asks the agent what a test wants asked, and keeps all that it says. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { AgentReader } from '../../../bindings/node/cpdp-reader.ts';
import type {
  AgentActivity,
  AgentFrame,
  AgentMessage,
  AgentUse,
  PresenceChange,
} from '../../../bindings/node/cpdp.ts';
import { greeting, ping } from '../../../bindings/node/cpdp.ts';
import { PING_MILLIS } from '../../../bindings/generated/cpdp.ts';
import { until } from './namespace.ts';

type Of<K extends AgentMessage['kind']> = Extract<AgentMessage, { kind: K }>;

export class Recorder {
  readonly messages: AgentMessage[] = [];
  readonly #socket: Socket;
  readonly #pings: NodeJS.Timeout;
  #end: string | undefined;

  /** Connects, and greets until the agent is free to answer with `hello`. */
  static async connect(path: string): Promise<Recorder> {
    let recorder: Recorder | undefined;
    await until('the agent greets', async () => {
      recorder = new Recorder(path);
      const current = recorder;
      await until('an answer', () => current.messages.length > 0 || current.#end !== undefined);
      if (current.of('hello').length === 1) return true;
      current.close();
      return false;
    });
    return recorder!;
  }

  private constructor(path: string) {
    const reader = new AgentReader();
    this.#socket = createConnection(path, () => this.#socket.write(greeting()));
    this.#socket.on('error', (error) => (this.#end ??= error.message));
    this.#socket.on('close', () => {
      this.#end ??= 'closed';
      clearInterval(this.#pings);
    });
    this.#socket.on('data', (part) => {
      const messages = reader.take(part);
      if (typeof messages === 'string') this.#socket.destroy(new Error(messages));
      else this.messages.push(...messages);
    });
    this.#pings = setInterval(() => this.#socket.write(ping(0n)), PING_MILLIS);
  }

  /** Why the connection has ended; undefined while it stands. */
  get end(): string | undefined {
    return this.#end;
  }

  of<K extends AgentMessage['kind']>(kind: K): Of<K>[] {
    return this.messages.filter((message): message is Of<K> => message.kind === kind);
  }

  get frames(): AgentFrame[] {
    return this.of('frame-in').map(({ frame }) => frame);
  }

  /** Each change as "what port" or "what port mac". */
  get presence(): string[] {
    const text = (change: PresenceChange): string =>
      [change.what, change.port, ...('mac' in change ? [change.mac] : [])].join(' ');
    return this.of('presence').flatMap(({ changes }) => changes.map(text));
  }

  forget(): void {
    this.messages.length = 0;
  }

  send(...messages: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(messages));
  }

  /** The whole answer to a question that may take several messages. */
  async answers<K extends 'usage' | 'activity'>(
    kind: K,
    question: Uint8Array,
  ): Promise<K extends 'usage' ? AgentUse[] : AgentActivity[]>;
  async answers(kind: 'usage' | 'activity', question: Uint8Array): Promise<unknown[]> {
    const before = this.of(kind).length;
    this.send(question);
    await until(`an answer to ${kind}`, () => this.of(kind).length > before && !this.of(kind).at(-1)!.more);
    return this.of(kind)
      .slice(before)
      .flatMap((message): unknown[] => ('uses' in message ? [...message.uses] : [...message.stations]));
  }

  close(): void {
    this.#socket.destroy();
  }
}
