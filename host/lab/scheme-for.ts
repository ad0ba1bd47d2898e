import { defaultScheme, findScheme, schemeNames } from '../schemes/registry.ts';
import type { HandoverMessages } from '../schemes/scheme.ts';
import type { Scenario } from './lab.ts';

const ANCHORING: HandoverMessages = {
  ...{ ask: 'sDBU', context: 'sDBA', repoint: 'dDBU', repointed: 'dDBA' },
  repointer: 'new',
};

export function handoverMessages(scheme: string): HandoverMessages {
  return findScheme(scheme)?.handover ?? ANCHORING;
}

/** Whether a scheme has what a scenario is about. */
export function carries(scheme: string, { needs }: Pick<Scenario, 'needs'>): boolean {
  return needs === undefined || findScheme(scheme)?.needs?.includes(needs) === true;
}

/** The scheme that a scenario runs with where none is asked for; undefined if no scheme carries it. */
export function schemeFor(scenario: Pick<Scenario, 'needs'>): string | undefined {
  return [defaultScheme, ...schemeNames()].find((scheme) => carries(scheme, scenario));
}
