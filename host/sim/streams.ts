import type { Address } from '../../bindings/entries.ts';
import type { StreamEvent } from '../core/machine.ts';
import { emitIpv6, NEXT_HEADER } from '../wire/ipv6.ts';
import type { Cancel, Scheduler } from './scheduler.ts';
import { emitTcp, TCP_FLAG } from './tcp.ts';

/** How often bytes that the path has swallowed are sent again (a TCP retransmission time-out, without its doubling). */
const RETRY = 200;
/** Unacknowledged bytes for this long end a stream (TCP_USER_TIMEOUT). */
const TIMEOUT = 5_000;
/** The dynamic ports of RFC 6335 section 6. */
const FIRST_EPHEMERAL_PORT = 49_152;
const EPHEMERAL_PORTS = 16_384;
/** Sender on the second link of a path. */
const CORE = 'core';

/** What carries the streams: two links of equal delay with the core router between them. */
export interface StreamPaths {
  /** Milliseconds over both links, and whether both are there. */
  path(from: string, to: string): { readonly delay: number; readonly up: boolean };
  /** Puts an IPv6 packet on a link of node `node`; false if a fault takes it off again. */
  offer(node: string, sender: string, packet: Uint8Array): boolean;
}

/** A node that listens or opens streams; a node that is not running refuses them. */
export interface StreamNode {
  readonly name: string;
  readonly address: Address;
  readonly running: boolean;
  /** Port that it listens on, if any. */
  readonly listens?: number | undefined;
  streamEvent(event: StreamEvent): void;
}

interface Chunk {
  /** Sequence number of the first octet. */
  readonly sequence: number;
  /** Absent for the end of the stream. */
  readonly data: Uint8Array | undefined;
}

/** One direction's sender. */
interface End {
  readonly node: StreamNode;
  readonly stream: string;
  readonly port: number;
  peer: End | undefined;
  open: boolean;
  /** Sequence number of the next octet to be sent, and of the next that is expected. */
  next: number;
  expected: number;
  /** What the path did not carry, in order. */
  unsent: Chunk[];
  blockedSince: number | undefined;
  cancel: Cancel | undefined;
}

/**
 * Reliable ordered byte streams between nodes, standing for TCP: bytes take the delay of the path, wait while it is cut,
 * and the stream ends when they have waited too long. A node that is killed resets its streams.
 * Segments with data are put on the links they cross; handshakes and pure acknowledgements are not.
 */
export class StreamFabric {
  readonly #scheduler: Scheduler;
  readonly #paths: StreamPaths;
  readonly #nodes = new Map<Address, StreamNode>();
  readonly #ends = new Map<string, End>();
  #opened = 0;
  #accepted = 0;

  constructor(scheduler: Scheduler, paths: StreamPaths) {
    this.#scheduler = scheduler;
    this.#paths = paths;
  }

  register(node: StreamNode): void {
    this.#nodes.set(node.address, node);
  }

