import type { Address } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';

const SEQUENCE_MODULUS = 0x10000;
/** Sequence numbers of one exchange that an answer may still name: an answer can lose the race against a resend. */
const REMEMBERED_SEQUENCES = 8;

export interface Request<Answer> {
  readonly peer: Address;
  /** One exchange at a time for each peer and subject; a new one replaces the old. */
  readonly subject: string;
  /** Resends before giving up. */
  readonly attempts: number;
  send(sequence: number): void;
  answered(answer: Answer): void;
  gaveUp(): void;
}

/** What exchanges need of their surroundings: timers, randomness and the times between resends, in milliseconds. */
export type Timing = Pick<Context, 'random' | 'arm' | 'disarm'> & {
  readonly config: {
    readonly timers: Pick<Context['config']['timers'], 'retransmit' | 'retransmitMax'>;
  };
};

interface Open<Answer> {
  readonly request: Request<Answer>;
  readonly sequences: number[];
  sent: number;
  wait: number;
}

/**
 * Requests that are sent again until they are answered: RFC 6275 11.8 (doubling waits, a new sequence number on every
 * resend). The caller routes timers whose id starts with `prefix` to `timer`.
 */
export class Exchanges<Answer> {
  readonly #context: Timing;
  readonly #prefix: string;
  readonly #open = new Map<string, Open<Answer>>();
  readonly #sequences = new Map<Address, number>();

  constructor(context: Timing, prefix: string) {
    this.#context = context;
    this.#prefix = prefix;
  }

  request(request: Request<Answer>): void {
    const open = { request, sequences: [], sent: 0, wait: this.#context.config.timers.retransmit };
    this.#open.set(`${request.peer} ${request.subject}`, open);
    this.#send(open);
  }

  /** Whether an answer with this number is waited for. */
  expects(peer: Address, sequence: number): boolean {
    return this.#find(peer, sequence) !== undefined;
  }

  /** Hands an answer to the exchange that asked with this number; false if none did. */
  answer(peer: Address, sequence: number, answer: Answer): boolean {
    const open = this.#find(peer, sequence);
    if (open === undefined) return false;
    this.#close(open);
    open.request.answered(answer);
    return true;
  }

  /**
   * Goes on from the number that the peer says it last accepted (status 135), without waiting.
   * Here and in `cancel`, `subject` covers every exchange whose subject begins with it.
   */
  resynchronise(peer: Address, subject: string, lastAccepted: number): void {
    this.#sequences.set(peer, lastAccepted);
    for (const open of this.#open.values()) {
      const same = open.request.peer === peer && open.request.subject.startsWith(subject);
      if (same && open.sent <= open.request.attempts) this.#send(open);
    }
  }

  /** Sends the request with this number again without waiting, as long as resends are left. */
  hasten(peer: Address, sequence: number): void {
    const open = this.#find(peer, sequence);
    if (open !== undefined && open.sent <= open.request.attempts) this.#send(open);
  }

  /** Ends what is still asked about the subject, unanswered. */
  cancel(subject: string): void {
    for (const open of this.#open.values()) if (open.request.subject.startsWith(subject)) this.#close(open);
  }

  timer(id: string): boolean {
    if (!id.startsWith(this.#prefix)) return false;
    const open = this.#open.get(id.slice(this.#prefix.length));
    if (open === undefined) return true;
    if (open.sent > open.request.attempts) {
      this.#close(open);
      open.request.gaveUp();
      return true;
    }
    this.#send(open);
    return true;
  }

  #find(peer: Address, sequence: number): Open<Answer> | undefined {
    for (const open of this.#open.values()) {
      if (open.request.peer === peer && open.sequences.includes(sequence)) return open;
    }
    return undefined;
  }

  #send(open: Open<Answer>): void {
    const { timers } = this.#context.config;
    const { peer } = open.request;
    // A random start, so that a MAAR that lost its state seldom falls inside a window its peers still hold.
    const last = this.#sequences.get(peer) ?? Math.floor(this.#context.random() * SEQUENCE_MODULUS);
    const sequence = (last + 1) % SEQUENCE_MODULUS;
    this.#sequences.set(peer, sequence);
    open.sequences.push(sequence);
    if (open.sequences.length > REMEMBERED_SEQUENCES) open.sequences.shift();
    open.sent++;
    this.#context.arm(this.#timerId(open), open.wait);
    open.wait = Math.min(open.wait * 2, timers.retransmitMax);
    open.request.send(sequence);
  }

  #close(open: Open<Answer>): void {
    this.#open.delete(`${open.request.peer} ${open.request.subject}`);
    this.#context.disarm(this.#timerId(open));
  }

  #timerId(open: Open<Answer>): string {
    return `${this.#prefix}${open.request.peer} ${open.request.subject}`;
  }
}
