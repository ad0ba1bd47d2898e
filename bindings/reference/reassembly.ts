import { LIMIT_PACKET_MAX, REASSEMBLIES, REASSEMBLY_MILLIS } from '../generated/abi.ts';
import {
  FRAGMENT_HEADER,
  IPV6_HEADER,
  hopLimit,
  octet,
  payloadLength,
  source,
  trafficClass,
} from './packet.ts';

const NOT_ECT = 0b00;
const CE = 0b11;

interface Fragment {
  readonly outer: Uint8Array;
  readonly offset: number;
  readonly end: number;
  readonly last: boolean;
}

interface Datagram {
  readonly source: bigint;
  readonly identification: number;
  readonly began: number;
  readonly fragments: Fragment[];
  spoilt: boolean;
}

/** A packet put together of so many parts, a fragment kept for one, or a fragment that makes none. */
export type Outcome = { readonly packet: Uint8Array; readonly parts: number } | 'kept' | 'refused';

/** "Reassembly" of the ABI page, for fragments of peers. `lost` is told of every datagram that is given up. */
export class Reassembly {
  readonly #places: (Datagram | undefined)[] = Array.from({ length: REASSEMBLIES }, () => undefined);
  readonly #lost: () => void;

  constructor(lost: () => void) {
    this.#lost = lost;
  }

  /** `outer` is a whole fragment, with 8 octets at least after its IPv6 header. */
  take(outer: Uint8Array, now: number): Outcome {
    const view = new DataView(outer.buffer, outer.byteOffset, outer.byteLength);
    const word = view.getUint16(IPV6_HEADER + 2);
    const [offset, last] = [word - (word % 8), word % 2 === 0];
    if (offset === 0 && last)
      return { packet: withoutFragmentHeader(outer, outer.slice(FRAGMENT_END)), parts: 1 };
    const length = payloadLength(outer) - FRAGMENT_HEADER;
    const fragment = { outer, offset, end: offset + length, last };
    if (length === 0 || (!last && length % 8 !== 0)) return 'refused';
    if (IPV6_HEADER + fragment.end > LIMIT_PACKET_MAX) return 'refused';
    const place = this.#placeOf(source(outer), view.getUint32(IPV6_HEADER + 4), now);
    const datagram = this.#places[place];
    if (datagram === undefined) return 'refused';
    if (datagram.spoilt || datagram.fragments.some((other) => contradict(fragment, other))) {
      datagram.spoilt = true;
      return 'refused';
    }
    datagram.fragments.push(fragment);
    const packet = joined(datagram.fragments);
    if (packet === 'incomplete') return 'kept';
    this.#places[place] = undefined;
    return packet;
  }

  /** The place of the datagram, where it begins if it is not known. */
  #placeOf(from: bigint, identification: number, now: number): number {
    for (const [place, datagram] of this.#places.entries()) {
      if (datagram === undefined) continue;
      if (now - datagram.began >= REASSEMBLY_MILLIS) this.#giveUp(place);
      else if (datagram.source === from && datagram.identification === identification) return place;
    }
    const begun = this.#places.map((datagram) => datagram?.began ?? -1);
    const place = begun.indexOf(Math.min(...begun));
    this.#giveUp(place);
    this.#places[place] = { source: from, identification, began: now, fragments: [], spoilt: false };
    return place;
  }

  #giveUp(place: number): void {
    if (this.#places[place]?.spoilt === false) this.#lost();
    this.#places[place] = undefined;
  }
}

const FRAGMENT_END = IPV6_HEADER + FRAGMENT_HEADER;

/** RFC 5722: two fragments that cannot both be parts of one packet. */
function contradict(one: Fragment, other: Fragment): boolean {
  if (one.offset < other.end && other.offset < one.end) return true;
  if (one.last && other.last) return true;
  return (one.last && other.end > one.end) || (other.last && one.end > other.end);
}

function joined(fragments: readonly Fragment[]): Outcome | 'incomplete' {
  const inOrder = fragments.toSorted((a, b) => a.offset - b.offset);
  const first = inOrder[0];
  if (first?.offset !== 0 || inOrder.at(-1)?.last !== true) return 'incomplete';
  if (inOrder.some(({ end }, index) => end !== (inOrder[index + 1]?.offset ?? end))) return 'incomplete';
  const marks = fragments.map(({ outer }) => trafficClass(outer) & 0b11);
  if (marks.includes(CE) && marks.includes(NOT_ECT)) return 'refused';
  const payload = inOrder.flatMap(({ outer }) => [...outer.subarray(FRAGMENT_END)]);
  const packet = withoutFragmentHeader(first.outer, Uint8Array.from(payload));
  if (marks.includes(CE)) packet[1] = octet(packet, 1) | (CE << 4);
  packet[7] = Math.min(...fragments.map(({ outer }) => hopLimit(outer)));
  return { packet, parts: fragments.length };
}

/** The IPv6 header of a fragment before another payload, of which its fragment header names the protocol. */
function withoutFragmentHeader(fragment: Uint8Array, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + payload.length);
  packet.set(fragment.subarray(0, IPV6_HEADER));
  packet.set(payload, IPV6_HEADER);
  new DataView(packet.buffer).setUint16(4, payload.length);
  packet[6] = octet(fragment, IPV6_HEADER);
  return packet;
}
