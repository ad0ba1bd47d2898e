import { SystemError, bind, close, recv, sendto, setReceiveBuffer, setsockoptInt, socket } from '../ffi.ts';
import { AF, SOCK, SOL_NETLINK } from '../linux.ts';
import { NLMSG, NLM_F } from './constants.ts';
import { parseMessages } from './message.ts';
import type { MessageWriter, NetlinkMessage } from './message.ts';

const RECEIVE_OCTETS = 1 << 17;
/** Fixed part of an acknowledgement: errno, then the header of the request. */
const ERROR_OCTETS = 20;

function sockaddr(): Uint8Array {
  const address = new Uint8Array(12);
  address[0] = AF.netlink;
  return address;
}

/**
 * Requests to one netlink family. The kernel answers within the send, so that every call is synchronous and takes
 * some ten microseconds.
 */
export class NetlinkSocket {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(RECEIVE_OCTETS);
  #sequence = 0;

  constructor(family: number) {
    this.#fd = socket(AF.netlink, SOCK.raw | SOCK.cloexec, family, 'netlink');
    bind(this.#fd, sockaddr(), 'netlink');
  }

  /** Sends one request and waits for its acknowledgement; throws a SystemError that names `what`. */
  request(message: MessageWriter, what: string): void {
    this.batch([message], what);
  }

  /** Sends several messages in one datagram; those with NLM_F_ACK are waited for. */
  batch(messages: readonly MessageWriter[], what: string): void {
    const first = this.#sequence + 1;
    const octets = Buffer.concat(messages.map((message) => message.finish(++this.#sequence)));
    sendto(this.#fd, octets, null, what);
    const pending = new Set<number>();
    for (const { flags, sequence } of parseMessages(octets))
      if ((flags & NLM_F.ack) !== 0) pending.add(sequence);
    let failed = 0;
    while (pending.size > 0) {
      for (const message of this.#receive(what)) {
        if (message.sequence < first || message.type !== NLMSG.error) continue;
        failed ||= errorOf(message, what);
        // A batch that is refused as a whole is answered for its first message only, which asked for no acknowledgement.
        if (!pending.delete(message.sequence)) pending.clear();
      }
    }
    if (failed !== 0) throw new SystemError(what, failed);
  }

  /** Answers of a dump, the final message left out. */
  dump(message: MessageWriter, what: string): NetlinkMessage[] {
    const sequence = ++this.#sequence;
    sendto(this.#fd, message.finish(sequence), null, what);
    const answers: NetlinkMessage[] = [];
    for (;;) {
      for (const answer of this.#receive(what)) {
        if (answer.sequence !== sequence) continue;
        if (answer.type === NLMSG.done) return answers;
        if (answer.type === NLMSG.error) throw new SystemError(what, errorOf(answer, what));
        answers.push({ ...answer, body: answer.body.slice() });
      }
    }
  }

  close(): void {
    close(this.#fd);
  }

  #receive(what: string): NetlinkMessage[] {
    const length = recv(this.#fd, this.#buffer, what);
    return length === undefined ? [] : parseMessages(this.#buffer.subarray(0, length));
  }
}

function errorOf(message: NetlinkMessage, what: string): number {
  if (message.body.length < ERROR_OCTETS) throw new Error(`${what}: malformed netlink acknowledgement`);
  return -new DataView(message.body.buffer, message.body.byteOffset).getInt32(0, true);
}

/** A socket that only listens to multicast groups; the packet worker polls it. */
export function openEventSocket(family: number, groups: readonly number[], receiveBuffer: number): number {
  const fd = socket(AF.netlink, SOCK.raw | SOCK.cloexec | SOCK.nonblock, family, 'netlink events');
  setReceiveBuffer(fd, receiveBuffer, 'netlink socket');
  bind(fd, sockaddr(), 'netlink events');
  for (const group of groups) {
    setsockoptInt(fd, SOL_NETLINK.level, SOL_NETLINK.addMembership, group, 'NETLINK_ADD_MEMBERSHIP');
  }
  return fd;
}
