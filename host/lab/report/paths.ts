import { addressBytes, contains, readAddress } from '../../wire/address.ts';
import { IPV6_HEADER, NEXT_HEADER } from '../../wire/ipv6.ts';
import type { CapturedPacket } from '../lab.ts';
import { CN, MAARS, maarPool } from '../plan.ts';
import type { Move, PathChange } from './model.ts';

/** Packets of this long before a move, and before whatever ends the time after it, tell the path. */
const WINDOW = 500;
/** Nothing of a handover takes longer on a domain that works. */
const SETTLED = 2_000;

const SOURCE = 8;
const DESTINATION = 24;

interface Sighting {
  readonly link: string;
  readonly sender: string | undefined;
  readonly tunnelled: boolean;
}

interface Journey {
  readonly src: string;
  readonly dst: string;
  readonly start: number;
  readonly sightings: Sighting[];
}

/** The paths that data packets took before and after each move, one line for each pair of addresses and direction. */
export function pathChanges(moves: readonly Move[], packets: readonly CapturedPacket[]): PathChange[] {
  return moves
    .filter(({ from }) => from !== undefined)
    .flatMap((move) => {
      const earlier = moves.findLast(({ at }) => at <= move.begun)?.at ?? 0;
      const next = moves.find(({ begun }) => begun >= move.at)?.begun ?? Infinity;
      const end = Math.min(next, move.at + SETTLED);
      const before = commonPaths(packets, Math.max(earlier, move.begun - WINDOW), move.begun);
      const after = commonPaths(packets, Math.max(move.at, end - WINDOW), end);
      return [...before.keys()]
        .filter((pair) => before.get(pair)!.split(' ').includes(move.host))
        .map((pair): PathChange => {
          const [src = '', dst = ''] = pair.split(' ');
          const later = after.get(pair);
          return {
            move,
            src,
            dst,
            before: before.get(pair)!,
            ...(later === undefined ? {} : { after: later }),
          };
        });
    });
}

/** "source destination" -> the path that most packets sent in that time took. */
function commonPaths(packets: readonly CapturedPacket[], from: number, to: number): Map<string, string> {
  const journeys = new Map<string, Journey>();
  for (const packet of packets) {
    if (packet.at >= from && packet.at < to) addSighting(journeys, packet);
  }
  const tallies = new Map<string, Map<string, number>>();
  // What entered late in the window has not arrived within it, and what entered before has lost its beginning.
  for (const { src, dst, sightings } of journeys.values()) {
    if (!isWhole(sightings)) continue;
    const pair = `${src} ${dst}`;
    const tally = tallies.get(pair) ?? new Map<string, number>();
    const path = describe(sightings);
    tally.set(path, (tally.get(path) ?? 0) + 1);
    tallies.set(pair, tally);
  }
  return new Map(
    [...tallies].map(([pair, tally]) => [pair, [...tally].reduce((a, b) => (b[1] > a[1] ? b : a))[0]]),
  );
}

function addSighting(journeys: Map<string, Journey>, { at, link, sender, data }: CapturedPacket): void {
  const tunnelled = data[6] === NEXT_HEADER.ipv6;
  const inner = tunnelled ? data.subarray(IPV6_HEADER) : data;
  if (inner.length < IPV6_HEADER + 8 || !isDomainData(inner)) return;
  // All but what changes on the way: hop limit, and the fields before it.
  const key = Buffer.from(inner.buffer, inner.byteOffset + SOURCE, inner.length - SOURCE).toString('latin1');
  let journey = journeys.get(key);
  if (journey === undefined) {
    journey = {
      src: readAddress(inner, SOURCE),
      dst: readAddress(inner, DESTINATION),
      start: at,
      sightings: [],
    };
    journeys.set(key, journey);
  }
  journey.sightings.push({ link, sender, tunnelled });
}

const POOLS = MAARS.map((name) => addressBytes(maarPool(name).split('/')[0]!).subarray(0, 6));
const OUTSIDE = addressBytes(CN.address);

/** Between addresses of MNs, or between one and the correspondent outside. */
function isDomainData(packet: Uint8Array): boolean {
  const isEnd = (offset: number): boolean =>
    POOLS.some((pool) => pool.every((octet, index) => packet[offset + index] === octet)) ||
    OUTSIDE.every((octet, index) => packet[offset + index] === octet);
  return isEnd(SOURCE) && isEnd(DESTINATION);
}

function isEndLink(link: string): boolean {
  return link.startsWith('host-') || link === 'core-cn';
}

function isWhole(sightings: readonly Sighting[]): boolean {
  return sightings.length > 2 && isEndLink(sightings[0]!.link) && isEndLink(sightings.at(-1)!.link);
}

/** Nodes in order, with "=" between two that the packet crossed inside a tunnel. */
function describe(sightings: readonly Sighting[]): string {
  const [, name] = /^[a-z]+-(.+)$/.exec(sightings[0]!.link) ?? [];
  let text = name ?? '';
  let last = name;
  for (const { link, tunnelled } of sightings.slice(1)) {
    const node = link.slice(link.indexOf('-') + 1);
    if (node === last) continue;
    text += ` ${tunnelled ? '=' : '-'} ${node}`;
    last = node;
  }
  return text;
}

/** The name of whoever assigned an address: a MAAR's pool, or "cn". */
export function anchorName(address: string): string {
  if (address === CN.address) return 'cn';
  return MAARS.find((name) => contains(maarPool(name), address)) ?? address;
}
