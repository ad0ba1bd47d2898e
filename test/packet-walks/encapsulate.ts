import { ICMP_BURST } from '../../bindings/generated/abi.ts';
import { PEER, SOURCE, TUNNEL, fromAccess, packet, put } from '../bindings/node/support.ts';
import type { Walks } from './walk.ts';
import { walk } from './walk.ts';

const ICMPV6 = 58;
const entries = [SOURCE, TUNNEL];
/** With 40 octets more it is one octet too long. */
const long = packet({ payload: new Uint8Array(1421) });
/** From another source of the link, so that the walk itself still raises its flow event. */
const earlier = packet({ dst: '2001:db8:2:2::21', payload: new Uint8Array(1421) });
const unreachable = packet({ next: ICMPV6, payload: new Uint8Array(1421).fill(1, 0, 1) });

const TCP = 6;
/** An MSS of 1,460. */
const syn = new Uint8Array(24);
syn.set([6 << 4, 2], 12);
syn.set([2, 4, 0x05, 0xb4], 20);

/** An options header with an encapsulation limit of 0. */
const OPTIONS = 60;
const spent = Uint8Array.of(41, 0, 4, 1, 0, 1, 1, 0, ...packet()).fill(59, 0, 1);
const limited = put({ kind: 'tunnel', prefix: '2001:db8:2:2::/64', locator: PEER, limit: 4 });

export const walks: Walks = {
  clamped: walk(entries, fromAccess(packet({ next: TCP, payload: syn })), { clampMss: true }),
  spent: walk(entries, fromAccess(packet({ next: OPTIONS, payload: spent }))),
  'with-limit': walk([SOURCE, limited], fromAccess(packet({ payload: new Uint8Array(1412) }))),
  fits: walk(entries, fromAccess(packet({ payload: new Uint8Array(1420) }))),
  fragments: walk(entries, fromAccess(packet({ payload: new Uint8Array(1240) })), { coreMtu: 1300 }),
  unanswered: walk(entries, fromAccess(unreachable)),
  limited: {
    before: (plane) => {
      plane.apply(entries, 0);
      for (let sent = 0; sent < ICMP_BURST; sent++) plane.process([fromAccess(earlier)], 0);
    },
    walk: (plane) => plane.process([fromAccess(long)], 9),
  },
  'too-big': walk(entries, fromAccess(long)),
};
