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

const OPTIONS = 60;
/** An options header, with one option of this type and a PadN, and an inner packet. */
const optioned = (type: number): Uint8Array => Uint8Array.of(41, 0, type, 1, 0, 1, 1, 0, ...toMn());

export const walks: Walks = {
  relayed: walk([TUNNEL], fromCore(unreachable())),
  ours: walk([PEERING], fromCore(packet({ dst: LOCATOR }))),
  'options-peer-unknown': walk([DELIVER], fromCore(tunnelled(optioned(4), { next: OPTIONS }))),
  'options-drop': walk([PEERING, DELIVER], fromCore(tunnelled(optioned(0x84), { next: OPTIONS }))),
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
