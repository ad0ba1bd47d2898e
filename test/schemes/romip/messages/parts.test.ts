import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HomeBinding, SDba } from '../../../../host/schemes/romip/messages/message.ts';
import { addPart, splitHomes } from '../../../../host/schemes/romip/messages/parts.ts';
import { homeBindings } from './arbitraries.ts';

function part(number: number, parts: number, homes: readonly HomeBinding[] = []): SDba {
  return {
    kind: 'sDBA',
    status: 0,
    sequence: 7,
    lifetimeSeconds: 600,
    mnId: 'alice@example.net',
    counter: 3,
    part: number,
    parts,
    homes,
  };
}

function home(correspondents: number): HomeBinding {
  return {
    hoa: '2001:db8:a1::a/128',
    validSeconds: 7200,
    correspondents: Array.from({ length: correspondents }, (_, index) => ({
      hoa: `2001:db8:b1::${(index + 1).toString(16)}/128`,
      maar: '2001:db8:ffff::b2',
      counter: index,
    })),
  };
}

test('no part exceeds its budget, and no correspondent is lost or moved to another home', () => {
  fc.assert(
    fc.property(homeBindings, fc.integer({ min: 200, max: 1200 }), (homes, budget) => {
      const parts = splitHomes(homes, budget);
      for (const list of parts) {
        const octets = list.reduce((sum, { correspondents }) => sum + 40 + 64 * correspondents.length, 0);
        assert.ok(octets <= budget, `${octets} of ${budget}`);
        assert.ok(parts.length === 1 || list.length > 0);
      }
      for (const { hoa, correspondents } of homes) {
        const found = parts.flat().filter((other) => other.hoa === hoa);
        assert.deepEqual(
          found.flatMap((other) => other.correspondents),
          correspondents,
        );
      }
    }),
  );
});

test('the number of parts is bounded', () => {
  assert.equal(splitHomes([home(64 * 17)], 40 + 17 * 64).length, 64);
  assert.throws(() => splitHomes([home(64 * 17 + 1)], 40 + 17 * 64), /65 parts, at most 64/);
});

test('a repeated part changes nothing', () => {
  const one = addPart([], part(1, 2));
  assert.equal(one.whole, undefined);
  const again = addPart(one.collected, part(1, 2));
  assert.equal(again.whole, undefined);
  assert.equal(again.collected, one.collected);
  assert.deepEqual(addPart(again.collected, part(2, 2, [home(1)])).whole, part(1, 1, [home(1)]));
});

test('a part of another answer starts over', () => {
  const { collected } = addPart([], part(1, 2));
  for (const other of [
    { ...part(2, 2), sequence: 8 },
    { ...part(2, 2), counter: 4 },
    { ...part(2, 2), mnId: 'bob@example.net' },
    { ...part(2, 2), status: 128 },
    part(2, 3),
  ]) {
    assert.deepEqual(addPart(collected, other), { collected: [other] });
  }
});
