import { PATH_MTU_SECONDS } from '../generated/abi.ts';
import { pointsAtOurLimit } from './encapsulation-limit.ts';
import {
  ICMPV6,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  checkHeader,
  destination,
  isLocalPair,
  octet,
  payloadLength,
  source,
  upperLayer,
} from './packet.ts';
import { ICMP_HEADER, MINIMUM_MTU, checksum } from './tunnel.ts';

/** An ICMPv6 error about a packet that we tunnelled. */
export interface TunnelError {
  /** Far end of the tunnel. */
  readonly peer: bigint;
  readonly kind: 'too-big' | 'unreachable';
  /** Of a Packet Too Big. */
  readonly mtu: number;
  /** What is quoted of the inner packet, and how long that was. */
  readonly inner: Uint8Array;
  readonly innerLength: number;
  /** Octets of the quoted packet before the inner one. */
  readonly overhead: number;
}

/** A tunnel: its far end, and the encapsulation limit of its entry. */
export interface Tunnel {
  readonly peer: bigint;
  readonly limit: number | undefined;
}

/** "Errors from inside a tunnel" of the ABI page; undefined for anything else. `packet` has passed the header check. */
export function readTunnelError(packet: Uint8Array, locator: bigint): TunnelError | undefined {
  const upper = upperLayer(packet);
  if (upper?.protocol !== ICMPV6) return undefined;
  const message = packet.subarray(upper.offset);
  if (message.length < ICMP_HEADER + 2 * IPV6_HEADER) return undefined;
  const kind = kindOf(octet(message, 0), octet(message, 1));
  if (kind === undefined || checksum(source(packet), destination(packet), message) !== 0) return undefined;

  const outer = message.subarray(ICMP_HEADER);
  if (octet(outer, 0) >> 4 !== 6 || source(outer) !== locator) return undefined;
  const carried = upperLayer(outer);
  if (carried?.protocol !== IPV6_IN_IPV6) return undefined;
  const parameter = new DataView(message.buffer, message.byteOffset).getUint32(4);
  if (octet(message, 0) === 4 && !pointsAtOurLimit(outer, carried.offset, parameter)) return undefined;
  const quoted = outer.subarray(carried.offset);
  if (quoted.length < IPV6_HEADER) return undefined;
  const innerLength = IPV6_HEADER + payloadLength(quoted);
  // The header check wants the whole packet, of which the end may not be quoted.
  const whole = new Uint8Array(Math.max(innerLength, quoted.length));
  whole.set(quoted);
  if ('reason' in checkHeader(whole) || isLocalPair(quoted)) return undefined;
  return {
    peer: destination(outer),
    kind,
    mtu: parameter,
    inner: quoted.subarray(0, innerLength),
    innerLength,
    overhead: carried.offset,
  };
}

function kindOf(type: number, code: number): TunnelError['kind'] | undefined {
  if (type === 2) return 'too-big';
  return type === 1 || ((type === 3 || type === 4) && code === 0) ? 'unreachable' : undefined;
}

/** What tunnels have learned of their paths (RFC 8201). Times in whole seconds. */
export class PathMtus {
  readonly #coreMtu: number;
  readonly #learned = new Map<string, { readonly mtu: number; readonly until: number }>();

  constructor(coreMtu: number) {
    this.#coreMtu = coreMtu;
  }

  of(tunnel: Tunnel, now: number): number {
    const learned = this.#learned.get(tunnelKey(tunnel));
    return learned === undefined || learned.until <= now ? this.#coreMtu : learned.mtu;
  }

  learn(tunnel: Tunnel, reported: number, now: number): void {
    const mtu = Math.max(MINIMUM_MTU, reported);
    if (mtu > this.of(tunnel, now)) return;
    this.#learned.set(tunnelKey(tunnel), { mtu, until: now + PATH_MTU_SECONDS });
  }

  /** Forgets the tunnels that `inUse` does not name; it is asked for only where something is known. */
  keepOnly(inUse: () => readonly Tunnel[]): void {
    if (this.#learned.size === 0) return;
    const kept = new Set(inUse().map(tunnelKey));
    for (const tunnel of this.#learned.keys()) if (!kept.has(tunnel)) this.#learned.delete(tunnel);
  }
}

function tunnelKey({ peer, limit }: Tunnel): string {
  return `${peer} ${limit}`;
}
