import { findScheme, schemeNames } from '../../schemes/registry.ts';
import type { LabOptions, MaarName } from '../lab.ts';

/** One scheme, set up in one of the ways that it tells apart. */
export interface Variant {
  readonly name: string;
  readonly options: Pick<LabOptions, 'scheme' | 'schemeOptions' | 'anycast'>;
}

/** The MAAR nearest to the correspondent outside, where every MAAR announces all home prefixes: one that no host is at. */
const NEAREST: MaarName = 'b3';

/** Every scheme of the registry, in each of its designs. */
export function variants(): Variant[] {
  return schemeNames().flatMap((scheme): Variant[] => {
    const designs = findScheme(scheme)?.designs ?? [];
    if (designs.length === 0) return [{ name: scheme, options: { scheme } }];
    return designs.map((design) => ({
      name: `${scheme} ${design.name}`,
      options: {
        scheme,
        schemeOptions: design.options,
        ...(design.anycast === true ? { anycast: NEAREST } : {}),
      },
    }));
  });
}
