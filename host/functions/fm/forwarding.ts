import {
  LINK_TUNNEL,
  type Address,
  type BufferEntry,
  type Command,
  type CommandStatus,
  type DeliverEntry,
  type Entry,
  type FlowEntry,
  type FlowKey,
  type LinkId,
  type Mac,
  type Prefix,
  type SourceEntry,
  type TunnelEntry,
} from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import { Claims, type Reason } from './claims.ts';

type Destination = DeliverEntry | TunnelEntry | BufferEntry;

interface Batch {
  readonly commands: readonly Command[];
  readonly then: ((stands: boolean) => void)[];
}

/**
 * Forwarding management: the only producer of entries. Callers claim what they need; changes collect until `commit`,
 * go down as one batch, and what waits for them (an acknowledgement, an advertisement) runs once the data plane has
 * acknowledged that batch and all before it.
 */
export class Forwarding {
  readonly #context: Context;
  readonly #destinations = new Claims<Destination>();
  readonly #sources = new Claims<SourceEntry>();
  /** What the data plane was last told, so that unchanged entries are not sent again. */
  readonly #told = new Map<string, string>();
  #pending: Command[] = [];
  readonly #outstanding = new Map<number, Batch>();
  #nextBatch = 1;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Entries of the router itself: who may tunnel to us, who anchors what, what is held for a while. */
  start(): void {
    const { config } = this.#context;
    for (const peer of config.peers) {
      this.#pending.push({ op: 'put', entry: { kind: 'peer', address: peer.address } });
      for (const prefix of peer.prefixes) {
        this.permit('router', { kind: 'source', prefix, link: LINK_TUNNEL, reverse: peer.address });
      }
    }
    this.permit('router', { kind: 'source', prefix: config.pool.prefix, link: LINK_TUNNEL });
    for (const direction of ['from', 'to'] as const) {
      this.#pending.push({ op: 'put', entry: { kind: 'hold', direction, prefix: '::/0', ...config.hold } });
    }
    this.commit();
  }

  /** Delivery to an MN; while it is `away`, its packets are kept instead, where the configuration has room for them. */
  deliver(owner: string, entry: DeliverEntry, away = false): void {
    const { prefix } = entry;
    const { packets, bytes, millis } = this.#context.config.buffer;
    const wanted: Destination =
      away && packets > 0 ? { kind: 'buffer', prefix, packets, bytes, millis } : entry;
    this.#tellDestination(prefix, this.#destinations.claim(prefix, owner, 'local', wanted));
  }

  tunnel(owner: string, reason: Reason, prefix: Prefix, locator: Address): void {
    const entry: TunnelEntry = { kind: 'tunnel', prefix, locator, ...this.#limit() };
    this.#tellDestination(prefix, this.#destinations.claim(prefix, owner, reason, entry));
  }

  /** Keeps packets to a prefix, within the budget of holds, until `tunnel` of the same owner sends them on. */
  keep(owner: string, reason: Reason, prefix: Prefix): void {
    const { hold, buffer } = this.#context.config;
    const entry: BufferEntry = { kind: 'buffer', prefix, ...hold, bytes: buffer.bytes };
    this.#tellDestination(prefix, this.#destinations.claim(prefix, owner, reason, entry));
  }

  #limit(): { readonly limit?: number } {
    const limit = this.#context.config.encapsulationLimit;
    return limit === undefined ? {} : { limit };
  }

  withdraw(owner: string, prefix: Prefix): void {
    this.#tellDestination(prefix, this.#destinations.withdraw(prefix, owner));
  }

