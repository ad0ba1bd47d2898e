import type { Command } from '../../bindings/entries.ts';
import {
  DELIVER,
  MN,
  OPTIONS,
  PEERING,
  SOURCE,
  TUNNEL,
  fromAccess,
  fromCore,
  packet,
  tunnelled,
} from '../bindings/node/support.ts';
import type { Walk, Walks } from './walk.ts';
import { buffer, hold, toMn } from './walk.ts';

const EARLIER = '2001:db8:1:1::11';
const uplink = fromAccess(packet());

/** Another station's packet goes on hold, by these entries; then the walk's. */
const displacing = (...holds: Command[]): Walk => ({
  options: { capacities: { ...OPTIONS.capacities, held: 2 } },
  before: (plane) => {
    plane.apply(holds, 0);
    plane.process([fromAccess(packet({ src: EARLIER })), fromAccess(packet({ src: EARLIER }))], 0);
  },
  walk: (plane) => plane.process([uplink], 0),
});

/** A packet that is on hold, and the commands that follow; the walk is the next `process`. */
const held = (
  entries: readonly Command[],
  input: typeof uplink,
  then: readonly Command[],
  now = 200,
): Walk => ({
  before: (plane) => {
    plane.apply(entries, 0);
    plane.process([input], 0);
    plane.apply(then, 0);
  },
  walk: (plane) => plane.process([], now),
});

const release = (direction: 'from' | 'to'): Command => ({ op: 'release', direction, prefix: '::/0' });

export const walks: Walks = {
  budget: displacing(hold('from', { packets: 2 })),
  pool: displacing(hold('from', { prefix: `${EARLIER}/128` }), hold('from', { prefix: `${MN}/128` })),
  kept: {
    before: (plane) => plane.apply([hold('from')], 0),
    walk: (plane) => plane.process([uplink], 0),
  },
  expired: held([hold('from')], uplink, [], 1000),
  uplink: held([hold('from')], uplink, [SOURCE, TUNNEL, release('from')]),
  downlink: held([PEERING, hold('to')], fromCore(tunnelled(toMn())), [DELIVER, release('to')]),
  native: held([buffer()], fromCore(toMn()), [DELIVER]),
  again: held([hold('from')], uplink, [release('from')]),
  stays: held([hold('from')], uplink, [SOURCE, TUNNEL]),
};
