/** ECN in tunnels against the tables of RFC 6040 themselves, through module and twin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketOut } from '../../bindings/dataplane.ts';
import type { Command } from '../../bindings/entries.ts';
import {
  CN,
  DELIVER,
  MN,
  OPTIONS,
  PEERING,
  SOURCE,
  THIRD,
  TUNNEL,
  fromAccess,
  fromCore,
  outcome,
  packet,
  put,
  tunnelled,
} from '../bindings/node/support.ts';
import { BUILDS, paired } from './engines.ts';

const [NOT_ECT, ECT_1, ECT_0, CE] = [0, 1, 2, 3] as const;
const NAMES = ['Not-ECT', 'ECT(1)', 'ECT(0)', 'CE'];

/** Figure 3, normal mode: the inner field, and the outer one that it is given. */
const ENCAPSULATION = [
  [NOT_ECT, NOT_ECT],
  [ECT_0, ECT_0],
  [ECT_1, ECT_1],
  [CE, CE],
] as const;

/** Figure 4: the arriving inner field, and what leaves by the arriving outer one. */
const OUTER = [NOT_ECT, ECT_0, ECT_1, CE] as const;
const DECAPSULATION = [
  [NOT_ECT, [NOT_ECT, NOT_ECT, NOT_ECT, 'drop']],
  [ECT_0, [ECT_0, ECT_0, ECT_1, CE]],
  [ECT_1, [ECT_1, ECT_1, ECT_1, CE]],
  [CE, [CE, CE, CE, CE]],
] as const;
const combinations = DECAPSULATION.flatMap(([inner, row]) =>
  row.map((leaving, column) => ({ inner, outer: OUTER[column]!, leaving })),
);

const DSCP = 0x2e;
const classOf = (data: Uint8Array): number => ((data[0]! & 15) << 4) | (data[1]! >> 4);
const ecnOf = (data: Uint8Array): number => classOf(data) & 3;
/** Traffic class in the place where `packet` takes it together with the flow label. */
const marked = (ecn: number, dscp = DSCP): { flow: number } => ({ flow: ((dscp << 2) | ecn) << 20 });

for (const build of BUILDS) {
  const run = (
    commands: readonly Command[],
    input: ReturnType<typeof fromCore>,
    coreMtu = OPTIONS.coreMtu,
  ): PacketOut[] => {
    const plane = paired(build, { ...OPTIONS, coreMtu });
    plane.apply(commands, 0);
    return plane.process([input], 0);
  };

  for (const [inner, outer] of ENCAPSULATION) {
    test(`${build}: ${NAMES[inner]} goes in as ${NAMES[outer]}, in every fragment`, () => {
      for (const length of [48, 1280]) {
        const data = packet({ payload: new Uint8Array(length - 40), ...marked(inner) });
        const out = run([SOURCE, TUNNEL], fromAccess(data), 1300);
        assert.equal(out.length, length === 48 ? 1 : 2);
        for (const { data: sent } of out) assert.equal(classOf(sent), (DSCP << 2) | outer);
        const inside = out[0]!.data.subarray(length === 48 ? 40 : 48);
        assert.equal(classOf(inside), (DSCP << 2) | inner);
      }
    });
  }

  for (const { inner, outer, leaving } of combinations) {
    test(`${build}: ${NAMES[inner]} in ${NAMES[outer]} comes out as ${NAMES[Number(leaving)] ?? 'a drop'}`, () => {
      // The outer DSCP is the tunnel's own affair and stays outside.
      const data = tunnelled(packet({ src: CN, dst: MN, ...marked(inner) }), marked(outer, 0));
      const ways: Record<string, Command> = {
        deliver: DELIVER,
        pass: put({ kind: 'source', prefix: `${CN}/128`, link: 255 }),
        core: put({ kind: 'tunnel', prefix: `${MN}/128`, locator: THIRD }),
      };
      for (const [way, entry] of Object.entries(ways)) {
        const [out] = run([PEERING, entry], fromCore(data));
        if (leaving === 'drop') {
          assert.equal(outcome(out!), 'ecn');
          continue;
        }
        assert.equal(outcome(out!), way);
        // A packet that is tunnelled on shows what left this tunnel inside, and again outside.
        const headers = way === 'core' ? [out!.data, out!.data.subarray(40)] : [out!.data];
        for (const header of headers) {
          assert.deepEqual([ecnOf(header), classOf(header) >> 2], [leaving, DSCP], way);
        }
      }
    });
  }
}
