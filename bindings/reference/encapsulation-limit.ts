import { EXTENSIONS_MAX } from '../generated/abi.ts';
import {
  DESTINATION_OPTIONS,
  FRAGMENT,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  isExtension,
  nextHeader,
  octet,
} from './packet.ts';

const LIMIT = 4;

interface Options {
  /** Where the limit is in the header. */
  readonly limitAt: number | undefined;
  /** Whether every option is whole, and may be skipped by who does not know it. */
  readonly understood: boolean;
}

/** "Encapsulation limit" of the ABI page: one destination options header. */
function readOptions(header: Uint8Array): Options {
  let limitAt: number | undefined;
  let understood = true;
  for (let at = 2; at < header.length;) {
    const type = octet(header, at);
    if (type === 0) {
      at += 1;
      continue;
    }
    const length = header[at + 1] ?? Infinity;
    if (at + 2 + length > header.length) return { limitAt, understood: false };
    if (type >= 0b0100_0000) understood = false;
    if (type === LIMIT && length === 1) limitAt ??= at + 2;
    at += 2 + length;
  }
  return { limitAt, understood };
}

/** Where a packet has its first limit, if it has one. */
export function limitAt(packet: Uint8Array): number | undefined {
  let next = nextHeader(packet);
  let rest = packet.subarray(IPV6_HEADER);
  for (let walked = 0; walked < EXTENSIONS_MAX && isExtension(next) && rest.length >= 8; walked++) {
    if (next === FRAGMENT && octet(rest, 2) * 256 + octet(rest, 3) >= 8) return undefined;
    const length = next === FRAGMENT ? 8 : (octet(rest, 1) + 1) * 8;
    if (length > rest.length) return undefined;
    if (next === DESTINATION_OPTIONS) {
      const found = readOptions(rest.subarray(0, length)).limitAt;
      if (found !== undefined) return packet.length - rest.length + found;
    }
    next = octet(rest, 0);
    rest = rest.subarray(length);
  }
  return undefined;
}

/** What stands between the outer header and an inner packet with a limit. */
export function limitHeader(limit: number): Uint8Array {
  return Uint8Array.of(IPV6_IN_IPV6, 0, LIMIT, 1, limit, 1, 1, 0);
}

/** Whether the packet has an options header before the packet that it carries. */
export function hasTunnelOptions(packet: Uint8Array): boolean {
  const behind = packet.length >= IPV6_HEADER + 8 ? octet(packet, IPV6_HEADER) : undefined;
  return nextHeader(packet) === DESTINATION_OPTIONS && behind === IPV6_IN_IPV6;
}

/** Such a packet without that header, and the limit in it; undefined where it must be dropped. */
export function withoutTunnelOptions(
  packet: Uint8Array,
): { packet: Uint8Array; limit: number | undefined } | undefined {
  const end = IPV6_HEADER + (octet(packet, IPV6_HEADER + 1) + 1) * 8;
  if (end > packet.length) return undefined;
  const header = packet.subarray(IPV6_HEADER, end);
  const options = readOptions(header);
  if (!options.understood) return undefined;
  const result = Uint8Array.of(...packet.subarray(0, IPV6_HEADER), ...packet.subarray(end));
  new DataView(result.buffer).setUint16(4, packet.length - end);
  result[6] = IPV6_IN_IPV6;
  return {
    packet: result,
    limit: options.limitAt === undefined ? undefined : octet(header, options.limitAt),
  };
}

/** Whether a Parameter Problem about a packet of ours says that its limit has come to its end. */
export function pointsAtOurLimit(outer: Uint8Array, inner: number, pointer: number): boolean {
  return pointer === inner - 4 && outer.subarray(pointer - 2, pointer + 1).join() === [LIMIT, 1, 0].join();
}
