import type { Lab, LabOptions } from '../lab.ts';
import { measure } from './measure.ts';
import type { Compared } from './table.ts';
import { variants } from './variants.ts';

/** Measures every variant on a domain of its own, all with the same seed; `open` brings a domain up. */
export async function compare(
  options: Pick<LabOptions, 'seed' | 'progress'>,
  open: (options: LabOptions) => Promise<Lab>,
): Promise<Compared[]> {
  const results: Compared[] = [];
  for (const variant of variants()) {
    options.progress?.(`measuring ${variant.name}`);
    const lab = await open({ ...options, ...variant.options });
    try {
      results.push({ variant: variant.name, delay: lab.delay, measured: await measure(lab) });
    } finally {
      await lab.close();
    }
  }
  return results;
}
