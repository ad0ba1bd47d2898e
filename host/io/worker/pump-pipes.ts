import { HEADER_LENGTH_AT, HEADER_SIZE } from '../../../bindings/generated/pump.ts';
import { poll, read, writeSome } from '../ffi.ts';
import { POLL, POLLFD } from '../linux.ts';

/** A pump that says nothing for so many milliseconds hangs: no batch takes a hundredth of it. */
const PATIENCE = 5_000;
const FIRST_CAPACITY = 1 << 18;

/** The host's ends of the two pipes to a pump, both not blocking. */
export interface PumpEnds {
  readonly requests: number;
  readonly answers: number;
}

/** Requests through one pipe and answers through the other, one at a time; the thread waits for each. */
export class PumpPipes {
  readonly #ends: PumpEnds;
  readonly #polled = new Uint8Array(new ArrayBuffer(POLLFD.size));
  readonly #polledView = new DataView(this.#polled.buffer);
  #answer = new Uint8Array(new ArrayBuffer(FIRST_CAPACITY));

  constructor(ends: PumpEnds) {
    this.#ends = ends;
  }

  /** The `Exchange` of bindings/node/pump.ts. Throws where the other end is gone or does not answer. */
  readonly exchange = (request: Uint8Array): Uint8Array => {
    this.#write(request);
    this.#read(0, HEADER_SIZE);
    const length = new DataView(this.#answer.buffer).getUint32(HEADER_LENGTH_AT, true);
    const end = HEADER_SIZE + length;
    this.#enlarge(end);
    this.#read(HEADER_SIZE, end);
    return this.#answer.subarray(0, end);
  };

  #write(request: Uint8Array): void {
    for (let at = 0; at < request.length;) {
      const written = writeSome(this.#ends.requests, request.subarray(at), 'write to the pump');
      if (written === undefined) this.#wait(this.#ends.requests, POLL.out);
      else at += written;
    }
  }

  #read(from: number, to: number): void {
    for (let at = from; at < to;) {
      const octets = read(this.#ends.answers, this.#answer.subarray(at, to), 'read from the pump');
      if (octets === 0) throw new Error('the pump has ended');
      if (octets === undefined) this.#wait(this.#ends.answers, POLL.in);
      else at += octets;
    }
  }

  #wait(fd: number, events: number): void {
    this.#polledView.setInt32(0, fd, true);
    this.#polledView.setUint16(POLLFD.events, events, true);
    const end = performance.now() + PATIENCE;
    // A signal ends poll early too, such as that of another child's end.
    do {
      if (poll(this.#polled, 1, PATIENCE) > 0) return;
    } while (performance.now() < end);
    throw new Error(`the pump has not answered for ${PATIENCE} ms`);
  }

  #enlarge(capacity: number): void {
    if (capacity <= this.#answer.length) return;
    const larger = new Uint8Array(new ArrayBuffer(2 * capacity));
    larger.set(this.#answer.subarray(0, HEADER_SIZE));
    this.#answer = larger;
  }
}
