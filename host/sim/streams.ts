import type { Address } from '../../bindings/entries.ts';
import type { StreamEvent } from '../core/machine.ts';
import type { Cancel, Scheduler } from './scheduler.ts';

/** How often bytes that the path has swallowed are sent again (a TCP retransmission time-out, without its doubling). */
const RETRY = 200;
/** Unacknowledged bytes for this long end a stream (TCP_USER_TIMEOUT). */
const TIMEOUT = 5_000;

/** The path between two nodes at this moment. */
export interface Path {
  readonly delay: number;
  readonly up: boolean;
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
  readonly serial: number;
  /** Absent for the end of the stream. */
  readonly data: Uint8Array | undefined;
}

/** One direction's sender. */
interface End {
  readonly node: StreamNode;
  readonly stream: string;
  peer: End | undefined;
  open: boolean;
  serial: number;
  /** What the path did not carry, in order. */
  unsent: Chunk[];
  blockedSince: number | undefined;
  cancel: Cancel | undefined;
}

/**
 * Reliable ordered byte streams between nodes, standing for TCP: bytes take the delay of the path, wait while it is cut,
 * and the stream ends when they have waited too long. A node that is killed resets its streams.
 */
export class StreamFabric {
  readonly #scheduler: Scheduler;
  readonly #path: (from: string, to: string) => Path;
  readonly #nodes = new Map<Address, StreamNode>();
  readonly #ends = new Map<string, End>();
  #accepted = 0;

  constructor(scheduler: Scheduler, path: (from: string, to: string) => Path) {
    this.#scheduler = scheduler;
    this.#path = path;
  }

  register(node: StreamNode): void {
    this.#nodes.set(node.address, node);
  }

  /** Opens a stream; `stream.opened` or `stream.closed` tells how it went. */
  open(node: StreamNode, stream: string, host: Address, port: number): void {
    const end = this.#end(node, stream);
    const remote = this.#nodes.get(host);
    if (remote === undefined) {
      this.#closeLater(end, 0, `no route to ${host}`);
      return;
    }
    const { delay, up } = this.#path(node.name, remote.name);
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
      const accepted = this.#end(remote, `accepted-${++this.#accepted}`);
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
    const { delay, up } = this.#path(from.name, peer.node.name);
    if (up) this.#closeLater(peer, delay, 'connection reset');
  }

  #end(node: StreamNode, stream: string): End {
    const end: End = {
      node,
      stream,
      peer: undefined,
      open: true,
      serial: 0,
      unsent: [],
      blockedSince: undefined,
      cancel: undefined,
    };
    this.#ends.set(key(node, stream), end);
    return end;
  }

  #enqueue(end: End, data: Uint8Array | undefined): void {
    const chunk = { serial: end.serial++, data };
    if (end.blockedSince === undefined) this.#launch(end, chunk);
    else end.unsent.push(chunk);
  }

  #launch(end: End, chunk: Chunk): void {
    const { peer } = end;
    if (peer === undefined) return;
    const { delay, up } = this.#path(end.node.name, peer.node.name);
    if (!up) {
      this.#block(end, chunk);
      return;
    }
    this.#scheduler.after(delay, () => {
      // Bytes behind a lost one wait for it, as behind a hole in a receive window.
      if (end.blockedSince !== undefined || !this.#path(end.node.name, peer.node.name).up) {
        this.#block(end, chunk);
      } else this.#arrive(end, peer, chunk);
    });
  }

  #block(end: End, chunk: Chunk): void {
    end.unsent.push(chunk);
    end.unsent.sort((a, b) => a.serial - b.serial);
    if (end.blockedSince !== undefined) return;
    end.blockedSince = this.#scheduler.now;
    const retry = (): void => {
      if (this.#path(end.node.name, end.peer!.node.name).up) {
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

function key(node: StreamNode, stream: string): string {
  return `${node.name} ${stream}`;
}
