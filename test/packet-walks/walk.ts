/** What leads a packet to one end of a picture of docs/packet-walks. */
import type { DataPlane, DataPlaneOptions, PacketIn, PacketOut } from '../../bindings/dataplane.ts';
import type { BufferEntry, Command } from '../../bindings/entries.ts';
import { CN, MAC, MN, packet, put } from '../bindings/node/support.ts';
import type { PacketFields } from '../bindings/node/support.ts';

/** The part of a data plane that a walk needs. */
export type WalkPlane = Pick<DataPlane, 'apply' | 'process' | 'events' | 'counters'>;

export interface Walk {
  /** Where they differ from those of test/bindings/node/support.ts. */
  readonly options?: Partial<DataPlaneOptions>;
  /** Entries, and packets that went before: what this counts is not the walk's. */
  readonly before?: (plane: WalkPlane) => void;
  /** Events that `before` leaves waiting; without it they are taken before the walk. */
  readonly waiting?: number;
  /** The walk itself; its outputs. */
  readonly walk: (plane: WalkPlane) => readonly PacketOut[];
  /** A data plane of its own in place of module and twin. */
  readonly plane?: () => WalkPlane;
}

/** By the name of the end. */
export type Walks = Readonly<Record<string, Walk>>;

/** One packet that comes in after these commands. */
export function walk(
  commands: readonly Command[],
  input: PacketIn,
  options: Partial<DataPlaneOptions> = {},
): Walk {
  return {
    options,
    before: (plane) => plane.apply(commands, 0),
    walk: (plane) => plane.process([input], 0),
  };
}

/** An ordinary packet to the MN. */
export function toMn(fields: PacketFields = {}): Uint8Array {
  return packet({ src: CN, dst: MN, ...fields });
}

const UDP = 17;

/** A packet of the flow that `FLOW_ENTRY` delivers. */
export const OF_FLOW = toMn({ next: UDP, payload: Uint8Array.of(0x10, 0, 0x20, 0, 0, 8, 0, 0) });

export const FLOW_ENTRY = put({
  kind: 'flow',
  src: CN,
  dst: MN,
  protocol: UDP,
  sourcePort: 0x1000,
  destinationPort: 0x2000,
  action: { kind: 'deliver', link: 0, nextHop: 'fe80::10', mac: MAC },
});

/** The packet with one of its octets changed. */
export function changed(data: Uint8Array, at: number, value: number): Uint8Array {
  const copy = data.slice();
  copy[at] = value;
  return copy;
}

/** A buffer entry for the MN. */
export function buffer(fields: Partial<BufferEntry> = {}): Command {
  return put({ kind: 'buffer', prefix: `${MN}/128`, packets: 4, bytes: 8192, millis: 1000, ...fields });
}

export function hold(
  direction: 'from' | 'to',
  fields: { prefix?: string; packets?: number; millis?: number } = {},
): Command {
  return put({ kind: 'hold', direction, prefix: '::/0', packets: 4, millis: 1000, ...fields });
}
