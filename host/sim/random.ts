import type { Random } from '../core/machine.ts';

/**
 * sfc32 (Chris Doty-Humphrey's small fast counter, 32 bits), uniform in [0, 1).
 * `label` gives every user its own sequence from one seed, so that one node drawing more does not shift another's draws.
 */
export function seededRandom(seed: number, label: string): Random {
  let a = seed >>> 0;
  let b = fnv1a(label);
  let c = Math.floor(seed / 2 ** 32) >>> 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The first outputs still show the seed.
  for (let round = 0; round < 12; round++) next();
  return next;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
