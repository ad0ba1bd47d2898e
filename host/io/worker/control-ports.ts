import type { LinkId } from '../../../bindings/entries.ts';
import { readMac } from '../../wire/address.ts';
import type { Clock } from '../clock.ts';
import { SystemError, recv } from '../ffi.ts';
import type { FromWorker } from './messages.ts';

/** Offset of the source MAC. */
const SOURCE = 6;
/** Neighbour discovery by its place in a frame without extension headers, and hop-by-hop, behind which MLD stands. */
const NEXT_HEADER = 20;
const MESSAGE_TYPE = 54;
const HOP_BY_HOP = 0;
const ICMPV6 = 58;
/** Smaller ICMPv6 types are data (echo) and errors. */
const FIRST_CONTROL_TYPE = 130;
/** One data frame of a station suffices to tell that it is there; more within this many milliseconds are not shown. */
const QUIET = 10;
/** Stations whose last frame is remembered for that. */
const STATIONS = 4096;
const SNAP = 2048;

export interface AccessPort {
  readonly fd: number;
  readonly port: string;
  readonly link: LinkId;
}

/** Takes frames for control from access ports; their filter has already left out most. */
export class ControlPorts {
  readonly #clock: Clock;
  readonly #post: (message: FromWorker) => void;
  readonly #buffer = new Uint8Array(new ArrayBuffer(SNAP));
  readonly #heard = new Map<string, number>();

  constructor(clock: Clock, post: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#post = post;
  }

  readable({ fd, port, link }: AccessPort): void {
    for (;;) {
      const length = receive(fd, port, this.#buffer);
      if (length === undefined) return;
      if (length <= MESSAGE_TYPE || this.#repeated(port)) continue;
      this.#post({ type: 'frame', link, port, data: this.#buffer.slice(0, length) });
    }
  }

  #repeated(port: string): boolean {
    const next = this.#buffer[NEXT_HEADER]!;
    if (next === HOP_BY_HOP || (next === ICMPV6 && this.#buffer[MESSAGE_TYPE]! >= FIRST_CONTROL_TYPE))
      return false;
    const station = `${port} ${readMac(this.#buffer, SOURCE)}`;
    const now = this.#clock();
    const before = this.#heard.get(station);
    if (before !== undefined && now - before < QUIET) return true;
    if (before === undefined && this.#heard.size >= STATIONS) this.#heard.clear();
    this.#heard.set(station, now);
    return false;
  }
}

/** A port that goes down fails its socket once with ENETDOWN; it stays usable for when the port comes back. */
function receive(fd: number, port: string, buffer: Uint8Array): number | undefined {
  try {
    return recv(fd, buffer, `receive on ${port}`);
  } catch (error) {
    if (error instanceof SystemError && (error.code === 'ENETDOWN' || error.code === 'ENODEV'))
      return undefined;
    throw error;
  }
}
