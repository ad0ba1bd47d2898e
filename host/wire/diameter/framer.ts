import { HEADER_LENGTH, MAX_MESSAGE, VERSION } from './message.ts';

export interface Framed {
  /** Whole messages, in order; those before a fault included. */
  readonly messages: Uint8Array[];
  /** Set once framing is lost: the connection must close, and nothing more is taken from it. */
  readonly broken?: string;
}

const WORD = 4;

/** Cuts a byte stream into messages, whatever its segmentation. Holds less than one message. */
export class Framer {
  /** Version and length, the first word of each message. */
  readonly #word = new Uint8Array(WORD);
  #message: Uint8Array | undefined;
  #filled = 0;
  #broken: string | undefined;

  /** Takes the next octets of the stream. */
  push(data: Uint8Array): Framed {
    const messages: Uint8Array[] = [];
    let offset = 0;
    while (this.#broken === undefined && offset < data.length) {
      const into = this.#message ?? this.#word;
      const part = data.subarray(offset, offset + into.length - this.#filled);
      into.set(part, this.#filled);
      offset += part.length;
      this.#filled += part.length;
      if (this.#filled < into.length) break;
      if (this.#message === undefined) {
        this.#begin();
      } else {
        messages.push(this.#message);
        this.#message = undefined;
        this.#filled = 0;
      }
    }
    return this.#broken === undefined ? { messages } : { messages, broken: this.#broken };
  }

  #begin(): void {
    const [version, high, middle, low] = this.#word as unknown as [number, number, number, number];
    const length = (high << 16) | (middle << 8) | low;
    if (version !== VERSION) this.#broken = `version ${version} instead of ${VERSION}`;
    else if (length < HEADER_LENGTH) this.#broken = `message length ${length} is shorter than a header`;
    else if (length % 4 !== 0) this.#broken = `message length ${length} is no multiple of 4`;
    else if (length > MAX_MESSAGE) this.#broken = `message length ${length} exceeds ${MAX_MESSAGE}`;
    else {
      this.#message = new Uint8Array(length);
      this.#message.set(this.#word);
    }
  }
}
