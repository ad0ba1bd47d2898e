import { MAX_PARTS } from './constants.ts';
import type { HomeBinding, SDba } from './message.ts';

/** Octets of a home (Home Network Prefix, lifetime) and of a correspondent (Anchored Prefix, MAAR, counter), padded. */
const HOME_OCTETS = 40;
const CORRESPONDENT_OCTETS = 64;

/**
 * Splits the homes of an sDBA so that each part takes at most `budget` octets of options. A home whose
 * correspondents go to several parts is repeated in each. No homes make one empty part.
 * Throws a RangeError beyond MAX_PARTS.
 */
export function splitHomes(homes: readonly HomeBinding[], budget: number): HomeBinding[][] {
  const parts: HomeBinding[][] = [[]];
  let left = budget;
  const open = (home: HomeBinding, need: number): void => {
    if (left < need) {
      parts.push([]);
      left = budget;
    }
    parts.at(-1)!.push({ ...home, correspondents: [] });
    left -= HOME_OCTETS;
  };
  for (const home of homes) {
    const { correspondents } = home;
    open(home, HOME_OCTETS + (correspondents.length > 0 ? CORRESPONDENT_OCTETS : 0));
    let taken = 0;
    while (taken < correspondents.length) {
      if (left < CORRESPONDENT_OCTETS) open(home, HOME_OCTETS + CORRESPONDENT_OCTETS);
      const count = Math.max(1, Math.floor(left / CORRESPONDENT_OCTETS));
      const last = parts.at(-1)!;
      const slice = correspondents.slice(taken, taken + count);
      last[last.length - 1] = { ...home, correspondents: slice };
      left -= CORRESPONDENT_OCTETS * slice.length;
      taken += slice.length;
    }
  }
  if (parts.length > MAX_PARTS) throw new RangeError(`sDBA in ${parts.length} parts, at most ${MAX_PARTS}`);
  return parts;
}

export interface Assembly {
  /** Parts that have come, at most MAX_PARTS; to be given to the next call. */
  readonly collected: readonly SDba[];
  /** The joined answer (part 1 of 1) once every part has come. */
  readonly whole?: SDba;
}

/**
 * Adds a part to those of the same answer, in any order of arrival. A repeated part changes nothing; a part of
 * another answer (sequence number, counter, MN, status or number of parts differ) starts over.
 */
export function addPart(collected: readonly SDba[], next: SDba): Assembly {
  const first = collected[0];
  const same =
    first !== undefined &&
    first.sequence === next.sequence &&
    first.counter === next.counter &&
    first.mnId === next.mnId &&
    first.status === next.status &&
    first.parts === next.parts;
  const known = same && collected.some((part) => part.part === next.part);
  const parts = known ? collected : same ? [...collected, next] : [next];
  if (parts.length < next.parts) return { collected: parts };
  return { collected: parts, whole: join(parts) };
}

function join(parts: readonly SDba[]): SDba {
  const homes = new Map<string, HomeBinding>();
  const inOrder = [...parts].sort((a, b) => a.part - b.part);
  for (const home of inOrder.flatMap((part) => part.homes)) {
    const before = homes.get(home.hoa);
    const correspondents = [...(before?.correspondents ?? []), ...home.correspondents];
    homes.set(home.hoa, { ...(before ?? home), correspondents });
  }
  return { ...inOrder[0]!, part: 1, parts: 1, homes: [...homes.values()] };
}
