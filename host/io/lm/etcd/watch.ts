import type { EtcdClient } from './client.ts';
import { STATE_RANGE } from './keys.ts';
import type { KeyValue } from './state.ts';

export interface WatchPorts {
  /** All changes up to it are known. */
  revision(): number;
  /** Changes of one or more whole revisions, in order. */
  take(events: readonly WatchEvent[]): void;
  /** The next changes are compacted away: to read everything anew. */
  reload(): Promise<void>;
  report(reason: string): void;
}

export interface WatchEvent {
  readonly type?: 'PUT' | 'DELETE';
  readonly kv: KeyValue;
}

interface Message {
  readonly events?: readonly WatchEvent[];
  readonly canceled?: boolean;
  readonly compact_revision?: string;
}

/** Before a watch is opened at the next member. */
const PAUSE_MS = 250;

/** Follows the state from revision to revision, at one member after the other. */
export class Watch {
  readonly #client: EtcdClient;
  readonly #ports: WatchPorts;
  #current = new AbortController();
  #since = 0;
  /** Why the last one ended, until one tells of something. */
  #trouble = '';
  #closed = false;

  constructor(client: EtcdClient, ports: WatchPorts) {
    this.#client = client;
    this.#ports = ports;
  }

  /** Until `close`. Rejects with nothing but what `take` throws. */
  async run(): Promise<void> {
    for (let member = 0; !this.#closed; member++) {
      const end = { compacted: false };
      const current = new AbortController();
      this.#current = current;
      this.#since = performance.now();
      const body = { create_request: { ...STATE_RANGE, start_revision: this.#ports.revision() + 1 } };
      const why = await this.#client.stream(member, '/v3/watch', body, current.signal, (message) => {
        const { canceled, compact_revision, events = [] } = message as Message;
        if (canceled === true) {
          end.compacted = compact_revision !== undefined;
          current.abort();
        } else if (events.length > 0) {
          this.#trouble = '';
          this.#ports.take(events);
        }
      });
      if (this.#isClosed()) return;
      if (end.compacted) await this.#ports.reload();
      else if (this.#trouble === '') this.#ports.report(`watch at ${why}`);
      this.#trouble = why;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Goes to the next member, unless the present one has had less than `ms` milliseconds. */
  leave(ms: number): void {
    if (performance.now() - this.#since > ms) this.#current.abort();
  }

  close(): void {
    this.#closed = true;
    this.#current.abort();
  }

  /** For the compiler, which takes it for unchanged over an await. */
  #isClosed(): boolean {
    return this.#closed;
  }
}
