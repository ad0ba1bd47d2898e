import type { DataPlane, PacketIn, PacketOut, Port, Verdict } from '../../../bindings/dataplane.ts';
import type { Command, DataPlaneEvent } from '../../../bindings/entries.ts';
import { Disagreement } from '../../../bindings/reference/paired.ts';
import { contains, readAddress } from '../../wire/address.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_IPV6, LINKTYPE_RAW } from '../../wire/capture.ts';
import type { Capture, CapturedPacket } from '../../wire/capture.ts';
import { ETHERTYPE_IPV6, parseEthernet } from '../../wire/ethernet.ts';
import { IPV6_HEADER } from '../../wire/ipv6.ts';
import type { ReplayFile } from './schema.ts';

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const SOURCE_ADDRESS = 8;

export interface ReplayedPacket {
  /** Number of the captured packet, from 1; undefined for one that the data plane made or released. */
  readonly number: number | undefined;
  /** Nanoseconds since 1970: when the packet that led to it was captured. */
  readonly time: bigint;
  readonly data: Uint8Array;
  readonly verdict: Verdict;
}

export interface Replay {
  readonly packets: readonly ReplayedPacket[];
  readonly events: readonly DataPlaneEvent[];
  readonly counters: Readonly<Record<string, number>>;
  /** Packets that no port rule took, or that are no IPv6. */
  readonly skipped: number;
}

/** A command of the file that the data plane refused. */
export class CommandRefused extends Error {
  /** Key in the file, such as `entries[3]`. */
  readonly key: string;

  constructor(key: string, status: string) {
    super(`the data plane answers "${status}"`);
    this.key = key;
  }
}

/** The two engines of a pair gave different answers. */
export class ReplayDiffers extends Error {
  /**
   * Number of the captured packet, from 1; for an answer that is not about one packet (a counter, an event),
   * the last packet of the batch; 0 before the first.
   */
  readonly packet: number;
  readonly field: string;

  constructor(packet: number, cause: Disagreement) {
    super(cause.message, { cause });
    this.packet = packet;
    this.field = cause.field;
  }
}

interface NumberedPacket extends PacketIn {
  readonly number: number;
  readonly time: bigint;
}

/**
 * Sends the packets of a capture through a data plane in capture order. Packets of one millisecond go as one batch.
 * Throws `CommandRefused`, and `ReplayDiffers` where the plane is a pair that disagrees.
 */
export function replay(file: ReplayFile, capture: Capture, plane: DataPlane): Replay {
  return new Run(file, plane).run(capture);
}

class Run {
  readonly #file: ReplayFile;
  readonly #plane: DataPlane;
  readonly #packets: ReplayedPacket[] = [];
  readonly #events: DataPlaneEvent[] = [];
  #batch: NumberedPacket[] = [];
  #commands = 0;
  #time = 0n;
  #number = 0;

  constructor(file: ReplayFile, plane: DataPlane) {
    this.#file = file;
    this.#plane = plane;
  }

  run(capture: Capture): Replay {
    this.#file.entries.forEach((entry, index) => this.#apply({ op: 'put', entry }, `entries[${index}]`));
    let skipped = 0;
    capture.packets.forEach((captured, index) => {
      const number = index + 1;
      if (this.#isCommandDue(number) || millis(captured.time) !== millis(this.#time)) this.#flush();
      this.#applyDue(number);
      this.#time = captured.time;
      const packet = packetOf(this.#file, capture, captured);
      if (packet === undefined) skipped++;
      else this.#batch.push({ ...packet, number, time: captured.time });
      if (this.#batch.length === this.#file.options.capacities.batch) this.#flush();
    });
    this.#flush();
    // Commands numbered past the end still count: what they release comes out of one more, empty batch.
    if (this.#applyDue(Infinity)) this.#process();
    return {
      packets: this.#packets,
      events: this.#events,
      counters: this.#plane.counters(),
      skipped,
    };
  }

  #isCommandDue(number: number): boolean {
    const next = this.#file.commands[this.#commands];
    return next !== undefined && next.before <= number;
  }

  #applyDue(number: number): boolean {
    const first = this.#commands;
    for (; this.#isCommandDue(number); this.#commands++) {
      const { command } = this.#file.commands[this.#commands]!;
      this.#apply(command, `commands[${this.#commands}]`);
    }
    return this.#commands > first;
  }

  #apply(command: Command, key: string): void {
    const [status] = this.#compared(() => this.#plane.apply([command], millis(this.#time)));
    if (status !== 'ok') throw new CommandRefused(key, status ?? 'nothing');
  }

  #flush(): void {
    if (this.#batch.length > 0) this.#process();
  }

  #process(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#number = batch.at(-1)?.number ?? this.#number;
    const outputs = this.#compared(() => this.#plane.process(batch, millis(this.#time)), batch);
    let before: NumberedPacket | undefined;
    for (const output of outputs) {
      before = batch[output.input] ?? before;
      this.#packets.push(replayed(output, batch[output.input], before?.time ?? this.#time));
    }
    this.#events.push(...this.#compared(() => this.#plane.events()));
  }

  #compared<T>(call: () => T, batch: readonly NumberedPacket[] = []): T {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
      throw new ReplayDiffers(batch[error.input]?.number ?? this.#number, error);
    }
  }
}

function replayed(output: PacketOut, input: NumberedPacket | undefined, time: bigint): ReplayedPacket {
  return { number: input?.number, time, data: output.data, verdict: output.verdict };
}

function millis(time: bigint): number {
  return Number(time / NANOSECONDS_PER_MILLISECOND);
}

/** The IPv6 packet in a captured one, and where it came from; undefined where there is none or no rule takes it. */
function packetOf(file: ReplayFile, capture: Capture, captured: CapturedPacket): PacketIn | undefined {
  const itf = capture.interfaces[captured.interface];
  const found = ipv6In(itf?.linkType, captured.data);
  if (found === undefined) return undefined;
  const source = found.data.length < IPV6_HEADER ? undefined : readAddress(found.data, SOURCE_ADDRESS);
  const rule = file.ports.find(
    (candidate) =>
      (candidate.interface === undefined || candidate.interface === itf?.name) &&
      (candidate.source === undefined || (source !== undefined && contains(candidate.source, source))),
  );
  if (rule === undefined) return undefined;
  const port: Port = rule.port === 'core' ? { side: 'core' } : { side: 'access', link: rule.port };
  return { ...found, port };
}

function ipv6In(linkType: number | undefined, data: Uint8Array): Pick<PacketIn, 'data' | 'mac'> | undefined {
  if (linkType === LINKTYPE_IPV6) return { data };
  if (linkType === LINKTYPE_RAW) return data.length > 0 && data[0]! >> 4 === 6 ? { data } : undefined;
  if (linkType !== LINKTYPE_ETHERNET) return undefined;
  const frame = parseEthernet(data);
  if (!frame.ok || frame.value.etherType !== ETHERTYPE_IPV6) return undefined;
  return { data: frame.value.payload, mac: frame.value.srcMac };
}
