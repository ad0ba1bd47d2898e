import { contains } from '../../wire/address.ts';
import type { CapturedPacket } from '../lab.ts';
import { CN, MAARS, maarPool } from '../plan.ts';
import { journeysOf, type Sighting } from './journeys.ts';
import type { Move, PathChange } from './model.ts';

/** Packets of this long before a move, and before whatever ends the time after it, tell the path. */
const WINDOW = 500;
/** Nothing of a handover takes longer on a domain that works. */
const SETTLED = 2_000;

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
  const tallies = new Map<string, Map<string, number>>();
  const seen = packets.filter(({ at }) => at >= from && at < to);
  // What entered late in the window has not arrived within it, and what entered before has lost its beginning.
  for (const { src, dst, sightings } of journeysOf(seen)) {
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
