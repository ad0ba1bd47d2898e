import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PREFIXES_PER_MESSAGE } from '../../../../host/schemes/romip/messages/constants.ts';
import type { DistributedMessage, SDba, SDbu } from '../../../../host/schemes/romip/messages/message.ts';
import { addPart } from '../../../../host/schemes/romip/messages/parts.ts';
import { createProfile, PROFILE_NAMES } from '../../../../host/schemes/romip/messages/profile.ts';
import type { Profile } from '../../../../host/schemes/romip/messages/profile.ts';
import { parseMobility } from '../../../../host/wire/mobility/message.ts';
import type { BindingUpdate, MobilityMessage } from '../../../../host/wire/mobility/message.ts';
import type { MobilityOption } from '../../../../host/wire/mobility/options.ts';
import { distributedMessage } from './arbitraries.ts';

const SRC = '2001:db8:ffff::3';
const DST = '2001:db8:ffff::2';

const SDBU: SDbu = {
  kind: 'sDBU',
  sequence: 7,
  lifetimeSeconds: 600,
  mnId: 'alice@example.net',
  counter: 3,
  timestamp: 1_767_225_600_500,
  homes: [],
  correspondents: [],
};

const SDBA: SDba = {
  kind: 'sDBA',
  status: 0,
  sequence: 7,
  lifetimeSeconds: 600,
  mnId: 'alice@example.net',
  counter: 3,
  part: 1,
  parts: 1,
  homes: [
    {
      hoa: '2001:db8:a1::a/128',
      validSeconds: 7200,
      correspondents: [{ hoa: '2001:db8:b1::b/128', maar: '2001:db8:ffff::b2', counter: 2 }],
    },
  ],
};

function mobilityOf(data: Uint8Array): MobilityMessage {
  const result = parseMobility(data, SRC, DST);
  assert.ok(result.ok);
  return result.value;
}

/** What the receiver makes of all parts, taken in the given order. */
function received(profile: Profile, headers: readonly Uint8Array[]): DistributedMessage | undefined {
  let collected: readonly SDba[] = [];
  for (const data of headers) {
    const result = profile.parse(mobilityOf(data));
    assert.ok(result !== 'not-distributed' && result.ok, JSON.stringify(result));
    if (result.value.kind !== 'sDBA') return result.value;
    const assembly = addPart(collected, result.value);
    if (assembly.whole !== undefined) return assembly.whole;
    collected = assembly.collected;
  }
  return undefined;
}

