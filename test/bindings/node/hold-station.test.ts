import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlane, PacketIn } from '../../../bindings/dataplane.ts';
import type { Command } from '../../../bindings/entries.ts';
import { BUILDS, paired } from '../../dataplane/engines.ts';
import { MAC, MN, OPTIONS, SOURCE, TUNNEL, fromAccess, outcome, packet, put } from './support.ts';

const OTHER_MAC = '02:00:00:00:00:66';
const OTHER = '2001:db8:1:6::66';

const hold = (mac: string, packets: number, link = 0): Command =>
  put({ kind: 'hold', direction: 'station', link, mac, packets, millis: 1000 });
const change = (op: 'release' | 'discard', mac: string, link = 0): Command => ({
  op,
  direction: 'station',
  link,
  mac,
});
const ANY = put({ kind: 'hold', direction: 'from', prefix: '::/0', packets: 2, millis: 1000 });

const numbered = (number: number, mac: string | undefined, src = MN): PacketIn =>
  fromAccess(packet({ src, payload: Uint8Array.of(number) }), mac);

const run = (plane: DataPlane, batch: readonly PacketIn[], now = 0): string[] =>
  plane.process(batch, now).map((out) => `${outcome(out)} ${out.data.at(-1)}`);

for (const build of BUILDS) {
  test(`${build}: a flood of one unknown station costs another no packet`, () => {
    const plane = paired(build, OPTIONS);
    plane.apply([TUNNEL, hold(MAC, 3), hold(OTHER_MAC, 2), ANY], 0);
    run(
      plane,
      [1, 2, 3].map((number) => numbered(number, MAC)),
    );
    const flood = Array.from({ length: 20 }, (_, index) => numbered(100 + index, OTHER_MAC, OTHER));
    for (const one of flood) run(plane, [one]);
    assert.deepEqual(plane.apply([SOURCE, change('release', MAC)], 0), ['ok', 'ok']);
    assert.deepEqual(run(plane, []), ['core 1', 'core 2', 'core 3']);
    assert.equal(plane.counters()['drop-hold-overflow'], 18);
    assert.deepEqual(
      plane.events().filter(({ kind }) => kind === 'hold-drop'),
      [{ kind: 'hold-drop', direction: 'station', link: 0, mac: OTHER_MAC }],
    );
  });

  test(`${build}: without a hold of its own, or a MAC, a station shares the hold of its prefix`, () => {
    const plane = paired(build, OPTIONS);
    plane.apply([TUNNEL, hold(MAC, 3, 1), hold(MAC, 3), ANY], 0);
    run(plane, [numbered(1, undefined), numbered(2, OTHER_MAC), numbered(3, MAC)]);
    assert.deepEqual(
      plane.apply([{ op: 'delete', kind: 'hold', direction: 'station', link: 0, mac: MAC }], 0),
      ['ok'],
    );
    assert.equal(plane.counters()['hold-discarded'], 1);
    plane.apply([SOURCE, { op: 'release', direction: 'from', prefix: '::/0' }], 0);
    assert.deepEqual(run(plane, []), ['core 1', 'source-mac 2']);
  });

  test(`${build}: release and discard concern one station of one link, and no prefix`, () => {
    const plane = paired(build, OPTIONS);
    plane.apply([TUNNEL, hold(MAC, 4), hold(OTHER_MAC, 4)], 0);
    run(plane, [numbered(1, MAC), numbered(2, OTHER_MAC, OTHER)]);
    plane.apply([SOURCE, { op: 'release', direction: 'from', prefix: '::/0' }, change('release', MAC, 1)], 0);
    assert.deepEqual(run(plane, []), []);
    plane.apply([change('discard', OTHER_MAC), change('release', MAC)], 0);
    assert.deepEqual(run(plane, []), ['core 1']);
    assert.equal(plane.counters()['hold-discarded'], 1);
  });

  test(`${build}: what is no station is invalid, and a station without hold is absent`, () => {
    const plane = paired(build, OPTIONS);
    const wrong = [
      hold(MAC, 1, 255),
      hold('00:00:00:00:00:00', 1),
      hold('01:00:00:00:00:01', 1),
      hold(MAC, 0),
    ];
    assert.deepEqual(
      plane.apply(wrong, 0),
      wrong.map(() => 'invalid'),
    );
    assert.deepEqual(plane.apply([change('release', MAC, 255), change('discard', MAC)], 0), [
      'invalid',
      'ok',
    ]);
    const gone: Command = { op: 'delete', kind: 'hold', direction: 'station', link: 0, mac: MAC };
    assert.deepEqual(plane.apply([gone], 0), ['absent']);
  });
}
