import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturedPacket } from '../../host/lab/lab.ts';
import { cutDown, datagramsOf, takenBy } from '../../host/lab/scenarios/common/cuts.ts';
import { tunnelled } from '../../host/lab/scenarios/common/forged.ts';
import { emitIpv6, NEXT_HEADER } from '../../host/wire/ipv6.ts';

const [FROM, TO] = ['2001:db8:14::b', '2001:db8:11::a'];
const [PEER, OLD] = ['2001:db8:0:4::1', '2001:db8:0:2::1'];
const MOVE = { host: 'A', from: 'a2', to: 'a3', kind: 'carrier', at: 1_000 } as const;
const CUT = cutDown(MOVE, 1_006, 100);
/** Links of a datagram to A at a2, with who sent it there. */
const WAY = [
  ['core-b1', 'b1'],
  ['core-a2', 'core'],
  ['access-a2', 'a2'],
  ['host-A', undefined],
] as const;
const [TO_OLD, ON_LINK, ARRIVED] = [2, 3, 4] as const;

/** Datagram `number`, sent at that many ms after 1,000, as it was seen on so many links of its way. */
function seen(number: number, links: number): CapturedPacket[] {
  const udp = new Uint8Array(12);
  const view = new DataView(udp.buffer);
  view.setUint16(4, udp.length);
  view.setUint32(8, number);
  const inner = emitIpv6({ src: FROM, dst: TO, nextHeader: NEXT_HEADER.udp, hopLimit: 64 }, udp);
  return WAY.slice(0, links).map(([link, sender], hop) => ({
    at: 1_000 + number + hop / 10,
    link,
    data: hop < TO_OLD ? tunnelled(PEER, OLD, inner) : inner,
    ...(sender === undefined ? {} : { sender }),
  }));
}

function taken(...ways: readonly (readonly [number, number])[]): number {
  return takenBy(
    CUT,
    datagramsOf(
      ways.flatMap(([number, links]) => seen(number, links)),
      FROM,
      TO,
    ),
  );
}

test('a cut takes what came before the old router kept anything, also what waited there from before', () => {
  assert.equal(taken([-3, ARRIVED], [-2, TO_OLD], [-1, ON_LINK], [1, TO_OLD], [4, ON_LINK], [7, ARRIVED]), 4);
});

test('what is lost after the buffer stood, long before the cut, or on the way to the old router is no matter of the cut', () => {
  assert.equal(taken([-200, TO_OLD], [-150, ARRIVED], [2, 1], [3, ARRIVED], [8, TO_OLD]), 0);
});

test('of what is missing with others between that arrived, only the longest row is the cut', () => {
  assert.equal(taken([-6, TO_OLD], [-5, ARRIVED], [1, TO_OLD], [2, TO_OLD], [3, ARRIVED], [4, ON_LINK]), 2);
});
