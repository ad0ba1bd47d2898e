import { readFileSync } from 'node:fs';

export interface Example {
  readonly kind: string;
  readonly src: string;
  readonly dst: string;
  /** A Mobility Header. */
  readonly data: Uint8Array;
}

/** The examples of a page of docs/, once for each profile that it has the octets of. */
export function examplesOf(page: string): Example[] {
  const markdown = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const addresses = new Map(
    [...markdown.matchAll(/```json example (\w+)\n(.*?)```/gs)].map(([, kind, json]) => {
      const { src, dst } = JSON.parse(json!) as { src: string; dst: string };
      return [kind!, { src, dst }];
    }),
  );
  return [...markdown.matchAll(/```hex (?:\S+ )?(\w+)\n(.*?)```/gs)].map(([, kind, hex]) => ({
    kind: kind!,
    ...addresses.get(kind!)!,
    data: Uint8Array.from(Buffer.from(hex!.replace(/\s/g, ''), 'hex')),
  }));
}
