import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder for what is compiled once, outside of the checkout. */
export function cacheDirectory(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'maar', name);
}
