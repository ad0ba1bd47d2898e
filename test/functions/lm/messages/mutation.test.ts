import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { toMobility } from '../../../../host/functions/lm/messages/emit.ts';
import type { LocationMessage } from '../../../../host/functions/lm/messages/message.ts';
import { parseLocation } from '../../../../host/functions/lm/messages/parse.ts';
import { fillChecksum } from '../../../../host/wire/checksum.ts';
import { emitMobility, parseMobility } from '../../../../host/wire/mobility/message.ts';
import { expectSound, generator, mutate, wholeUnits } from '../../../fuzz/mutate.ts';
import { address, mnId, prefix, record, uint16, uint32, uint8 } from '../../../wire/arbitraries.ts';

const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);
const SRC = '2001:db8::1';
const DST = '2001:db8::2';

const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const units = fc.integer({ min: 0, max: 0xffff }).map((count) => count * 4);
const common = { sequence: uint16, timestamp: fc.integer({ min: 0, max: 2 ** 45 }) };
const lists = {
  prefixes: fc.array(prefix, { minLength: 1, maxLength: 8 }),
  delegated: fc.array(prefix, { maxLength: 4 }),
};
const binding = record({ ...lists, locator: address, counter, lifetimeSeconds: uint32 });
const session = {
  ...lists,
  ...common,
  mnId,
  counter,
  lifetimeSeconds: units,
  handoff: uint8,
  accessTechnology: uint8,
};
const primary = fc.array(prefix, { maxLength: 8 });

/** An optional field that is absent, not undefined, half of the time. */
const maybe = <T extends object>(present: fc.Arbitrary<T>): fc.Arbitrary<T | object> =>
  fc.oneof(fc.constant({}), present);

const message: fc.Arbitrary<LocationMessage> = fc.oneof(
  record({ kind: fc.constant('PBU' as const), locator: address, ...session }),
  record({ kind: fc.constant('PBA' as const), status: uint8, ...session }),
  fc
    .tuple(
      record({
        kind: fc.constant('PBQ' as const),
        register: fc.boolean(),
        lifetimeSeconds: units,
        mnId,
        ...common,
      }),
      maybe(record({ where: prefix })),
    )
    .map(([query, where]) => ({ ...query, ...where })),
  fc
    .tuple(
      record({ kind: fc.constant('PQA' as const), status: uint8, lifetimeSeconds: units, ...common }),
      maybe(record({ ticket: counter })),
      maybe(record({ binding })),
    )
    .map((parts) => Object.assign({}, ...parts) as LocationMessage),
  record({ kind: fc.constant('UPN' as const), retransmission: fc.boolean(), binding, ...common }),
  record({ kind: fc.constant('UPA' as const), status: uint8, ...common }),
  record({
    kind: fc.constant('LRI' as const),
    binding: binding.map((each) => ({ ...each, lifetimeSeconds: each.lifetimeSeconds % 0xffff })),
    ...common,
  }),
  record({ kind: fc.constant('LRA' as const), status: uint8, lifetimeSeconds: uint16, ...common }),
  record({ kind: fc.constant('HI' as const), mnId, counter, ...common }),
  fc.array(record({ prefix, validSeconds: uint32 }), { minLength: 1, maxLength: 8 }).chain((homes) =>
    record({
      kind: fc.constant('HAck' as const),
      status: uint8,
      mnId,
      counter,
      homes: fc.constant(homes),
      sessions: fc.array(
        record({
          cn: address,
          maar: address,
          counter,
          homes: fc.subarray(homes.map((_, index) => index)),
        }),
        { maxLength: 4 },
      ),
      ...common,
    }),
  ),
  record({ kind: fc.constant('LPJ' as const), lifetimeSeconds: units, primary, ...common }),
  record({ kind: fc.constant('LPA' as const), status: uint8, lifetimeSeconds: units, primary, ...common }),
);

test('every message survives the way to octets and back', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const mobility = parseMobility(emitMobility(toMobility(sent), SRC, DST), SRC, DST);
      assert.ok(mobility.ok);
      assert.deepEqual(parseLocation(mobility.value), { ok: true, value: sent });
    }),
    { numRuns: 500 },
  );
});

test('a mutated message is parsed, refused, or none of location management', () => {
  const page = readFileSync(new URL('../../../../docs/lm-messages.md', import.meta.url), 'utf8');
  const inputs = [...page.matchAll(/```hex \w+\n(.*?)```/gs)].map(([, hex]) =>
    Uint8Array.from(Buffer.from(hex!.replace(/\s/g, ''), 'hex')),
  );
  const random = generator(SEED);
  const seen = { parsed: 0, refused: 0, other: 0 };
  for (const input of inputs) {
    for (let run = 0; run < RUNS; run++) {
      const data = wholeUnits(mutate(input, random));
      fillChecksum(data, 4, SRC, DST, 135);
      const mobility = parseMobility(data, SRC, DST);
      if (!mobility.ok) continue;
      const result = parseLocation(mobility.value);
      if (result === 'other') seen.other++;
      else seen[expectSound(result, data.length) === undefined ? 'refused' : 'parsed']++;
    }
  }
  assert.ok(
    Object.values(seen).every((count) => count > RUNS / 10),
    JSON.stringify(seen),
  );
});

test('more prefixes than a message may name are refused, not cut off', () => {
  const prefixes = Array.from({ length: 33 }, (_, index) => `2001:db8:0:${index.toString(16)}::/64`);
  const join = { kind: 'LPJ', sequence: 1, timestamp: 0, lifetimeSeconds: 60 } as const;
  for (const [count, verdict] of [
    [32, 'sound'],
    [33, 'too-many'],
  ] as const) {
    const mobility = parseMobility(
      emitMobility(toMobility({ ...join, primary: prefixes.slice(0, count) }), SRC, DST),
      SRC,
      DST,
    );
    const result = mobility.ok ? parseLocation(mobility.value) : 'other';
    assert.ok(result !== 'other');
    assert.equal(result.ok ? 'sound' : result.fault.reason, verdict);
  }
});

test('a redirect for ever is one for the longest lifetime that is sent', () => {
  const binding = {
    prefixes: ['2001:db8::/64'],
    delegated: [],
    locator: DST,
    counter: 1,
    lifetimeSeconds: 1,
  };
  const data = emitMobility(toMobility({ kind: 'LRI', sequence: 1, timestamp: 0, binding }), SRC, DST);
  data.fill(0xff, 10, 12);
  fillChecksum(data, 4, SRC, DST, 135);
  const mobility = parseMobility(data, SRC, DST);
  const result = mobility.ok ? parseLocation(mobility.value) : 'other';
  assert.ok(result !== 'other' && result.ok && result.value.kind === 'LRI');
  assert.equal(result.value.binding.lifetimeSeconds, 65_534);
});
