import type { Random } from '../../core/machine.ts';

/** Numbers below `count`, the n-th (from 1) with a weight of 1 / n^exponent. */
export class Zipf {
  readonly #sums: Float64Array;

  constructor(count: number, exponent: number) {
    this.#sums = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) this.#sums[rank] = sum += (rank + 1) ** -exponent;
  }

  draw(random: Random): number {
    const aim = random() * this.#sums.at(-1)!;
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! > aim) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A time between events that happen at random, exponentially distributed. */
export function interval(mean: number, random: Random): number {
  return -Math.log(1 - random()) * mean;
}
