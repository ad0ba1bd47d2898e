import { luo } from './luo/index.ts';
import { none } from './none/index.ts';
import { romip } from './romip/index.ts';
import type { Scheme } from './scheme.ts';

/** Schemes by name. The one place besides its own folder that names a scheme. */
const schemes = new Map<string, Scheme>([romip, luo, none].map((scheme) => [scheme.name, scheme]));

export const defaultScheme = romip.name;

export function schemeNames(): string[] {
  return [...schemes.keys()];
}

export function findScheme(name: string): Scheme | undefined {
  return schemes.get(name);
}

/** Adds a scheme that lives elsewhere; throws if its name is taken. */
export function register(scheme: Scheme): void {
  if (schemes.has(scheme.name)) throw new Error(`a scheme named "${scheme.name}" is registered already`);
  schemes.set(scheme.name, scheme);
}
