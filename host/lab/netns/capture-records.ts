/** How the capture process hands frames to the lab: records on its standard output, in the order of each namespace. */

const HEADER = 20;
/** Of `link`: this record answers a request to catch up and carries no frame. */
const SYNC = 0xffff;

export interface CaptureRecord {
  /** Milliseconds of the wall clock. */
  readonly time: number;
  /** Index into the list of taps that the process was started with. */
  readonly tap: number;
  readonly outgoing: boolean;
  /** From the Ethernet header on; may be cut. */
  readonly data: Uint8Array;
  /** Octets that the frame had on the link. */
  readonly length: number;
}

export function encodeRecord(record: CaptureRecord): Buffer {
  const out = Buffer.allocUnsafe(HEADER + record.data.length);
  out.writeUInt32LE(record.data.length, 0);
  out.writeUInt32LE(record.length, 4);
  out.writeDoubleLE(record.time, 8);
  out.writeUInt16LE(record.tap, 16);
  out.writeUInt16LE(record.outgoing ? 1 : 0, 18);
  out.set(record.data, HEADER);
  return out;
}

/** Answers a request; `lost` is the number of frames that the rings had no room for so far. */
export function encodeSync(lost: number): Buffer {
  return encodeRecord({ time: 0, tap: SYNC, outgoing: false, data: new Uint8Array(0), length: lost });
}

/** Puts records together again from the pieces in which a pipe delivers them. */
export class RecordReader {
  readonly #record: (record: CaptureRecord) => void;
  readonly #sync: (lost: number) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(record: (record: CaptureRecord) => void, sync: (lost: number) => void) {
    this.#record = record;
    this.#sync = sync;
  }

  push(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (data.length >= HEADER) {
      const end = HEADER + data.readUInt32LE(0);
      if (data.length < end) break;
      const tap = data.readUInt16LE(16);
      const length = data.readUInt32LE(4);
      if (tap === SYNC) this.#sync(length);
      else {
        this.#record({
          time: data.readDoubleLE(8),
          tap,
          outgoing: data.readUInt16LE(18) !== 0,
          data: data.subarray(HEADER, end),
          length,
        });
      }
      data = data.subarray(end);
    }
    this.#rest = data;
  }
}
