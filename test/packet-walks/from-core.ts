import { DELIVER, LOCATOR, PEERING, TUNNEL, fromCore, packet, tunnelled } from '../bindings/node/support.ts';
import type { Walks } from './walk.ts';
import { buffer, toMn, walk } from './walk.ts';

export const walks: Walks = {
  ours: walk([PEERING], fromCore(packet({ dst: LOCATOR }))),
  'peer-unknown': walk([DELIVER], fromCore(tunnelled(toMn()))),
  local: walk([DELIVER], fromCore(toMn({ src: 'fe80::1' }))),
  buffer: walk([buffer()], fromCore(toMn())),
  'hops-deliver': walk([DELIVER], fromCore(toMn({ hops: 1 }))),
  deliver: walk([DELIVER], fromCore(toMn())),
  'hops-tunnel': walk([TUNNEL], fromCore(packet({ hops: 1 }))),
  tunnel: walk([TUNNEL], fromCore(packet())),
  pass: walk([DELIVER], fromCore(packet())),
};
