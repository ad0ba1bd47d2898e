import { fillChecksum } from '../../host/wire/checksum.ts';
import {
  DELIVER,
  LOCATOR,
  PEER,
  PEERING,
  THIRD,
  TUNNEL,
  fromCore,
  packet,
  tunnelled,
} from '../bindings/node/support.ts';
import type { Walks } from './walk.ts';
import { FLOW_ENTRY, OF_FLOW, buffer, toMn, walk } from './walk.ts';

const ICMPV6 = 58;

/** What a router in the core says about a packet that we tunnelled to the peer. */
const unreachable = (): Uint8Array => {
  const outer = packet({ src: LOCATOR, dst: PEER, next: 41, payload: packet() });
  const message = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, ...outer);
  fillChecksum(message, 2, THIRD, LOCATOR, ICMPV6);
  return packet({ src: THIRD, dst: LOCATOR, next: ICMPV6, payload: message });
};

export const walks: Walks = {
  relayed: walk([TUNNEL], fromCore(unreachable())),
  ours: walk([PEERING], fromCore(packet({ dst: LOCATOR }))),
  'peer-unknown': walk([DELIVER], fromCore(tunnelled(toMn()))),
  local: walk([DELIVER], fromCore(toMn({ src: 'fe80::1' }))),
  flow: walk([buffer(), FLOW_ENTRY], fromCore(OF_FLOW)),
  buffer: walk([buffer()], fromCore(toMn())),
  'hops-deliver': walk([DELIVER], fromCore(toMn({ hops: 1 }))),
  deliver: walk([DELIVER], fromCore(toMn())),
  'hops-tunnel': walk([TUNNEL], fromCore(packet({ hops: 1 }))),
  tunnel: walk([TUNNEL], fromCore(packet())),
  pass: walk([DELIVER], fromCore(packet())),
};
