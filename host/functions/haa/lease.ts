import type { Prefix } from '../../../bindings/entries.ts';

/** What a store keeps of a lease: nobody else gets the prefix before `until`, whatever becomes of the process. */
export interface LeaseRecord {
  readonly prefix: Prefix;
  readonly network: string;
  readonly mnId: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** A prefix of ours that is, or may still be, an MN's. */
export interface Lease {
  readonly prefix: Prefix;
  readonly network: string;
  readonly mnId: string;
  /** When the longest valid lifetime ends that anybody was ever given of it: hosts keep to no shorter one (RFC 4862 5.5.3 (e)). */
  promised: number;
  /** What it would be, had the store all that was asked for. */
  asked: number;
  /** Until when the store has it: nothing is promised beyond. Infinite where nothing is stored. */
  kept: number;
}

/** Where leases survive the process. Every request is carried out as a whole or not at all. */
export interface LeaseStore {
  load(): readonly LeaseRecord[];
  /** Puts each record in the place of the one of its prefix. Throws where it cannot; what it returns from is on the disk. */
  write(put: readonly LeaseRecord[], forget: readonly Prefix[]): void;
  close(): void;
}
