import type { EntryDump } from '../../../bindings/dataplane.ts';
import type { Command, CommandStatus, DataPlaneEvent } from '../../../bindings/entries.ts';

/** One packet that the data plane has put out, as a view of its memory: valid until the next `run`. */
export interface EngineOutput {
  readonly data: Uint8Array;
  readonly action: 'deliver' | 'core' | 'pass' | 'hold' | 'drop';
  /** Index of the frame that it came in by, or -1. */
  readonly input: number;
}

/** The data plane as packet sockets want it: packets are received straight into its frames. */
export interface Engine {
  /** Frames that one `run` takes. */
  readonly batch: number;
  /** Where a packet of frame `index` begins, to the end of the frame. */
  frame(index: number): Uint8Array;
  /** Says what has been put into frame `index`. */
  describe(index: number, length: number, port: number): void;
  run(count: number, now: number): EngineOutput[];
  apply(commands: readonly Command[], now: number): CommandStatus[];
  events(): DataPlaneEvent[];
  counters(): Readonly<Record<string, number>>;
  dump(): EntryDump;
  deadline(): number | undefined;
}
