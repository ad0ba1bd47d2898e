import type { Address } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import { isNewerSequence } from '../../wire/mobility/sequence.ts';

interface Window {
  sequence: number;
  answer: readonly Uint8Array[] | undefined;
  until: number;
}

/** Windows kept at once; past that the oldest go first. A peer can hold no more than its own MNs. */
const MAX_WINDOWS = 4096;

export type Admission =
  | { readonly verdict: 'accept' }
  /** The very message that was answered before: its answer again, or nothing yet if it is still being worked on. */
  | { readonly verdict: 'repeat'; readonly answer: readonly Uint8Array[] | undefined }
  | { readonly verdict: 'out-of-window'; readonly last: number };

/** Sequence windows by sender and subject (RFC 6275 9.5.1), and the last answer, so that a repeat gets the same one. */
export class ReplayGuard {
  readonly #context: Context;
  readonly #windows = new Map<string, Window>();

  constructor(context: Context) {
    this.#context = context;
  }

  admit(peer: Address, subject: string, sequence: number): Admission {
    const key = `${peer} ${subject}`;
    const window = this.#windows.get(key);
    const until = this.#context.now + this.#context.config.timers.bindingSeconds * 1000;
    if (window !== undefined && window.until > this.#context.now) {
      if (window.sequence === sequence) return { verdict: 'repeat', answer: window.answer };
      if (!isNewerSequence(sequence, window.sequence)) {
        return { verdict: 'out-of-window', last: window.sequence };
      }
    }
    this.#windows.delete(key);
    this.#windows.set(key, { sequence, answer: undefined, until });
    if (this.#windows.size > MAX_WINDOWS) {
      const oldest = this.#windows.keys().next().value;
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    return { verdict: 'accept' };
  }

  answered(peer: Address, subject: string, sequence: number, answer: readonly Uint8Array[]): void {
    const window = this.#windows.get(`${peer} ${subject}`);
    if (window?.sequence === sequence) window.answer = answer;
  }
}
