import { poll } from '../ffi.ts';
import { POLL, POLLFD } from '../linux.ts';

/** Descriptors with what to do when one is readable. */
export class PollSet {
  #octets = new Uint8Array(new ArrayBuffer(0));
  #view = new DataView(this.#octets.buffer);
  #handlers: { fd: number; readable: () => void }[] = [];

  add(fd: number, readable: () => void): void {
    this.#handlers = [...this.#handlers, { fd, readable }];
    this.#build();
  }

  remove(fd: number): void {
    this.#handlers = this.#handlers.filter((handler) => handler.fd !== fd);
    this.#build();
  }

  /** Sleeps until something is readable or `timeout` milliseconds have passed (negative: for ever), then calls the handlers. */
  wait(timeout: number): void {
    const handlers = this.#handlers;
    const view = this.#view;
    if (poll(this.#octets, handlers.length, timeout) === 0) return;
    handlers.forEach((handler, index) => {
      if (view.getUint16(POLLFD.size * index + POLLFD.revents, true) === 0) return;
      // One before it may have closed its descriptor, whose number may be somebody else's by now.
      if (this.#handlers.includes(handler)) handler.readable();
    });
  }

  #build(): void {
    this.#octets = new Uint8Array(new ArrayBuffer(POLLFD.size * this.#handlers.length));
    this.#view = new DataView(this.#octets.buffer);
    this.#handlers.forEach(({ fd }, index) => {
      this.#view.setInt32(POLLFD.size * index, fd, true);
      this.#view.setUint16(POLLFD.size * index + POLLFD.events, POLL.in, true);
    });
  }
}
