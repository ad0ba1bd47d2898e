import type { PathBench, Template } from './packets.ts';
import type { Keys, Queries } from './workload.ts';

/** One round of an engine. Engines that were told the same must agree on hits and sum. */
export interface Round {
  /** Time of the look-ups (or packets) alone. */
  readonly nanoseconds: number;
  readonly operations: number;
  /** Queries found; for packets, those processed. */
  readonly hits: number;
  /** Sum of the values found; for packets, of the octets of all headers that came out. */
  readonly sum: number;
}

/** A table with its way of looking up. */
export interface Engine {
  readonly name: string;
  /** False where it has nothing for such keys. */
  takes(keys: Keys): boolean;
  load(keys: Keys): Promise<void>;
  /** Inserts and deletes ten times as many keys as the table holds, which are the same ones afterwards. */
  churn(): Promise<void>;
  round(queries: Queries): Promise<Round>;
  /** The benches of whole packets that it has a pipeline for. */
  readonly paths: readonly PathBench[];
  /** A round of whole packets, of an engine with `paths`. */
  packets?(template: Template, queries: Queries): Promise<Round>;
  close(): void;
}

/** Look-ups of one call. All engines copy so many keys to one place first, untimed, as a host puts them in linear memory. */
export const CALL = 1024;
/** Packets of one call. */
export const BATCH = 64;
