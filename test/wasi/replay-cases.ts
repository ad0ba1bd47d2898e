/** The golden captures of test/golden/. */
import { readdirSync } from 'node:fs';

/** Every folder there is a case, so that a new one is covered. */
export const CASES = readdirSync(new URL('../golden/', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

export const golden = (name: string, file: string): URL =>
  new URL(`../golden/${name}/${file}`, import.meta.url);
