import { LIMIT_EVENTS } from '../../bindings/generated/abi.ts';
import type { PacketIn } from '../../bindings/dataplane.ts';
import {
  MN,
  PEERING,
  SOURCE,
  THIRD,
  fromAccess,
  fromCore,
  packet,
  put,
  tunnelled,
} from '../bindings/node/support.ts';
import type { Walks } from './walk.ts';
import { toMn, walk } from './walk.ts';

const moved = put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD });
const stray = fromCore(tunnelled(toMn()));
const to = (host: number): PacketIn => fromAccess(packet({ dst: `2001:db8:3::${host.toString(16)}` }));

export const walks: Walks = {
  seen: {
    before: (plane) => {
      plane.apply([SOURCE], 0);
      plane.process([fromAccess(packet())], 0);
    },
    walk: (plane) => plane.process([fromAccess(packet())], 1999),
  },
  lost: {
    before: (plane) => {
      plane.apply([SOURCE], 0);
      for (let host = 1; host <= LIMIT_EVENTS; host++) plane.process([to(host)], 0);
    },
    waiting: LIMIT_EVENTS,
    walk: (plane) => plane.process([fromAccess(packet())], 0),
  },
  flow: walk([SOURCE], fromAccess(packet())),
  repeated: {
    before: (plane) => {
      plane.apply([PEERING, moved], 0);
      plane.process([stray], 0);
    },
    walk: (plane) => plane.process([stray], 99),
  },
  told: walk([PEERING, moved], stray),
};
