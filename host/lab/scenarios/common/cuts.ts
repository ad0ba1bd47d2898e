import { addressBytes } from '../../../wire/address.ts';
import { IPV6_AT, IPV6_HEADER, NEXT_HEADER } from '../../../wire/ipv6.ts';
import type { CapturedPacket } from '../../lab.ts';
import type { Handover } from './handover.ts';

interface Place {
  readonly link: string;
  readonly sender: string | undefined;
}

interface Sighting extends Place {
  readonly at: number;
}

/** Of a datagram: its checksum, which a kernel may write on the way, its payload, and so much of it as carries its number. */
const UDP = { checksum: 6, header: 8, read: 12 } as const;

/** What the cut of a host's link may take of one direction of a stream, by what was captured. */
export interface Cut {
  /** What it took passed here, between these times in ms, and went no further than `beyond`. */
  readonly place: Place;
  readonly since: number;
  readonly until: number;
  readonly beyond: Place;
}

/**
 * To the host: what came to the old MAAR before it kept anything. It may have waited there for the processor for `heldUp`
 * ms, and met the cut although it came before.
 */
export function cutDown({ at, from }: Handover, keptAt: number, heldUp: number): Cut {
  return {
    place: { link: `core-${from}`, sender: 'core' },
    since: at - heldUp,
    until: keptAt,
    beyond: { link: `access-${from}`, sender: from },
  };
}

/** From the host: what left its port before the new link stood. */
export function cutUp({ at, from, host }: Handover, linkedAt: number, heldUp: number): Cut {
  return {
    place: { link: `host-${host}`, sender: host },
    since: at - heldUp,
    until: linkedAt,
    beyond: { link: `access-${from}`, sender: host },
  };
}

/** When something from a host was first seen on the link that it moved to. */
export function linkedAt(packets: readonly CapturedPacket[], { at, to, host }: Handover): number {
  const first = packets.find(
    (packet) => packet.at >= at && packet.link === `access-${to}` && packet.sender === host,
  );
  return first?.at ?? Infinity;
}

/**
 * How many packets a cut took. What is on its way keeps its order, so that they follow each other without one between them
 * that arrived: of several such rows only the longest is the cut's.
 */
export function takenBy(
  { place, since, until, beyond }: Cut,
  datagrams: readonly (readonly Sighting[])[],
): number {
  const passed = datagrams
    .map((sightings) => ({
      at: sightings.find((seen) => isAt(seen, place))?.at ?? NaN,
      taken: [place, beyond].some((last) => isAt(sightings.at(-1)!, last)),
    }))
    .filter(({ at }) => at >= since && at <= until)
    .sort((a, b) => a.at - b.at);
  let [longest, row] = [0, 0];
  for (const { taken } of passed) {
    row = taken ? row + 1 : 0;
    longest = Math.max(longest, row);
  }
  return longest;
}

/** Where each UDP datagram between two addresses was seen, tunnelled or not, in order of time. */
export function datagramsOf(packets: readonly CapturedPacket[], src: string, dst: string): Sighting[][] {
  const found = new Map<string, Sighting[]>();
  const ends = [...addressBytes(src), ...addressBytes(dst)];
  for (const { at, link, sender, data } of packets) {
    const inner = data[IPV6_AT.nextHeader] === NEXT_HEADER.ipv6 ? data.subarray(IPV6_HEADER) : data;
    if (inner.length < IPV6_HEADER + UDP.read || inner[IPV6_AT.nextHeader] !== NEXT_HEADER.udp) continue;
    if (!ends.every((octet, index) => inner[IPV6_AT.source + index] === octet)) continue;
    const header = inner.subarray(IPV6_HEADER, IPV6_HEADER + UDP.checksum);
    const payload = inner.subarray(IPV6_HEADER + UDP.header, IPV6_HEADER + UDP.read);
    const identity = [...header, ...payload].join();
    const sightings = found.get(identity);
    if (sightings === undefined) found.set(identity, [{ at, link, sender }]);
    else sightings.push({ at, link, sender });
  }
  return [...found.values()];
}

function isAt({ link, sender }: Place, place: Place): boolean {
  return link === place.link && sender === place.sender;
}