for (const name of PROFILE_NAMES) {
  const profile = createProfile(name);

  test(`${name}: every message survives the way to octets and back, its parts in any order`, () => {
    const order = fc.func(fc.integer());
    fc.assert(
      fc.property(distributedMessage, order, (sent, rank) => {
        const headers = profile.emit(sent, SRC, DST);
        for (const data of headers) assert.ok(data.length <= 1280 - 40, `${sent.kind} of ${data.length}`);
        const shuffled = headers.toSorted((a, b) => rank([...a]) - rank([...b]));
        assert.deepEqual(received(profile, shuffled), sent);
      }),
      { numRuns: 200 },
    );
  });

  test(`${name}: the longest messages stay within 1,280 octets`, () => {
    const many = new Array<string>(PREFIXES_PER_MESSAGE).fill('2001:db8::/64');
    const mnId = 'x'.repeat(254);
    const dDBU = { ...SDBU, kind: 'dDBU', mnId, homes: many, maar: SRC } as const;
    const [data, ...others] = profile.emit(dDBU, SRC, DST);
    assert.ok(data!.length <= 1240 && others.length === 0);
    const tooMany = { ...dDBU, correspondents: ['::/0'] };
    assert.throws(() => profile.emit(tooMany, SRC, DST), /dDBU names at most 36/);
    const all = profile.emit({ ...SDBU, mnId, homes: [...many, '::/0'] }, SRC, DST);
    assert.deepEqual(received(profile, all), { ...SDBU, mnId });
  });

  test(`${name}: a lifetime below a unit is no de-registration, one beyond the field is the longest`, () => {
    const lifetime = (lifetimeSeconds: number): number | undefined =>
      received(profile, profile.emit({ ...SDBU, lifetimeSeconds }, SRC, DST))?.lifetimeSeconds;
    assert.deepEqual([0, 1, 4, 5, 1e9].map(lifetime), [0, 4, 4, 8, 262_140]);
  });

  test(`${name}: without D, and for other Mobility Headers, it is not a distributed message`, () => {
    const update = mobilityOf(profile.emit(SDBU, SRC, DST)[0]!) as BindingUpdate;
    assert.equal(profile.parse({ ...update, flags: 0x8000 }), 'not-distributed');
    assert.equal(profile.parse({ kind: 'BRR', options: [] }), 'not-distributed');
    assert.equal(profile.refuse({ ...update, flags: 0x8000 }), undefined);
    const foreign = createProfile(PROFILE_NAMES.find((other) => other !== name)!);
    assert.equal(foreign.parse(update), 'not-distributed');
  });

  test(`${name}: an incomplete DBU is a fault, and is refused with its sequence number`, () => {
    const update = mobilityOf(profile.emit(SDBU, SRC, DST)[0]!) as BindingUpdate;
    const without = (kind: MobilityOption['kind']): BindingUpdate => ({
      ...update,
      options: update.options.filter((option) => option.kind !== kind),
    });
    const reason = (message: BindingUpdate): string => {
      const result = profile.parse(message);
      assert.ok(result !== 'not-distributed');
      return result.ok ? 'ok' : `${result.fault.reason}: ${result.fault.what}`;
    };
    assert.equal(reason(without('mn-id')), 'option-missing: sDBU without Mobile Node Identifier');
    assert.equal(reason(without('timestamp')), 'option-missing: sDBU without Timestamp');
    assert.equal(reason({ ...update, flags: update.flags & 0x7fff }), 'flag: sDBU without A');
    const twice = { ...update, options: [...update.options, update.options[0]!] };
    assert.equal(reason(twice), 'option-repeated: mn-id');

    const refusal = profile.refuse(without('mn-id'));
    assert.ok(refusal?.kind === 'sDBA' && refusal.status === 160 && refusal.sequence === 7);
    assert.deepEqual(received(profile, profile.emit(refusal, SRC, DST)), refusal);
    assert.equal(profile.refuse(without('timestamp'))?.status, 128);
  });

  test(`${name}: a dDBU without the mover's MAAR is a fault`, () => {
    const [data] = profile.emit({ ...SDBU, kind: 'dDBU', maar: SRC }, SRC, DST);
    const update = mobilityOf(data!) as BindingUpdate;
    const options = update.options.filter((option) => option.kind !== 'serving-maar');
    const result = profile.parse({ ...update, options });
    assert.ok(result !== 'not-distributed' && !result.ok);
    assert.equal(result.fault.what, 'dDBU without Serving MAAR');
  });

  test(`${name}: the order of options in an sDBA counts only between homes and correspondents`, () => {
    const [data] = profile.emit(SDBA, SRC, DST);
    const ba = mobilityOf(data!);
    const { options } = ba;
    const reorder = (order: readonly number[]): unknown => {
      const result = profile.parse({ ...ba, options: order.map((index) => options[index]!) });
      assert.ok(result !== 'not-distributed');
      return result.ok ? result.value : `${result.fault.reason} at ${result.fault.offset}`;
    };
    const all = [...options.keys()];
    const home = options.findIndex((option) => option.kind === 'home-network-prefix');
    const head = all.slice(0, home);
    const [hoa, lifetime, correspondent, maar, counter] = all.slice(home) as [
      number,
      number,
      number,
      number,
      number,
    ];
    assert.deepEqual(reorder([...all.slice(home), ...head]), SDBA, 'what concerns the whole may stand last');
    assert.deepEqual(reorder([...head, hoa, correspondent, counter, maar, lifetime]), SDBA);
    const after = head.length;
    assert.equal(reorder([...head, correspondent, maar, counter, hoa, lifetime]), `option-order at ${after}`);
    assert.equal(reorder([...head, lifetime, hoa, correspondent, maar, counter]), `option-order at ${after}`);
    assert.equal(
      reorder([...head, hoa, lifetime, maar, correspondent, counter]),
      `option-order at ${after + 2}`,
    );
    assert.equal(reorder([...head, hoa, lifetime, correspondent, maar]), `option-missing at ${after + 4}`);
    assert.equal(reorder([...all, maar]), `option-repeated at ${all.length}`);
    assert.equal(reorder([...all, head[0]!]), `option-repeated at ${all.length}`);
  });

  test(`${name}: options of other enterprises and unknown subtypes are skipped, ours must be sound`, () => {
    const update = mobilityOf(profile.emit(SDBU, SRC, DST)[0]!) as BindingUpdate;
    const plus = (enterprise: number, subtype: number, ...data: number[]): unknown =>
      profile.parse({
        ...update,
        options: [
          ...update.options,
          { kind: 'vendor', enterprise, subtype, data: Uint8Array.from(data) },
          { kind: 'unknown', type: 200, data: Uint8Array.of() },
        ],
      });
    const expected = { ok: true, value: SDBU };
    assert.deepEqual(plus(9, 1, 0), expected);
    assert.deepEqual(plus(32473, 99, 0), expected);
    for (const [subtype, ...data] of [
      [1, 0],
      [2, 0],
      [3, ...new Array<number>(8).fill(255)],
      [5, 2],
    ]) {
      const result = plus(32473, subtype!, ...data);
      assert.ok(JSON.stringify(result).includes('option-value'), `subtype ${subtype}`);
    }
  });
}

test('another enterprise number makes other octets, which only its own profile reads', () => {
  const ours = createProfile('romip-iana');
  const theirs = createProfile('romip-iana', 64512);
  const mobility = mobilityOf(theirs.emit(SDBU, SRC, DST)[0]!);
  assert.deepEqual(theirs.parse(mobility), { ok: true, value: SDBU });
  assert.equal(ours.parse(mobility), 'not-distributed');
});
