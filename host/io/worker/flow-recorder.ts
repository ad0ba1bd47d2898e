import type { Command, DataPlaneEvent, Prefix } from '../../../bindings/entries.ts';
import { contains } from '../../wire/address.ts';
import { parseConnection } from '../netlink/conntrack.ts';
import { parseMessages } from '../netlink/message.ts';

/** Pairs remembered; the one that has been silent longest is forgotten and may be reported again. */
const PAIRS = 65_536;
/** A pair's next connection is reported again after this many milliseconds without a new one, as the data plane does. */
const SILENCE = 1_000;

/** Makes `flow` events of connections that the kernel routes natively, once for each burst of a pair of addresses. */
export class FlowRecorder {
  readonly #pool: Prefix;
  readonly #delivered = new Set<Prefix>();
  readonly #pairs = new Map<string, number>();

  constructor(pool: Prefix) {
    this.#pool = pool;
  }

  /** Follows the deliver entries: connections of addresses anchored elsewhere count too. */
  applied(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.op === 'put' && command.entry.kind === 'deliver') this.#delivered.add(command.entry.prefix);
      else if (command.op === 'put' && command.entry.kind === 'tunnel')
        this.#delivered.delete(command.entry.prefix);
      else if (command.op === 'delete' && command.kind === 'destination')
        this.#delivered.delete(command.prefix);
    }
  }

  /** Reads one datagram of conntrack events. */
  read(data: Uint8Array, now: number): DataPlaneEvent[] {
    const events: DataPlaneEvent[] = [];
    for (const message of parseMessages(data)) {
      const connection = parseConnection(message);
      if (connection === undefined) continue;
      const { src, dst } = connection;
      const pair = `${src} ${dst}`;
      if (!(this.#concerns(src) || this.#concerns(dst))) continue;
      const before = this.#pairs.get(pair);
      this.#pairs.delete(pair);
      if (this.#pairs.size >= PAIRS) this.#pairs.delete(this.#pairs.keys().next().value!);
      this.#pairs.set(pair, now);
      if (before === undefined || now - before > SILENCE) events.push({ kind: 'flow', src, dst });
    }
    return events;
  }

  #concerns(address: string): boolean {
    if (contains(this.#pool, address)) return true;
    for (const prefix of this.#delivered) if (contains(prefix, address)) return true;
    return false;
  }
}