  /** Sends one flow another way than its destination, until `unsteer`. The last to steer a flow decides. */
  steer(entry: FlowEntry): void {
    const action = entry.action.kind === 'tunnel' ? { ...entry.action, ...this.#limit() } : entry.action;
    const wanted = { ...entry, action };
    if (this.#changed(flowKey(entry), wanted)) this.#pending.push({ op: 'put', entry: wanted });
  }

  unsteer({ src, dst, protocol, sourcePort, destinationPort }: FlowKey): void {
    const flow = { src, dst, protocol, sourcePort, destinationPort };
    if (this.#changed(flowKey(flow), undefined)) this.#pending.push({ op: 'delete', kind: 'flow', ...flow });
  }

  permit(owner: string, entry: SourceEntry): void {
    const key = `${entry.prefix} ${entry.link}`;
    const wanted = entry.reverse === undefined ? entry : { ...entry, ...this.#limit() };
    this.#tellSource(entry.prefix, entry.link, this.#sources.claim(key, owner, 'local', wanted));
  }

  forbid(owner: string, prefix: Prefix, link: LinkId): void {
    this.#tellSource(prefix, link, this.#sources.withdraw(`${prefix} ${link}`, owner));
  }

  /** Lets packets held for the prefix, in either direction, go on their way once the entries before this stand. */
  release(prefix: Prefix): void {
    for (const direction of ['from', 'to'] as const) this.#pending.push({ op: 'release', direction, prefix });
  }

  discard(prefix: Prefix): void {
    for (const direction of ['from', 'to'] as const) this.#pending.push({ op: 'discard', direction, prefix });
  }

  /**
   * Keeps what a station sends before it may, apart from all others, so that none can push out its packets. `packets`
   * is its budget, that of the router's own holds if absent.
   */
  holdStation(link: LinkId, mac: Mac, packets = this.#context.config.hold.packets): void {
    const { millis } = this.#context.config.hold;
    const entry = { kind: 'hold', direction: 'station', link, mac, packets, millis } as const;
    if (this.#changed(stationKey(link, mac), entry)) this.#pending.push({ op: 'put', entry });
  }

  /** As `release`, of what is kept of a station. */
  releaseStation(link: LinkId, mac: Mac): void {
    if (!this.#told.has(stationKey(link, mac))) return;
    this.#pending.push({ op: 'release', direction: 'station', link, mac });
  }

  /** Ends `holdStation`; what it still keeps is discarded. */
  unholdStation(link: LinkId, mac: Mac): void {
    if (!this.#changed(stationKey(link, mac), undefined)) return;
    this.#pending.push({ op: 'delete', kind: 'hold', direction: 'station', link, mac });
  }

  /**
   * Sends what has collected; `then` runs when the data plane has answered it and everything sent before, and hears
   * whether all of this batch stands now.
   */
  commit(then?: (stands: boolean) => void): void {
    if (this.#pending.length > 0) {
      const batch = this.#nextBatch++;
      this.#outstanding.set(batch, { commands: this.#pending, then: then === undefined ? [] : [then] });
      this.#context.emit({ type: 'apply', batch, commands: this.#pending });
      this.#pending = [];
      return;
    }
    const last = [...this.#outstanding.values()].at(-1);
    if (last === undefined) then?.(true);
    else if (then !== undefined) last.then.push(then);
  }

  applied(number: number, statuses: readonly CommandStatus[]): void {
    const batch = this.#outstanding.get(number);
    if (batch === undefined) return;
    this.#outstanding.delete(number);
    statuses.forEach((status, index) => {
      if (status === 'ok') return;
      const command = batch.commands[index];
      if (command?.op === 'put') this.#told.delete(keyOf(command.entry));
      this.#context.count(`entry-${status}`);
      this.#context.trace('entry-refused', { detail: { status, command: batch.commands[index] } });
    });
    const stands = statuses.every((status) => status === 'ok' || status === 'absent');
    for (const then of batch.then) then(stands);
  }

  #tellDestination(prefix: Prefix, entry: Destination | undefined): void {
    if (!this.#changed(prefix, entry)) return;
    this.#pending.push(
      entry === undefined ? { op: 'delete', kind: 'destination', prefix } : { op: 'put', entry },
    );
  }

  #tellSource(prefix: Prefix, link: LinkId, entry: SourceEntry | undefined): void {
    if (!this.#changed(sourceKey(prefix, link), entry)) return;
    this.#pending.push(
      entry === undefined ? { op: 'delete', kind: 'source', prefix, link } : { op: 'put', entry },
    );
  }

  #changed(key: string, entry: object | undefined): boolean {
    const text = entry === undefined ? undefined : JSON.stringify(entry);
    if (this.#told.get(key) === text) return false;
    if (text === undefined) this.#told.delete(key);
    else this.#told.set(key, text);
    return true;
  }
}

function sourceKey(prefix: Prefix, link: LinkId): string {
  return `source ${prefix} ${link}`;
}

function flowKey({ src, dst, protocol, sourcePort, destinationPort }: FlowKey): string {
  return `flow ${src} ${dst} ${protocol} ${sourcePort} ${destinationPort}`;
}

function stationKey(link: LinkId, mac: Mac): string {
  return `station ${link} ${mac}`;
}

/** Under what the entry of a command is remembered as told; peers and prefix holds are told once and not remembered. */
function keyOf(entry: Entry): string {
  if (entry.kind === 'hold' && entry.direction === 'station') return stationKey(entry.link, entry.mac);
  if (entry.kind === 'source') return sourceKey(entry.prefix, entry.link);
  if (entry.kind === 'flow') return flowKey(entry);
  return entry.kind === 'peer' || entry.kind === 'hold' ? '' : entry.prefix;
}
