import type { StreamReport } from '../lab.ts';

/**
 * Times in which packets had left their sender and nothing arrived, from `threshold` ms on: whether sender and receiver got
 * the processor makes no difference. `left` and `arrived` in order, in ms; what never arrives is awaited until `end`.
 */
export function silences(
  left: readonly number[],
  arrived: readonly number[],
  threshold: number,
  end: number,
): StreamReport['gaps'] {
  const gaps: { at: number; length: number }[] = [];
  let next = 0;
  let before = -Infinity;
  for (const time of [...arrived, end]) {
    while (next < left.length && left[next]! <= before) next++;
    const at = left[next];
    if (at !== undefined && time - at >= threshold) gaps.push({ at, length: time - at });
    before = time;
  }
  return gaps;
}
