import { REASSEMBLIES } from '../../bindings/generated/abi.ts';
import { DELIVER, PEERING, fromCore } from '../bindings/node/support.ts';
import { fragment } from '../bindings/node/fragments.ts';
import type { FragmentFields } from '../bindings/node/fragments.ts';
import type { Walk, Walks } from './walk.ts';
import { toMn } from './walk.ts';

const inner = toMn({ payload: new Uint8Array(100) });

/** The last of these fragments, after the others. */
const last = (...fragments: FragmentFields[]): Walk => ({
  before: (plane) => {
    plane.apply([PEERING, DELIVER], 0);
    for (const fields of fragments.slice(0, -1)) plane.process([fromCore(fragment(inner, fields))], 0);
  },
  walk: (plane) => plane.process([fromCore(fragment(inner, fragments.at(-1)))], 0),
});
const first = { to: 64 };
const rest = { from: 64 };

export const walks: Walks = {
  other: last({ ...first, next: 17 }),
  atomic: last({}),
  malformed: last({ to: 63 }),
  displaced: last(
    ...Array.from({ length: REASSEMBLIES + 1 }, (_, identification) => ({ ...first, identification })),
  ),
  overlap: last(first, { from: 56 }),
  kept: last(rest),
  ecn: last(first, { ...rest, ecn: 3 }),
  whole: last(rest, first),
};
