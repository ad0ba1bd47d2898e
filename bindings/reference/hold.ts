import type { HoldEntry } from '../entries.ts';
import type { Port } from '../dataplane.ts';
import type { PrefixValue } from './address.ts';
import { inPrefix } from './address.ts';
import { destination, source } from './packet.ts';
import { PrefixTable } from './prefix-table.ts';

export type Direction = HoldEntry['direction'];

/** A packet on its way through the pipeline. */
export interface Frame {
  readonly packet: Uint8Array;
  readonly port: Port;
  readonly mac: Uint8Array | undefined;
  /** Index in the batch, or -1. */
  readonly input: number;
  /** Of a packet that has been decapsulated: where it came from, and the outer hop limit it came with. */
  readonly outer?: { readonly source: bigint; readonly hopLimit: number };
  readonly released: boolean;
}

export interface HoldRecord {
  readonly direction: Direction;
  readonly prefix: PrefixValue;
  packets: number;
  /** Budget in octets; infinite for hold entries. */
  bytes: number;
  millis: number;
}

export interface HeldFrame {
  readonly frame: Frame;
  readonly direction: Direction;
  /** The entry that keeps it; none any longer once released. */
  entry: HoldRecord | undefined;
  readonly expires: number;
}

/** "Hold" of the ABI page: one queue in order of arrival for all entries. */
export class HoldPool {
  readonly entries = {
    from: new PrefixTable<HoldRecord>(),
    to: new PrefixTable<HoldRecord>(),
  };
  readonly #capacity: number;
  #queue: HeldFrame[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The entry that would keep a packet. */
  entryFor(direction: Direction, packet: Uint8Array): HoldRecord | undefined {
    return this.entries[direction].longest(matchedAddress(direction, packet));
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
    this.#queue.push({ frame, direction: entry.direction, entry, expires: now + entry.millis });
    return displaced;
  }

  takeExpired(now: number): HeldFrame[] {
    return this.#take((held) => held.entry !== undefined && held.expires <= now);
  }

  takeReleased(): HeldFrame[] {
    return this.#take((held) => held.entry === undefined);
  }

  release(direction: Direction, prefix: PrefixValue): void {
    for (const held of this.#queue) if (isWithin(held, direction, prefix)) held.entry = undefined;
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
  discard(direction: Direction, prefix: PrefixValue): number {
    return this.#take((held) => isWithin(held, direction, prefix)).length;
  }

  /** Returns how many packets were discarded, or undefined if there is no such entry. */
  deleteEntry(direction: Direction, prefix: PrefixValue): number | undefined {
    const entry = this.entries[direction].get(prefix);
    if (entry === undefined) return undefined;
    this.entries[direction].delete(prefix);
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

function matchedAddress(direction: Direction, packet: Uint8Array): bigint {
  return direction === 'from' ? source(packet) : destination(packet);
}

function isWithin(held: HeldFrame, direction: Direction, prefix: PrefixValue): boolean {
  return (
    held.entry !== undefined &&
    held.direction === direction &&
    inPrefix(matchedAddress(direction, held.frame.packet), prefix)
  );
}
