import { DELIVER, MN, PEER, PEERING, THIRD, fromCore, put, tunnelled } from '../bindings/node/support.ts';
import type { PacketFields } from '../bindings/node/support.ts';
import type { Command } from '../../bindings/entries.ts';
import type { Walk, Walks } from './walk.ts';
import { FLOW_ENTRY, OF_FLOW, buffer, changed, hold, toMn, walk } from './walk.ts';

const CE = 3 << 20;
const moved = (locator: string): Command => put({ kind: 'tunnel', prefix: `${MN}/128`, locator });
const anchored = put({ kind: 'source', prefix: '2001:db8:2::/48', link: 255 });

/** The inner packet arrives in the tunnel of a peer; fields are those of the outer header. */
const arrives = (commands: readonly Command[], inner = toMn(), fields: PacketFields = {}): Walk =>
  walk([PEERING, ...commands], fromCore(tunnelled(inner, fields)));

export const walks: Walks = {
  ecn: arrives([DELIVER], toMn(), { flow: CE }),
  truncated: arrives([DELIVER], toMn().subarray(0, 39)),
  version: arrives([DELIVER], changed(toMn(), 0, 0x45)),
  jumbogram: arrives([DELIVER], toMn({ next: 0, payload: new Uint8Array() })),
  address: arrives([DELIVER], toMn({ src: '::1' })),
  local: arrives([DELIVER], toMn({ src: 'fe80::1' })),
  flow: arrives([buffer(), FLOW_ENTRY], OF_FLOW),
  buffer: arrives([buffer()]),
  'hop-limit': arrives([DELIVER], toMn({ hops: 1 })),
  deliver: arrives([DELIVER]),
  bounce: arrives([moved(PEER)]),
  loop: arrives([moved(THIRD)], toMn(), { hops: 8 }),
  spent: walk(
    [PEERING, moved(THIRD)],
    fromCore(tunnelled(Uint8Array.of(41, 0, 4, 1, 0, 1, 1, 0, ...toMn()), { next: 60 })),
  ),
  're-tunnel': arrives([moved(THIRD)]),
  anchor: arrives([anchored]),
  hold: arrives([hold('to')]),
  unknown: arrives([]),
};
