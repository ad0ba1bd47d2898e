import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';

/** Top-level keys that only the file of one daemon has; one that has none of them is a MAAR's. */
const KEYS = {
  aaa: ['listen', 'database', 'subscriber', 'originHost'],
  lm: ['store', 'primary'],
} as const;

/** Which daemon a configuration file is for. */
export function configKind(file: string): 'maar' | keyof typeof KEYS {
  let found: readonly string[];
  try {
    found = Object.keys(parse(readFileSync(file, 'utf8')));
  } catch {
    // Unreadable or no TOML: the loader says so, with the place.
    return 'maar';
  }
  const has = (keys: readonly string[]): boolean => keys.some((key) => found.includes(key));
  return has(KEYS.aaa) ? 'aaa' : has(KEYS.lm) ? 'lm' : 'maar';
}
