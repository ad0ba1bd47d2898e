/**
 * The kernel as the maker of outer fragments that we put together, and as the judge of what we make of fragments of any
 * kind. It is none for exact duplicates, which it ignores, and for ECT beside Not-ECT, which it drops.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fragment } from '../bindings/node/fragments.ts';
import type { FragmentFields } from '../bindings/node/fragments.ts';
import {
  CN,
  DELIVER,
  LOCATOR,
  MN,
  OPTIONS,
  PEER,
  PEERING,
  fromCore,
  hex,
  packet,
  put,
} from '../bindings/node/support.ts';
import { paired } from '../dataplane/engines.ts';
import type { Step } from './kernel.ts';
import { exchange } from './kernel.ts';

/** The kernel is the exit of the tunnel from PEER to LOCATOR, and SENDER on a path with an MTU of 1,280. */
const NARROW = '2001:db8:ff::5';
const SENDER = '2001:db8:ff::9';
const SETUP = `
  ip addr add ${LOCATOR}/128 dev lo
  ip addr add ${SENDER}/128 dev lo
  ip -6 route add ${NARROW} dev core mtu 1280
  ip -6 route add ${PEER} dev core
  ip -6 route add ${MN} dev access
  ip -6 tunnel add tunnel0 mode ip6ip6 local ${LOCATOR} remote ${PEER} encaplimit none
  ip link set tunnel0 up
  ip -6 route add ${CN} dev tunnel0
`;
const LENGTHS = [1241, 1260, 1280, 1500, 1850];
const ECT_0 = 2;

const inner = packet({
  src: CN,
  dst: MN,
  flow: ECT_0 << 20,
  payload: Uint8Array.from({ length: 260 }, (_, index) => index),
});

/** A first, a middle and a last part, and what does not fit beside them. */
const first = { to: 104 };
const middle = { from: 104, to: 208 };
const last = { from: 208 };
const judged: Readonly<Record<string, readonly FragmentFields[]>> = {
  'in order': [first, middle, last],
  'last first': [last, middle, first],
  'middle last': [first, last, middle],
  atomic: [{}],
  incomplete: [first, last],
  'overlap at the end': [first, { from: 96, to: 208 }, last, middle],
  'overlap at the beginning': [middle, { to: 112 }, first, last],
  'behind the last': [first, last, { from: 296, to: 300, more: true }, middle],
  'longer than the last': [first, last, { from: 104, to: 296 }, middle],
  'last within': [first, middle, { from: 104, to: 160, more: false }, last],
  'no multiple of 8': [{ to: 103 }, first, middle, last],
  'CE on one': [first, { ...middle, ecn: 3 }, last].map((part) => ({ ecn: ECT_0, ...part })),
  'CE on all': [first, middle, last].map((part) => ({ ...part, ecn: 3 })),
  'CE beside Not-ECT': [first, { ...middle, ecn: 3 }, last],
  'ECT(1) on all': [first, middle, last].map((part) => ({ ...part, ecn: 1 })),
};

test('outer fragments between the kernel and us', async (t) => {
  const steps: Step[] = [];
  const made = LENGTHS.map((length) => {
    const data = packet({ src: CN, dst: MN, payload: new Uint8Array(length - 40).fill(length) });
    return { data, step: steps.push({ device: 'socket', packet: data, expected: 2 }) - 1 };
  });
  const sequences = Object.entries(judged).map(([name, parts], identification) => {
    const fragments = parts.map((part) => fragment(inner, { ...part, identification }));
    const begin = steps.length;
    for (const data of fragments) steps.push({ device: 'core', packet: data, expected: 0 });
    return { name, fragments, begin };
  });
  const answers = exchange(t, { setup: SETUP, from: SENDER, to: NARROW, steps });
  if (answers === undefined) return;

  await t.test('what it fragments goes together here, in either order', () => {
    for (const { data, step } of made) {
      const fragments: Uint8Array[] = answers[step]!.map((answer) => answer.packet);
      assert.equal(fragments.length, 2);
      for (const sent of [fragments, fragments.toReversed()]) {
        const plane = paired('maar', { ...OPTIONS, locator: NARROW, hopLimitDone: true });
        plane.apply([put({ kind: 'peer', address: SENDER }), DELIVER], 0);
        const [kept, out] = plane.process(sent.map(fromCore), 0);
        assert.deepEqual([kept!.verdict.action, out!.verdict.action], ['hold', 'deliver']);
        assert.equal(hex(out!.data), hex(data));
      }
    }
  });

  await t.test('of fragments of all kinds it makes the same', () => {
    for (const { name, fragments, begin } of sequences) {
      const plane = paired('maar', OPTIONS);
      plane.apply([PEERING, DELIVER], 0);
      const ours = plane.process(fragments.map(fromCore), 0);
      const delivered = ours
        .filter(({ verdict }) => verdict.action === 'deliver')
        .map(({ data }) => hex(data));
      const theirs: string[] = answers
        .slice(begin, begin + fragments.length)
        .flat()
        .filter(({ device }) => device === 'access')
        .map((answer) => hex(answer.packet));
      assert.deepEqual(theirs, delivered, name);
    }
  });
});
