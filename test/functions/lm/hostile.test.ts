import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MobilityEffect } from '../../../host/functions/lm/channel.ts';
import { LM_STATUS } from '../../../host/functions/lm/messages/constants.ts';
import { isAnswer } from '../../../host/functions/lm/messages/message.ts';
import { parseLocation } from '../../../host/functions/lm/messages/parse.ts';
import { addressBytes } from '../../../host/wire/address.ts';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { parseMobility } from '../../../host/wire/mobility/message.ts';
import { generator } from '../../fuzz/mutate.ts';
import { Network, keyOf } from './network.ts';

const LM1 = '2001:db8:1:ff::1';
const LM2 = '2001:db8:2:ff::1';
const M1 = '2001:db8:1::1';
const M2 = '2001:db8:1::2';
const M3 = '2001:db8:2::1';
const STRANGER = '2001:db8:bad::1';
const HOME = '2001:db8:1:a::/64';
const HOA = '2001:db8:1:a::10';
const KINDS = ['PBQ', 'PQA', 'PBU', 'PBA', 'UPN', 'UPA', 'LPJ', 'LPA', 'LRI', 'LRA'];
const AUTHENTICATOR = 16;
const SPI_AT = AUTHENTICATOR + 4;

/** How a domain's life goes: everything that its nodes send and report, and what its servers hold at the end. */
interface Course {
  readonly sent: readonly string[];
  readonly told: readonly unknown[];
  readonly held: readonly unknown[];
  readonly refused: number;
  readonly kinds: ReadonlySet<string>;
}

type Flight = readonly { readonly effect: MobilityEffect; readonly delay: number }[];

function kindOf({ src, dst, data }: MobilityEffect): string {
  const mobility = parseMobility(data, src, dst);
  const location = mobility.ok ? parseLocation(mobility.value) : 'other';
  assert.ok(location !== 'other' && location.ok);
  return location.value.kind;
}

/** Whether it says no more than what the time is here: what an old request that is authentic is answered with. */
function tellsTime({ src, dst, data }: MobilityEffect): boolean {
  const mobility = parseMobility(data, src, dst);
  const location = mobility.ok ? parseLocation(mobility.value) : 'other';
  assert.ok(location !== 'other' && location.ok);
  return isAnswer(location.value) && location.value.status === LM_STATUS.timestamp;
}

/** Two servers, three MAARs, one MN that moves; with what else is under way beside each message. */
function live(beside: (effect: MobilityEffect) => Flight): Course {
  const network = new Network();
  network.tamper = (effect) => {
    const genuine = { effect, delay: 5 };
    return tellsTime(effect) ? [genuine] : [genuine, ...beside(effect)];
  };
  const servers = [
    network.server(
      LM1,
      { [M1]: 'client', [M2]: 'client', [LM2]: 'server' },
      { primary: ['2001:db8:1::/48'] },
    ),
    network.server(LM2, { [M3]: 'client', [LM1]: 'server' }, { primary: ['2001:db8:2::/48'] }),
  ];
  const clients = [
    network.client(M1, [LM1], {}, [M3]),
    network.client(M2, [LM1]),
    network.client(M3, [LM2], {}, [M1]),
  ];
  const told: unknown[] = [];
  const arrive = (maar: string): void => {
    const results = network.tell(maar, { type: 'attach', mnId: 'mn' });
    const attached = results.find(({ type }) => type === 'attached');
    assert.ok(attached?.type === 'attached');
    const registration = { mnId: 'mn', counter: attached.counter, prefixes: [HOME], delegated: [] };
    told.push(results, network.tell(maar, { type: 'register', ...registration }));
  };
  network.run(2_000);
  arrive(M1);
  told.push(network.tell(M3, { type: 'lookup', where: HOA }));
  arrive(M2);
  const binding = { prefixes: [HOME], delegated: [], locator: M2, counter: 2, lifetimeSeconds: 60 };
  told.push(network.tell(M1, { type: 'redirect', to: M3, binding }));
  told.push(network.tell(M2, { type: 'detach', mnId: 'mn' }));
  network.run(120_000);
  told.push(network.tell(M3, { type: 'lookup', where: HOA }));
  const views = servers.map((server) => server.view(network.now));
  const counters = [
    ...views.map((view) => view.counters),
    ...clients.map((each) => Object.fromEntries(each.counters)),
  ];
  const sent = network.sent.filter((effect) => !tellsTime(effect));
  return {
    sent: sent.map(({ src, dst, data }) => `${src} ${dst} ${Buffer.from(data).toString('hex')}`),
    told: [told, ...network.results.values()],
    held: views.map(({ counters: _, ...held }) => held),
    refused: counters
      .flatMap((each) => Object.entries(each))
      .reduce((sum, [name, count]) => sum + (name.startsWith('refused-') ? count : 0), 0),
    kinds: new Set(sent.map(kindOf)),
  };
}

