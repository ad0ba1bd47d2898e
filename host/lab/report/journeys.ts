import { addressBytes, readAddress, withoutLength } from '../../wire/address.ts';
import { IPV6_AT, IPV6_HEADER, NEXT_HEADER } from '../../wire/ipv6.ts';
import type { CapturedPacket } from '../lab.ts';
import { CN, MAARS, maarPool } from '../plan.ts';

/** Where a transport's checksum stands in its header. */
const CHECKSUM_AT = new Map<number | undefined, number>([
  [NEXT_HEADER.tcp, 16],
  [NEXT_HEADER.udp, 6],
  [NEXT_HEADER.icmpv6, 2],
]);

/** A packet on one link. */
export interface Sighting {
  readonly at: number;
  readonly link: string;
  readonly sender: string | undefined;
  readonly tunnelled: boolean;
}

/** What one data packet crossed from end to end. */
export interface Journey {
  readonly src: string;
  readonly dst: string;
  readonly sightings: readonly Sighting[];
}

/** Packets between addresses of MNs, or between one and the correspondent outside, that were seen at both of their ends. */
export function journeysOf(packets: readonly CapturedPacket[]): Journey[] {
  const journeys = new Map<string, Journey & { readonly sightings: Sighting[] }>();
  for (const packet of packets) addSighting(journeys, packet);
  return [...journeys.values()].filter(({ sightings }) => isWhole(sightings));
}

/** Links that a packet crossed: those of the core and of access networks. A host's own port is no link of its own. */
export function linksCrossed({ sightings }: Journey): number {
  return sightings.filter(({ link }) => !link.startsWith('host-')).length;
}

function addSighting(
  journeys: Map<string, Journey & { readonly sightings: Sighting[] }>,
  { at, link, sender, data }: CapturedPacket,
): void {
  const tunnelled = data[IPV6_AT.nextHeader] === NEXT_HEADER.ipv6;
  const inner = tunnelled ? data.subarray(IPV6_HEADER) : data;
  if (inner.length < IPV6_HEADER + 8 || !isDomainData(inner)) return;
  const key = identity(inner);
  let journey = journeys.get(key);
  if (journey === undefined) {
    journey = {
      src: readAddress(inner, IPV6_AT.source),
      dst: readAddress(inner, IPV6_AT.destination),
      sightings: [],
    };
    journeys.set(key, journey);
  }
  journey.sightings.push({ at, link, sender, tunnelled });
}

/**
 * All but what changes on the way: hop limit and the fields before it, and the checksum, which a kernel writes only where
 * a packet leaves it.
 */
function identity(packet: Uint8Array): string {
  const kept = Buffer.from(packet);
  const checksum = CHECKSUM_AT.get(packet[IPV6_AT.nextHeader]);
  if (checksum !== undefined) kept.fill(0, IPV6_HEADER + checksum, IPV6_HEADER + checksum + 2);
  return kept.toString('latin1', IPV6_AT.source);
}

const POOLS = MAARS.map((name) => addressBytes(withoutLength(maarPool(name))).subarray(0, 6));
const OUTSIDE = addressBytes(CN.address);

/** Between addresses of MNs, or between one and the correspondent outside. */
function isDomainData(packet: Uint8Array): boolean {
  const isEnd = (offset: number): boolean =>
    POOLS.some((pool) => pool.every((octet, index) => packet[offset + index] === octet)) ||
    OUTSIDE.every((octet, index) => packet[offset + index] === octet);
  return isEnd(IPV6_AT.source) && isEnd(IPV6_AT.destination);
}

function isEndLink(link: string): boolean {
  return link.startsWith('host-') || link === 'core-cn';
}

function isWhole(sightings: readonly Sighting[]): boolean {
  return sightings.length > 2 && isEndLink(sightings[0]!.link) && isEndLink(sightings.at(-1)!.link);
}
