import type { Address, Prefix } from '../../bindings/entries.ts';
import type { TraceEffect } from '../core/machine.ts';
import { addressBytes, readAddress, splitPrefix } from '../wire/address.ts';
import { emitIcmpv6 } from '../wire/icmpv6/message.ts';
import { emitIpv6, IPV6_AT, IPV6_HEADER, NEXT_HEADER } from '../wire/ipv6.ts';
import type { PointToPointLink } from './link.ts';

interface Route {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly link: PointToPointLink;
  /** The longest packet that is sent there. */
  readonly mtu: number;
  /** The only link from which packets take this route; any if absent. */
  readonly from?: PointToPointLink;
}

/** Why the core drops a packet; each is a counter. Only one that is too big is answered. */
export type CoreDrop = 'malformed' | 'too-big' | 'reverse-path' | 'hop-limit' | 'no-route';

/** Routes by longest prefix among its links; a packet must come from where its source is routed to. */
export class CoreRouter {
  readonly node = 'core';
  readonly dropped: Record<CoreDrop, number> = {
    malformed: 0,
    'too-big': 0,
    'reverse-path': 0,
    'hop-limit': 0,
    'no-route': 0,
  };
  readonly #address: Address;
  readonly #trace: (effect: TraceEffect) => void;
  readonly #reported = new Set<string>();
  #routes: Route[] = [];

  /** `address` is where its ICMPv6 errors come from. */
  constructor(address: Address, trace: (effect: TraceEffect) => void) {
    this.#address = address;
    this.#trace = trace;
  }

  addRoute(prefix: Prefix, link: PointToPointLink, mtu = Infinity): void {
    const { address, length } = splitPrefix(prefix);
    this.#routes.push({ bytes: addressBytes(address), length, link, mtu });
    this.#routes.sort((a, b) => b.length - a.length);
  }

  /** A route for what comes from `from` alone, in front of those of the same length for all. */
  addRouteFrom(from: PointToPointLink, prefix: Prefix, link: PointToPointLink): void {
    const { address, length } = splitPrefix(prefix);
    this.#routes.unshift({ bytes: addressBytes(address), length, link, mtu: Infinity, from });
    this.#routes.sort((a, b) => b.length - a.length);
  }

  /** A packet that arrived on `link`. */
  receive(link: PointToPointLink, packet: Uint8Array): void {
    if (packet.length < IPV6_HEADER || packet[0]! >> 4 !== 6) {
      this.#drop('malformed', link, packet);
      return;
    }
    // Strict reverse-path forwarding, RFC 3704 section 2.2.
    if (this.#lookUp(packet, IPV6_AT.source)?.link !== link) {
      this.#drop('reverse-path', link, packet);
      return;
    }
    const next = this.#lookUp(packet, IPV6_AT.destination, link);
    if (next === undefined) {
      this.#drop('no-route', link, packet);
      return;
    }
    if (packet[IPV6_AT.hopLimit]! <= 1) {
      this.#drop('hop-limit', link, packet);
      return;
    }
    if (packet.length > next.mtu) {
      this.#drop('too-big', link, packet);
      this.#tooBig(packet, next.mtu);
      return;
    }
    const forwarded = packet.slice();
    forwarded[IPV6_AT.hopLimit]! -= 1;
    next.link.send(this.node, forwarded);
  }

  /** RFC 4443 section 3.2; not rate-limited, since whoever heeds one sends no second packet of the kind. */
  #tooBig(packet: Uint8Array, mtu: number): void {
    if (isIcmpv6Error(packet)) return;
    const [src, dst] = [this.#address, readAddress(packet, IPV6_AT.source)];
    const message = { kind: 'packet-too-big', code: 0, parameter: mtu, invoking: packet } as const;
    const error = emitIcmpv6(message, src, dst);
    const answer = emitIpv6({ nextHeader: NEXT_HEADER.icmpv6, hopLimit: 64, src, dst }, error);
    this.#lookUp(answer, IPV6_AT.destination)?.link.send(this.node, answer);
  }

  #lookUp(packet: Uint8Array, offset: number, from?: PointToPointLink): Route | undefined {
    return this.#routes.find(
      (route) => (route.from === undefined || route.from === from) && covers(route, packet, offset),
    );
  }

  /** One line of the trace for each reason, link and source: a stream would fill the trace. */
  #drop(reason: CoreDrop, link: PointToPointLink, packet: Uint8Array): void {
    this.dropped[reason]++;
    const [src, dst] =
      reason === 'malformed'
        ? ['', '']
        : [readAddress(packet, IPV6_AT.source), readAddress(packet, IPV6_AT.destination)];
    const key = `${reason} ${link.name} ${src}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#trace({ type: 'trace', what: 'drop', detail: { reason, link: link.name, src, dst } });
  }
}

function covers({ bytes, length }: Route, packet: Uint8Array, offset: number): boolean {
  const whole = length >> 3;
  for (let octet = 0; octet < whole; octet++) {
    if (bytes[octet] !== packet[offset + octet]) return false;
  }
  const bits = length & 7;
  return bits === 0 || (bytes[whole]! ^ packet[offset + whole]!) >> (8 - bits) === 0;
}

/** ICMPv6 of a type below 128, straight behind the IPv6 header: what no error may answer, RFC 4443 section 2.4 (e.1). */
export function isIcmpv6Error(packet: Uint8Array): boolean {
  return (
    packet[IPV6_AT.nextHeader] === NEXT_HEADER.icmpv6 &&
    packet.length > IPV6_HEADER &&
    packet[IPV6_HEADER]! < 128
  );
}
