import type { LinkId } from '../entries.ts';
import type { Port } from '../dataplane.ts';
import type { PrefixValue } from './address.ts';
import { inPrefix } from './address.ts';
import { destination, source } from './packet.ts';
import { PrefixTable } from './prefix-table.ts';

/** What a hold entry is for. `mac` is in lower case. */
export type HoldTarget =
  | { readonly direction: 'from' | 'to'; readonly prefix: PrefixValue }
  | { readonly direction: 'station'; readonly link: LinkId; readonly mac: string };

/** Of a packet that has been decapsulated: where it came from, and the outer hop limit and encapsulation limit it had. */
export interface Arrival {
  readonly source: bigint;
  readonly hopLimit: number;
  readonly limit: number | undefined;
}

/** A packet on its way through the pipeline. */
export interface Frame {
  readonly packet: Uint8Array;
  readonly port: Port;
  readonly mac: Uint8Array | undefined;
  /** Index in the batch, or -1. */
  readonly input: number;
  readonly outer?: Arrival;
  /** Whether a restore entry has put its destination back. */
  readonly restored?: boolean;
  readonly released: boolean;
}

export interface HoldRecord {
  readonly target: HoldTarget;
  packets: number;
  /** Budget in octets; infinite for hold entries. */
  bytes: number;
  millis: number;
}

export interface HeldFrame {
  readonly frame: Frame;
  /** The entry that keeps it; none any longer once released. */
  entry: HoldRecord | undefined;
  readonly expires: number;
}

/** "Hold" of the ABI page: one queue in order of arrival for all entries. */
export class HoldPool {
  readonly #prefixes = {
    from: new PrefixTable<HoldRecord>(),
    to: new PrefixTable<HoldRecord>(),
  };
  readonly #stations = new Map<string, HoldRecord>();
  readonly #capacity: number;
  #queue: HeldFrame[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Hold entries, buffers not counted. */
  get size(): number {
    return this.#prefixes.from.size + this.#prefixes.to.size + this.#stations.size;
  }

  get(target: HoldTarget): HoldRecord | undefined {
    return target.direction === 'station'
      ? this.#stations.get(stationText(target.link, target.mac))
      : this.#prefixes[target.direction].get(target.prefix);
  }

  add(record: HoldRecord): void {
    const { target } = record;
    if (target.direction === 'station') this.#stations.set(stationText(target.link, target.mac), record);
    else this.#prefixes[target.direction].set(target.prefix, record);
  }

  /** The entry that would keep a packet from an access link whose source nobody knows. */
  entryFrom(link: LinkId, mac: string | undefined, packet: Uint8Array): HoldRecord | undefined {
    const own = mac === undefined ? undefined : this.#stations.get(stationText(link, mac));
    return own ?? this.#prefixes.from.longest(source(packet));
  }

  /** The entry that would keep a decapsulated packet whose destination nobody knows. */
  entryTo(packet: Uint8Array): HoldRecord | undefined {
    return this.#prefixes.to.longest(destination(packet));
  }

  /** Keeps a frame and returns what it displaced. */
  keep(frame: Frame, entry: HoldRecord, now: number): HeldFrame[] {
    const displaced: HeldFrame[] = [];
    const drop = (held: HeldFrame | undefined): void => {
      if (held === undefined) return;
      displaced.push(held);
      this.#queue = this.#queue.filter((other) => other !== held);
    };
    const kept = (): HeldFrame[] => this.#queue.filter((held) => held.entry === entry);
    const octets = (): number => kept().reduce((sum, held) => sum + held.frame.packet.length, 0);
    while (
      kept().length >= entry.packets ||
      (kept().length > 0 && octets() + frame.packet.length > entry.bytes)
    ) {
      drop(kept()[0]);
    }
    if (this.#queue.length >= this.#capacity) drop(kept()[0] ?? this.#queue[0]);
    this.#queue.push({ frame, entry, expires: now + entry.millis });
    return displaced;
  }

  takeExpired(now: number): HeldFrame[] {
    return this.#take((held) => held.entry !== undefined && held.expires <= now);
  }

  takeReleased(): HeldFrame[] {
    return this.#take((held) => held.entry === undefined);
  }

  release(target: HoldTarget): void {
    for (const held of this.#queue) if (isWithin(held, target)) held.entry = undefined;
  }

  /** Releases what one entry keeps. */
  releaseEntry(entry: HoldRecord): void {
    for (const held of this.#queue) if (held.entry === entry) held.entry = undefined;
  }

  /** Discards what one entry keeps and returns how many packets that were. */
  discardEntry(entry: HoldRecord): number {
    return this.#take((held) => held.entry === entry).length;
  }

  /** Returns how many packets were discarded. */
  discard(target: HoldTarget): number {
    return this.#take((held) => isWithin(held, target)).length;
  }

  /** Returns how many packets were discarded, or undefined if there is no such entry. */
  deleteEntry(target: HoldTarget): number | undefined {
    const entry = this.get(target);
    if (entry === undefined) return undefined;
    if (target.direction === 'station') this.#stations.delete(stationText(target.link, target.mac));
    else this.#prefixes[target.direction].delete(target.prefix);
    return this.discardEntry(entry);
  }

  deadline(): number | undefined {
    if (this.#queue.length === 0) return undefined;
    if (this.#queue.some((held) => held.entry === undefined)) return 0;
    return Math.min(...this.#queue.map((held) => held.expires));
  }

  #take(chosen: (held: HeldFrame) => boolean): HeldFrame[] {
    const taken = this.#queue.filter(chosen);
    this.#queue = this.#queue.filter((held) => !taken.includes(held));
    return taken;
  }
}

function isWithin({ entry, frame }: HeldFrame, target: HoldTarget): boolean {
  if (entry?.target.direction !== target.direction) return false;
  if (target.direction === 'station') {
    const kept = entry.target as typeof target;
    return kept.link === target.link && kept.mac === target.mac;
  }
  const address = target.direction === 'from' ? source(frame.packet) : destination(frame.packet);
  return inPrefix(address, target.prefix);
}

function stationText(link: LinkId, mac: string): string {
  return `${link} ${mac}`;
}
