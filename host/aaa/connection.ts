import { get } from '../wire/diameter/avp.ts';
import type { DiameterFault } from '../wire/diameter/avp.ts';
import { Framer } from '../wire/diameter/framer.ts';
import type { Framed } from '../wire/diameter/framer.ts';
import { encodeMessage, messageName } from '../wire/diameter/message.ts';
import type { Identity, Message } from '../wire/diameter/message.ts';
import type { LocalNode } from './capabilities.ts';
import type { PeerEffect } from './peer-interface.ts';

/** The transport of a peer: one stream at a time, cut into messages, and the trace of all that passes. */
export class Connection {
  /** Who the other side said it is. */
  remote: Identity | undefined;
  readonly #name: string;
  readonly #node: LocalNode;
  readonly #emit: (effect: PeerEffect) => void;
  #stream: string | undefined;
  #opened = 0;
  #framer = new Framer();

  constructor(name: string, node: LocalNode, emit: (effect: PeerEffect) => void) {
    this.#name = name;
    this.#node = node;
    this.#emit = emit;
  }

  get stream(): string | undefined {
    return this.#stream;
  }

  open(target: { readonly host: string; readonly port: number }): void {
    // A fresh name each time: events of an abandoned connection cannot be taken for the new one's.
    this.#stream = `${this.#name}#${++this.#opened}`;
    this.#framer = new Framer();
    this.#emit({ type: 'stream.open', stream: this.#stream, ...target });
  }

  /** Takes over a stream that the other side opened. */
  adopt(stream: string): void {
    this.#stream = stream;
  }

  /** Closes the stream if it is still there. */
  close(): void {
    if (this.#stream !== undefined) this.#emit({ type: 'stream.close', stream: this.#stream });
    this.#stream = undefined;
  }

  /** The stream was closed by the other side or the network. */
  lost(): void {
    this.#stream = undefined;
  }

  cut(data: Uint8Array): Framed {
    return this.#framer.push(data);
  }

  /** Sends a message; without a stream it is dropped. */
  send(message: Message): void {
    if (this.#stream === undefined) return;
    const data = encodeMessage(message, this.#node.dictionary);
    this.traceMessage('send', message);
    this.#emit({ type: 'stream.send', stream: this.#stream, data });
  }

  trace(what: string, detail: Readonly<Record<string, unknown>>): void {
    this.#emit({ type: 'trace', what, detail: { peer: this.#name, ...detail } });
  }

  traceMessage(what: 'send' | 'receive', message: Message, fault?: DiameterFault): void {
    const local = this.#node.identity.originHost;
    const claimed = what === 'receive' ? get(message.avps, 'Origin-Host') : undefined;
    const remote = this.remote?.originHost ?? claimed ?? this.#name;
    const sessionId = get(message.avps, 'Session-Id');
    const result = get(message.avps, 'Result-Code');
    this.#emit({
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
}
