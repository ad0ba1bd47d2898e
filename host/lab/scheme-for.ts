import { defaultScheme, findScheme, schemeNames } from '../schemes/registry.ts';
import type { Scenario } from './lab.ts';

/** Whether a scheme has what a scenario is about. */
export function carries(scheme: string, { needs }: Pick<Scenario, 'needs'>): boolean {
  return needs === undefined || findScheme(scheme)?.needs?.includes(needs) === true;
}

/** The scheme that a scenario runs with where none is asked for; undefined if no scheme carries it. */
export function schemeFor(scenario: Pick<Scenario, 'needs'>): string | undefined {
  return [defaultScheme, ...schemeNames()].find((scheme) => carries(scheme, scenario));
}
