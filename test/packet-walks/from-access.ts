import { MAC, MN, SOURCE, THIRD, TUNNEL, fromAccess, packet, put } from '../bindings/node/support.ts';
import type { Walks } from './walk.ts';
import { buffer, hold, walk } from './walk.ts';

const NEIGHBOUR = '2001:db8:1:7::9';
const toNeighbour = packet({ dst: NEIGHBOUR });
const neighbour = put({
  kind: 'deliver',
  prefix: `${NEIGHBOUR}/128`,
  link: 1,
  nextHop: 'fe80::9',
  mac: '02:00:00:00:00:09',
});
const reversed = put({ kind: 'source', prefix: `${MN}/128`, link: 0, reverse: THIRD });
const station = put({
  kind: 'hold',
  direction: 'station',
  link: 0,
  mac: MAC,
  packets: 1,
  millis: 1000,
});
const flow = put({
  kind: 'flow',
  src: MN,
  dst: NEIGHBOUR,
  protocol: 59,
  sourcePort: 0,
  destinationPort: 0,
  action: { kind: 'tunnel', locator: THIRD },
});
const header = (next: number, words = 0): Uint8Array => Uint8Array.of(next, words, 0, 0, 0, 0, 0, 0);

export const walks: Walks = {
  local: walk([SOURCE], fromAccess(packet({ dst: 'ff02::2' }))),
  extension: walk([SOURCE], fromAccess(packet({ next: 60, payload: header(59, 1) }))),
  tunnelled: walk([SOURCE], fromAccess(packet({ next: 41, payload: packet() }))),
  mobility: walk([SOURCE], fromAccess(packet({ next: 60, payload: header(135) }))),
  station: walk([station], fromAccess(packet(), MAC)),
  hold: walk([hold('from')], fromAccess(packet(), MAC)),
  unknown: walk([], fromAccess(packet(), MAC)),
  mac: walk([SOURCE], fromAccess(packet(), '02:00:00:00:00:11')),
  flow: walk([SOURCE, neighbour, flow], fromAccess(toNeighbour)),
  buffer: walk([SOURCE, buffer({ prefix: `${NEIGHBOUR}/128` })], fromAccess(toNeighbour)),
  'hops-deliver': walk([SOURCE, neighbour], fromAccess(packet({ dst: NEIGHBOUR, hops: 1 }))),
  deliver: walk([SOURCE, neighbour], fromAccess(toNeighbour)),
  'hops-tunnel': walk([SOURCE, TUNNEL], fromAccess(packet({ hops: 1 }))),
  tunnel: walk([SOURCE, TUNNEL], fromAccess(packet())),
  'hops-reverse': walk([reversed], fromAccess(packet({ hops: 1 }))),
  reverse: walk([reversed], fromAccess(packet())),
  pass: walk([SOURCE], fromAccess(packet())),
};