const undisturbed = live(() => []);

/** A copy of the octets, changed, with the checksum that fits it. */
function changed({ src, dst, data }: MobilityEffect, change: (octets: Uint8Array) => void): Uint8Array {
  const octets = Uint8Array.from(data);
  change(octets);
  fillChecksum(octets, 4, src, dst, 135);
  return octets;
}

/** Signs octets anew, as somebody would who has this key and not that of the pair. */
function resigned(effect: MobilityEffect, owner: string, change: (octets: Uint8Array) => void): Uint8Array {
  const { src, dst } = effect;
  return changed(effect, (octets) => {
    change(octets);
    octets.fill(0, 4, 6);
    const covered = octets.subarray(0, octets.length - AUTHENTICATOR);
    const hash = keyOf(src, owner).hmac(
      Uint8Array.of(...addressBytes(src), ...addressBytes(dst), ...covered),
    );
    octets.set(hash.subarray(0, AUTHENTICATOR), octets.length - AUTHENTICATOR);
  });
}

/** Fails unless the same messages leave, the same results come and the same is held, and every intruder is counted. */
function assertUndisturbed(beside: (effect: MobilityEffect) => Flight): void {
  let intruders = 0;
  const course = live((effect) => {
    const flight = beside(effect);
    intruders += flight.length;
    return flight;
  });
  assert.deepEqual(course.sent, undisturbed.sent);
  assert.deepEqual(course.told, undisturbed.told);
  assert.deepEqual(course.held, undisturbed.held);
  assert.ok(intruders > undisturbed.sent.length);
  return assert.ok(course.refused >= intruders, `${course.refused} of ${intruders} were counted`);
}

/** They arrive shortly before the message that they are made of. */
const before = (effect: MobilityEffect, octets: readonly Uint8Array[]): Flight =>
  octets.map((data) => ({ effect: { ...effect, data }, delay: 4 }));

test('the course has every kind of message, none refused', () => {
  for (const kind of KINDS) assert.ok(undisturbed.kinds.has(kind), kind);
  assert.equal(undisturbed.refused, 0);
});

test('one bit of any octet changed: nothing happens, nothing is answered, it is counted', () => {
  const random = generator(1);
  assertUndisturbed((effect) => {
    const flipped = Array.from(effect.data, (_, at) => {
      const flip = (octets: Uint8Array): void => void (octets[at]! ^= 1 << random(8));
      if (at === 4 || at === 5) {
        const octets = Uint8Array.from(effect.data);
        flip(octets);
        return octets;
      }
      return changed(effect, flip);
    });
    return before(effect, flipped);
  });
});

test('cut off anywhere, or with more behind: likewise', () => {
  assertUndisturbed((effect) => {
    const { data, src, dst } = effect;
    const cut = Array.from(data, (_, length) => {
      const octets = data.slice(0, length);
      // Where a header may end it says so, and its checksum is right.
      if (length >= 8 && length % 8 === 0) {
        octets[1] = length / 8 - 1;
        fillChecksum(octets, 4, src, dst, 135);
      }
      return octets;
    });
    const longer = Uint8Array.of(...data, ...new Uint8Array(8));
    longer[1]!++;
    fillChecksum(longer, 4, src, dst, 135);
    return before(effect, [...cut, longer]);
  });
});

test('with another SPI, another key, or none: likewise', () => {
  assertUndisturbed((effect) => {
    const { data, src, dst } = effect;
    const bare = data.slice(0, data.length - AUTHENTICATOR - 8);
    bare[1] = bare.length / 8 - 1;
    fillChecksum(bare, 4, src, dst, 135);
    return before(effect, [
      resigned(effect, dst, (octets) =>
        octets.fill(1, octets.length - SPI_AT, octets.length - AUTHENTICATOR),
      ),
      resigned(effect, STRANGER, () => undefined),
      resigned(effect, STRANGER, (octets) => (octets[7]! ^= 1)),
      bare,
    ]);
  });
});

test('from or to somebody else: likewise', () => {
  const nodes = [LM1, LM2, M1, M2, M3];
  assertUndisturbed((effect) => {
    const { src, dst, data } = effect;
    const moved = (from: string, to: string): MobilityEffect => {
      const octets = Uint8Array.from(data);
      fillChecksum(octets, 4, from, to, 135);
      return { ...effect, src: from, dst: to, data: octets };
    };
    const others = nodes.filter((node) => node !== src && node !== dst);
    return [
      ...[STRANGER, ...others].map((from) => moved(from, dst)),
      ...others.map((to) => moved(src, to)),
      moved(dst, src),
    ].map((intruder) => ({ effect: intruder, delay: 4 }));
  });
});

test('sent again, at once or later: nothing changes, and an old request is told the time at most', () => {
  assertUndisturbed((effect) => [6, 3_000, 8_000, 100_000].map((delay) => ({ effect, delay })));
});
