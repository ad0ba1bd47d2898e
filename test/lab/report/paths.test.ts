import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturedPacket } from '../../../host/lab/lab.ts';
import { maarAddress } from '../../../host/lab/plan.ts';
import type { Move } from '../../../host/lab/report/model.ts';
import { pathChanges } from '../../../host/lab/report/paths.ts';
import { NEXT_HEADER, emitIpv6 } from '../../../host/wire/ipv6.ts';

const A = '2001:db8:11::a';
const B = '2001:db8:14::b';
/** Of UDP, behind a fixed header. */
const CHECKSUM_AT = 46;

/** One datagram from A to B, told from others by its number. */
function datagram(number: number, hopLimit: number): Uint8Array {
  const payload = new Uint8Array(16);
  new DataView(payload.buffer).setUint32(8, number);
  return emitIpv6({ nextHeader: NEXT_HEADER.udp, hopLimit, src: A, dst: B }, payload);
}

function tunnelled(packet: Uint8Array): Uint8Array {
  const ends = { src: maarAddress('a2'), dst: maarAddress('b1') };
  return emitIpv6({ nextHeader: NEXT_HEADER.ipv6, hopLimit: 64, ...ends }, packet);
}

/** All sightings of one datagram on its way, a millisecond apart; `links` end in "=" where it was in a tunnel. */
function journey(at: number, number: number, links: readonly string[]): CapturedPacket[] {
  return links.map((text, index) => {
    const packet = datagram(number, 64 - index);
    const link = text.replace(/=$/, '');
    return { at: at + index, link, data: text.endsWith('=') ? tunnelled(packet) : packet };
  });
}

const NATIVE = ['host-A', 'access-a1', 'core-a1', 'core-b1', 'access-b1', 'host-B'];
const TUNNEL = ['host-A', 'access-a2', 'core-a2=', 'core-b1=', 'access-b1', 'host-B'];

const move: Move = { begun: 1_000, at: 1_010, host: 'A', from: 'a1', to: 'a2', kind: 'carrier' };
const first: Move = { ...move, begun: 0, at: 10, from: undefined, to: 'a1' };

test('the path before a move and after it, with its tunnel', () => {
  const packets = [...journey(900, 1, NATIVE), ...journey(2_900, 2, TUNNEL)];
  assert.deepEqual(pathChanges([first, move], packets), [
    { move, src: A, dst: B, before: 'A - a1 - b1 - B', after: 'A - a2 = b1 - B' },
  ]);
});

test('a checksum that is completed where a kernel hands the packet to a tunnel makes no other packet of it', () => {
  const packets = journey(900, 1, TUNNEL);
  for (const { data } of packets.slice(0, 2)) data.set([0xfe, 0xc2], CHECKSUM_AT);
  const [change] = pathChanges([first, move], packets);
  assert.equal(change?.before, 'A - a2 = b1 - B');
});

test('the path is that of most packets, and packets that were lost on the way tell none', () => {
  const packets = [
    ...journey(700, 1, TUNNEL),
    ...journey(800, 2, NATIVE),
    ...journey(900, 3, NATIVE),
    ...journey(950, 4, TUNNEL.slice(0, 3)),
    ...journey(960, 5, TUNNEL.slice(0, 3)),
  ];
  const [change] = pathChanges([first, move], packets);
  assert.deepEqual([change?.before, change?.after], ['A - a1 - b1 - B', undefined]);
});

test('times before the preceding move and after the next one count for neither', () => {
  const next: Move = { ...move, begun: 1_100, at: 1_110, from: 'a2', to: 'a1' };
  const packets = [...journey(900, 1, NATIVE), ...journey(1_050, 2, TUNNEL), ...journey(1_150, 3, NATIVE)];
  const changes = pathChanges([first, move, next], packets);
  assert.deepEqual(
    changes.map(({ before, after }) => [before, after]),
    [
      ['A - a1 - b1 - B', 'A - a2 = b1 - B'],
      ['A - a2 = b1 - B', undefined],
    ],
  );
});

test('packets between other hosts, and signalling, are no part of it', () => {
  const other = journey(900, 1, ['host-C', 'access-b2', 'core-b2', 'core-b1', 'access-b1', 'host-B']);
  const signalling = NATIVE.map((link, index) => ({
    at: 900 + index,
    link,
    data: emitIpv6(
      { nextHeader: NEXT_HEADER.mobility, hopLimit: 64, src: maarAddress('a1'), dst: maarAddress('b1') },
      new Uint8Array(16),
    ),
  }));
  assert.deepEqual(pathChanges([first, move], [...other, ...signalling]), []);
});
