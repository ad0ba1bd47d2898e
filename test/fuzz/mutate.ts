import assert from 'node:assert/strict';
import { FAULTS } from '../../host/wire/result.ts';
import type { Parsed } from '../../host/wire/result.ts';

/** xorshift32: a seed gives the same mutations on every machine. */
export function generator(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Values that sit on the edges of length fields and flags. */
const EDGES = [0, 1, 2, 7, 8, 16, 18, 0x7f, 0x80, 0xff];

/** One to four changes: a bit, an edge value, a cut, an insertion, a repetition. */
export function mutate(input: Uint8Array, random: (below: number) => number): Uint8Array {
  let data = Uint8Array.from(input);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(data.length + 1);
    switch (random(5)) {
      case 0:
        if (at < data.length) data[at]! ^= 1 << random(8);
        break;
      case 1:
        if (at < data.length) data[at] = EDGES[random(EDGES.length)]!;
        break;
      case 2:
        data = data.slice(0, at);
        break;
      case 3:
        data = Uint8Array.of(...data.slice(0, at), random(256), ...data.slice(at));
        break;
      default: {
        const piece = data.slice(at, at + 1 + random(32));
        data = Uint8Array.of(...data.slice(0, at), ...piece, ...data.slice(at));
      }
    }
  }
  return data;
}

/** A fault must have a name and lie within the input. */
export function expectSound<T>(result: Parsed<T>, length: number): T | undefined {
  if (result.ok) return result.value;
  const { reason, offset, what } = result.fault;
  assert.ok(reason in FAULTS && what !== '');
  assert.ok(offset >= 0 && offset <= length, `${reason} at ${offset} of ${length}`);
  return undefined;
}

/** Corrects length and payload proto of a Mobility Header, which most mutations contradict, to reach its options. */
export function wholeUnits(input: Uint8Array): Uint8Array {
  const data = new Uint8Array(Math.min(Math.max(Math.ceil(input.length / 8), 1), 256) * 8);
  data.set(input.subarray(0, data.length));
  data[0] = 59;
  data[1] = data.length / 8 - 1;
  return data;
}
