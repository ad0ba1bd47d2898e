import type { Prefix } from '../../bindings/entries.ts';
import type { TraceEffect } from '../core/machine.ts';
import { addressBytes, readAddress, splitPrefix } from '../wire/address.ts';
import { IPV6_HEADER } from '../wire/ipv6.ts';
import type { PointToPointLink } from './link.ts';

const HOP_LIMIT = 7;
const SOURCE = 8;
const DESTINATION = 24;

interface Route {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly link: PointToPointLink;
}

/** Why the core drops a packet; each is a counter. It sends no ICMPv6 errors. */
export type CoreDrop = 'malformed' | 'reverse-path' | 'hop-limit' | 'no-route';

/** Routes by longest prefix among its links; a packet must come from where its source is routed to. */
export class CoreRouter {
  readonly node = 'core';
  readonly dropped: Record<CoreDrop, number> = {
    malformed: 0,
    'reverse-path': 0,
    'hop-limit': 0,
    'no-route': 0,
  };
  readonly #trace: (effect: TraceEffect) => void;
  readonly #reported = new Set<string>();
  #routes: Route[] = [];

  constructor(trace: (effect: TraceEffect) => void) {
    this.#trace = trace;
  }

  addRoute(prefix: Prefix, link: PointToPointLink): void {
    const { address, length } = splitPrefix(prefix);
    this.#routes.push({ bytes: addressBytes(address), length, link });
    this.#routes.sort((a, b) => b.length - a.length);
  }

  /** A packet that arrived on `link`. */
  receive(link: PointToPointLink, packet: Uint8Array): void {
    if (packet.length < IPV6_HEADER || packet[0]! >> 4 !== 6) {
      this.#drop('malformed', link, packet);
      return;
    }
    // Strict reverse-path forwarding, RFC 3704 section 2.2.
    if (this.#lookUp(packet, SOURCE) !== link) {
      this.#drop('reverse-path', link, packet);
      return;
    }
    const next = this.#lookUp(packet, DESTINATION);
    if (next === undefined) {
      this.#drop('no-route', link, packet);
      return;
    }
    if (packet[HOP_LIMIT]! <= 1) {
      this.#drop('hop-limit', link, packet);
      return;
    }
    const forwarded = packet.slice();
    forwarded[HOP_LIMIT]! -= 1;
    next.send(this.node, forwarded);
  }

  #lookUp(packet: Uint8Array, offset: number): PointToPointLink | undefined {
    return this.#routes.find((route) => covers(route, packet, offset))?.link;
  }

  /** One line of the trace for each reason, link and source: a stream would fill the trace. */
  #drop(reason: CoreDrop, link: PointToPointLink, packet: Uint8Array): void {
    this.dropped[reason]++;
    const [src, dst] =
      reason === 'malformed' ? ['', ''] : [readAddress(packet, SOURCE), readAddress(packet, DESTINATION)];
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