  /** Opens a stream; `stream.opened` or `stream.closed` tells how it went. */
  open(node: StreamNode, stream: string, host: Address, port: number): void {
    const end = this.#end(node, stream, FIRST_EPHEMERAL_PORT + (this.#opened++ % EPHEMERAL_PORTS));
    const remote = this.#nodes.get(host);
    if (remote === undefined) {
      this.#closeLater(end, 0, `no route to ${host}`);
      return;
    }
    const { delay, up } = this.#paths.path(node.name, remote.name);
    if (!up) {
      this.#closeLater(end, TIMEOUT, 'timed out');
      return;
    }
    if (!remote.running || remote.listens !== port) {
      this.#closeLater(end, 2 * delay, 'connection refused');
      return;
    }
    this.#scheduler.after(2 * delay, () => {
      if (!end.open) return;
      if (!remote.running) {
        this.#close(end, 'connection reset');
        return;
      }
      const accepted = this.#end(remote, `accepted-${++this.#accepted}`, port);
      end.peer = accepted;
      accepted.peer = end;
      // The third packet of the handshake reaches the listener one path delay later, before any data.
      this.#scheduler.after(delay, () => {
        if (accepted.open)
          this.#tell(accepted, { type: 'stream.opened', stream: accepted.stream, remote: node.address });
      });
      this.#tell(end, { type: 'stream.opened', stream, remote: host });
    });
  }

  send(node: StreamNode, stream: string, data: Uint8Array): void {
    const end = this.#ends.get(key(node, stream));
    if (end?.open === true) this.#enqueue(end, data);
  }

  /** Orderly: what was sent before still arrives. */
  close(node: StreamNode, stream: string): void {
    const end = this.#ends.get(key(node, stream));
    if (end?.open !== true) return;
    this.#enqueue(end, undefined);
    end.open = false;
    this.#ends.delete(key(node, stream));
  }

  /** Resets one stream at both ends, as a middlebox would. */
  sever(node: StreamNode, stream: string): void {
    const end = this.#ends.get(key(node, stream));
    if (end === undefined) return;
    const { peer } = end;
    this.#close(end, 'connection reset');
    if (peer !== undefined) this.#reset(node, peer);
  }

  /** All streams of a node that died. */
  reset(node: StreamNode): void {
    for (const end of [...this.#ends.values()]) {
      if (end.node !== node) continue;
      const { peer } = end;
      this.#forget(end);
      if (peer !== undefined) this.#reset(node, peer);
    }
  }

  #reset(from: StreamNode, peer: End): void {
    const { delay, up } = this.#paths.path(from.name, peer.node.name);
    if (up) this.#closeLater(peer, delay, 'connection reset');
  }

  #end(node: StreamNode, stream: string, port: number): End {
    const end: End = {
      node,
      stream,
      port,
      peer: undefined,
      open: true,
      next: 1,
      expected: 1,
      unsent: [],
      blockedSince: undefined,
      cancel: undefined,
    };
    this.#ends.set(key(node, stream), end);
    return end;
  }

  #enqueue(end: End, data: Uint8Array | undefined): void {
    const chunk = { sequence: end.next, data };
    end.next += data?.length ?? 1;
    if (end.blockedSince === undefined) this.#launch(end, chunk);
    else end.unsent.push(chunk);
  }

  #launch(end: End, chunk: Chunk): void {
    const { peer } = end;
    if (peer === undefined) return;
    const { delay, up } = this.#paths.path(end.node.name, peer.node.name);
    if (!up) {
      this.#block(end, chunk);
      return;
    }
    const packet = segmentOf(end, peer, chunk);
    if (!this.#paths.offer(end.node.name, end.node.name, packet)) {
      this.#block(end, chunk);
      return;
    }
    this.#scheduler.after(delay / 2, () => {
      const carried = this.#paths.offer(peer.node.name, CORE, packet);
      this.#scheduler.after(delay / 2, () => {
        // Octets behind a lost segment wait for it, as behind a hole in a receive window.
        const blocked = end.blockedSince !== undefined;
        if (carried && !blocked && this.#paths.path(end.node.name, peer.node.name).up)
          this.#arrive(end, peer, chunk);
        else this.#block(end, chunk);
      });
    });
  }

  #block(end: End, chunk: Chunk): void {
    end.unsent.push(chunk);
    end.unsent.sort((a, b) => a.sequence - b.sequence);
    if (end.blockedSince !== undefined) return;
    end.blockedSince = this.#scheduler.now;
    const retry = (): void => {
      if (this.#paths.path(end.node.name, end.peer!.node.name).up) {
        const waiting = end.unsent;
        end.unsent = [];
        end.blockedSince = undefined;
        for (const next of waiting) this.#launch(end, next);
      } else if (this.#scheduler.now - end.blockedSince! >= TIMEOUT) this.#close(end, 'timed out');
      else end.cancel = this.#scheduler.after(RETRY, retry);
    };
    end.cancel = this.#scheduler.after(RETRY, retry);
  }

  #arrive(end: End, peer: End, chunk: Chunk): void {
    if (!peer.open) {
      // The other side is gone and nobody had told us: it answers with a reset.
      if (end.open) this.#reset(peer.node, end);
      return;
    }
    peer.expected = chunk.sequence + (chunk.data?.length ?? 1);
    if (chunk.data === undefined) this.#close(peer, 'end of stream');
    else this.#tell(peer, { type: 'stream.data', stream: peer.stream, data: chunk.data });
  }

  #closeLater(end: End, delay: number, reason: string): void {
    this.#scheduler.after(delay, () => this.#close(end, reason));
  }

  #close(end: End, reason: string): void {
    if (!end.open) return;
    this.#forget(end);
    this.#tell(end, { type: 'stream.closed', stream: end.stream, reason });
  }

  #forget(end: End): void {
    end.open = false;
    end.cancel?.();
    this.#ends.delete(key(end.node, end.stream));
  }

  #tell(end: End, event: StreamEvent): void {
    if (end.node.running) end.node.streamEvent(event);
  }
}

function segmentOf(end: End, peer: End, chunk: Chunk): Uint8Array {
  const { data } = chunk;
  const segment = {
    srcPort: end.port,
    dstPort: peer.port,
    sequence: chunk.sequence,
    acknowledgement: end.expected,
    flags: TCP_FLAG.ack | (data === undefined ? TCP_FLAG.fin : TCP_FLAG.psh),
    data: data ?? new Uint8Array(0),
  };
  const src = end.node.address;
  const dst = peer.node.address;
  return emitIpv6({ nextHeader: NEXT_HEADER.tcp, hopLimit: 64, src, dst }, emitTcp(segment, src, dst));
}

function key(node: StreamNode, stream: string): string {
  return `${node.name} ${stream}`;
}
