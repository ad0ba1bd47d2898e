import type { EntryDump } from '../../../bindings/dataplane.ts';
import type { Command, Entry, HoldKey } from '../../../bindings/entries.ts';

function holdKey(hold: HoldKey): string {
  return hold.direction === 'station'
    ? `hold station ${hold.link} ${hold.mac}`
    : `hold ${hold.direction} ${hold.prefix}`;
}

/** What identifies the entry that a command is about; undefined for a command about packets. */
function keyOf(command: Command): string | undefined {
  if (command.op !== 'put' && command.op !== 'delete') return undefined;
  const about = command.op === 'put' ? command.entry : command;
  switch (about.kind) {
    case 'source':
      return `source ${about.prefix} ${about.link}`;
    case 'peer':
      return `peer ${about.address}`;
    case 'hold':
      return holdKey(about);
    case 'flow':
      return `flow ${about.src} ${about.dst} ${about.protocol} ${about.sourcePort} ${about.destinationPort}`;
    default:
      return `destination ${about.prefix}`;
  }
}

/** The entries that stand on the router, as far as its agent has acknowledged them. */
export class StandingEntries {
  readonly #entries = new Map<string, Entry>();

  /** Takes note of a command that was carried out. */
  done(command: Command): void {
    const key = keyOf(command);
    if (key === undefined) return;
    this.#entries.delete(key);
    if (command.op === 'put') this.#entries.set(key, command.entry);
  }

  /** Takes note that an entry does not stand after all. */
  missing(command: Command): void {
    const key = keyOf(command);
    if (key !== undefined) this.#entries.delete(key);
  }

  /** Commands that put all of them, in the order in which they came. */
  puts(): Command[] {
    return [...this.#entries.values()].map((entry) => ({ op: 'put', entry }));
  }

  /** As the data plane would list them; `lastUsed` tells when a destination last carried packets. */
  dump(lastUsed: (prefix: string) => number): EntryDump {
    const entries = [...this.#entries.values()];
    return {
      destinations: entries.flatMap((entry) =>
        'prefix' in entry && entry.kind !== 'source' && entry.kind !== 'hold'
          ? [{ prefix: entry.prefix, action: entry.kind, lastUsed: lastUsed(entry.prefix) }]
          : [],
      ),
      sources: entries.flatMap((entry) =>
        entry.kind === 'source' ? [{ prefix: entry.prefix, link: entry.link, lastUsed: 0 }] : [],
      ),
      peers: entries.flatMap((entry) => (entry.kind === 'peer' ? [entry.address] : [])),
      flowEntries: entries.flatMap((entry) => {
        if (entry.kind !== 'flow') return [];
        const { src, dst, protocol, sourcePort, destinationPort, action } = entry;
        const key = { src, dst, protocol, sourcePort, destinationPort };
        return [{ ...key, action: action.kind, lastUsed: 0 }];
      }),
    };
  }
}
