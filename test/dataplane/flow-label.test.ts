/** The flow label of outer headers as RFC 6438 and RFC 6437 want it for ECMP, through module and twin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPTIONS, SOURCE, TUNNEL, fromAccess, packet } from '../bindings/node/support.ts';
import type { PacketFields } from '../bindings/node/support.ts';
import { BUILDS, paired } from './engines.ts';

const SOURCES = [
  SOURCE,
  { op: 'put', entry: { kind: 'source', prefix: '2001:db8:1:1::/64', link: 0 } },
] as const;
/** A flow whose hash begins with 20 zero bits. */
const HASHED_TO_ZERO = { dst: '2001:db8:2:2::2', flow: 0xbe33f };
/** Paths that equal-cost routing may choose among, by the lowest or the highest bits of the label. */
const PATHS = 64;
const FLOWS = 8192;
/** Chi-square of 63 degrees of freedom: more happens to one spread in a million by chance. */
const LIMIT = 135;

const labelOf = (data: Uint8Array): number => ((data[1]! & 15) << 16) | (data[2]! << 8) | data[3]!;

for (const build of BUILDS) {
  const plane = paired(build, { ...OPTIONS, coreMtu: 1300 });
  plane.apply([...SOURCES, TUNNEL], 0);
  const labels = (fields: PacketFields): number[] =>
    plane.process([fromAccess(packet(fields))], 0).map(({ data }) => labelOf(data));
  const label = (fields: PacketFields): number => labels(fields)[0]!;

  test(`${build}: all packets of a flow have one label, whatever their length, class or hops`, () => {
    const flow = 0x12345;
    const first = label({ flow });
    assert.deepEqual(labels({ flow, payload: new Uint8Array(1240) }), [first, first], 'both fragments');
    assert.equal(label({ flow, next: 6 }), first);
    assert.equal(label({ flow: 0xff00000 | flow }), first);
    assert.equal(label({ flow, hops: 2 }), first);
    assert.equal(label({ flow, payload: Uint8Array.of(9, 9) }), first);
  });

  test(`${build}: source, destination and inner label each tell flows apart`, () => {
    const first = label({});
    assert.notEqual(label({ flow: 1 }), first);
    assert.notEqual(label({ src: '2001:db8:1:1::11' }), first);
    assert.notEqual(label({ dst: '2001:db8:2:2::21' }), first);
  });

  test(`${build}: no label is 0, even where the hash is`, () => {
    assert.equal(label(HASHED_TO_ZERO), 1);
  });

  const address = (prefix: string, host: number): string => `${prefix}${(host + 1).toString(16)}`;
  const sets: Record<string, (index: number) => PacketFields> = {
    'hosts in a row to one destination': (index) => ({ src: address('2001:db8:1:1::', index) }),
    'destinations in a row': (index) => ({ dst: address('2001:db8:2:2::', index) }),
    'inner labels in a row': (index) => ({ flow: index }),
  };
  for (const [name, fields] of Object.entries(sets)) {
    test(`${build}: ${name} spread evenly over ${PATHS} paths`, () => {
      const low = new Array<number>(PATHS).fill(0);
      const high = new Array<number>(PATHS).fill(0);
      for (let index = 0; index < FLOWS; index++) {
        const value = label(fields(index));
        low[value % PATHS]! += 1;
        high[value >> 14]! += 1;
      }
      const expected = FLOWS / PATHS;
      const chiSquare = (found: number[]): number =>
        found.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      assert.ok(chiSquare(low) < LIMIT, `lowest bits: ${chiSquare(low).toFixed(1)}`);
      assert.ok(chiSquare(high) < LIMIT, `highest bits: ${chiSquare(high).toFixed(1)}`);
    });
  }
}
