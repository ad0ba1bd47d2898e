import type { FlowEntry, FlowKey } from '../entries.ts';
import { formatAddress, isMulticast, parseAddress } from './address.ts';
import * as packets from './packet.ts';

/** The protocols of "Flow entries" on the ABI page whose ports are looked at. */
const WITH_PORTS = new Set([6, 17, 33, 132, 136]);

interface Slot<Action> {
  readonly key: FlowKey;
  readonly action: Action;
  /** Whole seconds, 0 if never. */
  lastUsed: number;
}

/** Flow entries under the text of their key. */
export class FlowEntryTable<Action> {
  readonly #slots = new Map<string, Slot<Action>>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** False where the table is full. */
  put(key: FlowKey, action: Action): boolean {
    const text = textOf(key);
    const known = this.#slots.get(text);
    if (known === undefined && this.#slots.size >= this.#capacity) return false;
    this.#slots.set(text, { key, action, lastUsed: known?.lastUsed ?? 0 });
    return true;
  }

  delete(key: FlowKey): boolean {
    return this.#slots.delete(textOf(key));
  }

  /** The entry of the packet's flow. */
  match(packet: Uint8Array): Slot<Action> | undefined {
    const key = flowOf(packet);
    return key && this.#slots.get(textOf(key));
  }

  entries(): readonly Slot<Action>[] {
    return [...this.#slots.values()];
  }
}

/** The key in canonical form, or undefined where the ABI calls it invalid. */
export function canonicalFlow(key: FlowKey | FlowEntry): FlowKey | undefined {
  const { protocol, sourcePort, destinationPort } = key;
  const [src, dst] = [parseAddress(key.src), parseAddress(key.dst)];
  if (src === undefined || dst === undefined || isMulticast(src) || isMulticast(dst)) return undefined;
  if (!isUnsigned(protocol, 8) || !isUnsigned(sourcePort, 16) || !isUnsigned(destinationPort, 16)) {
    return undefined;
  }
  if (sourcePort + destinationPort > 0 && !WITH_PORTS.has(protocol)) return undefined;
  return { src: formatAddress(src), dst: formatAddress(dst), protocol, sourcePort, destinationPort };
}

/** The flow of a packet; undefined for fragments, and for what has no readable protocol or ports. */
function flowOf(packet: Uint8Array): FlowKey | undefined {
  const upper = packets.upperLayer(packet);
  if (upper?.protocol === undefined || upper.fragment) return undefined;
  const { protocol, offset } = upper;
  const ends = {
    src: formatAddress(packets.source(packet)),
    dst: formatAddress(packets.destination(packet)),
  };
  if (!WITH_PORTS.has(protocol)) return { ...ends, protocol, sourcePort: 0, destinationPort: 0 };
  if (offset + 4 > packet.length) return undefined;
  const ports = new DataView(packet.buffer, packet.byteOffset + offset, 4);
  return { ...ends, protocol, sourcePort: ports.getUint16(0), destinationPort: ports.getUint16(2) };
}

function textOf({ src, dst, protocol, sourcePort, destinationPort }: FlowKey): string {
  return [src, dst, protocol, sourcePort, destinationPort].join(' ');
}

function isUnsigned(value: number, bits: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** bits;
}
