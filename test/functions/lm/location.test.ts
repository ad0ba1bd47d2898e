import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Association } from '../../../host/functions/lm/association.ts';
import type { ClientEffect } from '../../../host/functions/lm/client/client.ts';
import type { Draft, LocationRequest } from '../../../host/functions/lm/messages/message.ts';
import { parseLocation } from '../../../host/functions/lm/messages/parse.ts';
import { MemoryLocationStore } from '../../../host/functions/lm/memory-store.ts';
import { parseMobility } from '../../../host/wire/mobility/message.ts';
import { Network, keyOf } from './network.ts';

const LM = '2001:db8:ff::1';
const LM2 = '2001:db8:ff::2';
const M1 = '2001:db8:0:1::1';
const M2 = '2001:db8:0:2::1';
const M3 = '2001:db8:0:3::1';
const HOME = '2001:db8:a:1::/64';
const HOA = '2001:db8:a:1::10';
const CLIENTS = { [M1]: 'client', [M2]: 'client', [M3]: 'client' } as const;

function domain(seed = 1): Network {
  const network = new Network(seed);
  network.server(LM, CLIENTS);
  for (const address of [M1, M2, M3]) network.client(address, [LM]);
  return network;
}

/** An MN comes to a MAAR; the status of its registration. */
function arrive(
  network: Network,
  maar: string,
  mnId = 'mn',
  prefixes = [HOME],
  delegated: string[] = [],
): number {
  const [attached] = network.tell(maar, { type: 'attach', mnId });
  assert.ok(attached?.type === 'attached');
  const { counter } = attached;
  const [registered] = network.tell(maar, { type: 'register', mnId, counter, prefixes, delegated });
  assert.ok(registered?.type === 'registered');
  return registered.status;
}

function locatorOf(effects: readonly ClientEffect[]): string | undefined {
  const located = effects.find((effect) => effect.type === 'located');
  assert.ok(located !== undefined, 'no answer');
  return located.binding?.locator;
}

const lookUp = (network: Network, maar: string, where = HOA): string | undefined =>
  locatorOf(network.tell(maar, { type: 'lookup', where }));

test('query and reply: a client learns where an address is, and asks once for it', () => {
  const network = domain();
  assert.equal(arrive(network, M1), 0);
  const queries = (): number => network.sent.filter(({ src }) => src === M2).length;
  assert.equal(lookUp(network, M2), M1);
  assert.equal(queries(), 1);
  assert.equal(lookUp(network, M2, '2001:db8:a:1::99'), M1, 'the whole prefix is known');
  assert.equal(queries(), 1);
});

test('a look-up that is not to ask says what is known, and asks nobody', () => {
  const network = domain();
  arrive(network, M1);
  const known = (): string | undefined =>
    locatorOf(network.tell(M2, { type: 'lookup', where: HOA, ask: false }));
  assert.equal(known(), undefined);
  assert.deepEqual(
    network.sent.filter(({ src }) => src === M2),
    [],
  );
  lookUp(network, M2);
  assert.equal(known(), M1);
});

test('a MAAR that knows an MN to be registered elsewhere lets go of it without a word', () => {
  const network = domain();
  arrive(network, M1);
  arrive(network, M2);
  const before = network.sent.length;
  network.tell(M1, { type: 'detach', mnId: 'mn', elsewhere: true }, 290_000);
  assert.deepEqual(
    network.sent.slice(before).filter(({ src }) => src === M1),
    [],
    'no refreshment either',
  );
  assert.equal(lookUp(network, M3), M2);
});

test('who asks by prefix is told that prefix alone; who registers an MN is told all of it', () => {
  const network = domain();
  arrive(network, M1, 'mn', [HOME, '2001:db8:a:2::/64']);
  const [located] = network.tell(M2, { type: 'lookup', where: HOA });
  assert.ok(located?.type === 'located');
  assert.deepEqual(located.binding?.prefixes, [HOME]);
  const [attached] = network.tell(M2, { type: 'attach', mnId: 'mn' });
  assert.ok(attached?.type === 'attached');
  assert.deepEqual(attached.binding?.prefixes, [HOME, '2001:db8:a:2::/64']);
  assert.equal(attached.binding.locator, M1, 'the previous MAAR');
});

test('a move is pushed to subscribers, who answer, and to nobody else', () => {
  const network = domain();
  arrive(network, M1);
  lookUp(network, M2);
  const before = network.results.get(M2)!.length;
  assert.equal(arrive(network, M3), 0);
  assert.deepEqual(
    network.results
      .get(M2)!
      .slice(before)
      .map((effect) => effect.type === 'located' && [effect.source, effect.where, effect.binding?.locator]),
    [['push', HOME, M3]],
  );
  assert.equal(network.results.get(M1)!.filter((effect) => effect.type === 'located').length, 0);
  assert.equal(lookUp(network, M2), M3);
});

test('a push prolongs no subscription: when that has ended, the server is asked again', () => {
  const network = domain();
  arrive(network, M1);
  lookUp(network, M3);
  network.run(290_000);
  arrive(network, M2);
  assert.equal(lookUp(network, M3), M2, 'pushed');
  network.run(11_000);
  const before = network.sent.length;
  arrive(network, M1);
  assert.equal(lookUp(network, M3), M1);
  assert.ok(
    network.sent.slice(before).some(({ src }) => src === M3),
    'asked',
  );
});

test('a push that is lost is sent again with the same number and D; a dead subscriber is dropped', () => {
  const network = domain();
  arrive(network, M1);
  lookUp(network, M2);
  let lost = 0;
  network.tamper = (effect) => {
    const isPush = effect.data[2] === 19;
    return isPush && lost++ === 0 ? [] : [{ effect, delay: 5 }];
  };
  arrive(network, M3);
  network.run(1_500);
  assert.equal(lookUp(network, M2), M3);
  const pushes = network.sent.filter(({ data }) => data[2] === 19).map(({ data }) => [...data.slice(6, 12)]);
  assert.equal(pushes.length, 2);
  assert.deepEqual(pushes[1]!.slice(0, 4), pushes[0]!.slice(0, 4));
  assert.deepEqual([pushes[0]![4], pushes[1]![4]], [0x80, 0xc0]);
  network.remove(M2);
  arrive(network, M1);
  network.run(100_000);
  const sent = network.sent.length;
  arrive(network, M3);
  network.run(10_000);
  assert.ok(network.sent.slice(sent).every(({ dst }) => dst !== M2));
});

test('delegated prefixes lead to the router, and come with its own prefix', () => {
  const network = domain();
  assert.equal(arrive(network, M1, 'router', [HOME], ['2001:db8:d00::/56']), 0);
  const [located] = network.tell(M2, { type: 'lookup', where: '2001:db8:d00:77::5' });
  assert.ok(located?.type === 'located');
  const { prefixes, delegated, locator } = located.binding!;
  assert.deepEqual([prefixes, delegated, locator], [[HOME], ['2001:db8:d00::/56'], M1]);
});

test('an absent location is remembered for a while, and a registration ends that', () => {
  const network = domain();
  assert.equal(lookUp(network, M2), undefined);
  const queries = (): number => network.sent.filter(({ src }) => src === M2).length;
  const before = queries();
  assert.equal(lookUp(network, M2), undefined);
  assert.equal(queries(), before, 'answered from the cache');
  arrive(network, M1);
  network.run(10);
  assert.equal(lookUp(network, M2), M1, 'pushed, since it was asked for');
});

test('de-registration is pushed; nothing outlives its lifetime', () => {
  const network = domain();
  arrive(network, M1);
  lookUp(network, M2);
  network.tell(M1, { type: 'detach', mnId: 'mn' });
  assert.equal(lookUp(network, M2), undefined);
  arrive(network, M1);
  network.remove(M1);
  assert.equal(lookUp(network, M3), M1);
  network.run(600_000);
  assert.equal(lookUp(network, M3), undefined);
});

test('a registration is refreshed before it ends', () => {
  const network = domain();
  arrive(network, M1);
  network.run(3_600_000);
  assert.equal(lookUp(network, M2), M1);
});

test('the highest counter wins: an update that comes late changes nothing, and its MAAR is told', () => {
  const network = domain();
  const attach = (maar: string): number => {
    const [attached] = network.tell(maar, { type: 'attach', mnId: 'mn' });
    assert.ok(attached?.type === 'attached');
    return attached.counter;
  };
  const first = attach(M1);
  const second = attach(M2);
  assert.ok(second > first);
  const register = (maar: string, counter: number): unknown =>
    network.tell(maar, { type: 'register', mnId: 'mn', counter, prefixes: [HOME], delegated: [] })[0];
  assert.deepEqual(register(M2, second), { type: 'registered', mnId: 'mn', status: 0 });
  assert.deepEqual(register(M1, first), { type: 'registered', mnId: 'mn', status: 157 });
  network.tell(M2, { type: 'detach', mnId: 'mn' });
  assert.deepEqual(register(M1, first), { type: 'registered', mnId: 'mn', status: 157 }, 'after its end');
  network.run(200_000);
  assert.deepEqual(register(M1, first), { type: 'registered', mnId: 'mn', status: 157 }, 'forgotten by then');
  assert.equal(lookUp(network, M3), undefined);
});

test('a counter belongs to whom it was handed out to', () => {
  const network = domain();
  const [attached] = network.tell(M1, { type: 'attach', mnId: 'mn' });
  assert.ok(attached?.type === 'attached');
  const registration = { type: 'register', mnId: 'mn', prefixes: [HOME], delegated: [] } as const;
  network.tell(M1, { ...registration, counter: attached.counter });
  const [copied] = network.tell(M2, { ...registration, counter: attached.counter });
  assert.deepEqual(copied, { type: 'registered', mnId: 'mn', status: 157 });
  assert.equal(lookUp(network, M3), M1);
});

test('a prefix belongs to one MN at a time, also where one contains the other', () => {
  const network = domain();
  assert.equal(arrive(network, M1, 'router', ['2001:db8:a:9::/64'], ['2001:db8:a:0::/56']), 0);
  assert.equal(arrive(network, M2, 'thief', ['2001:db8:a:1::/64']), 155);
  assert.equal(arrive(network, M2, 'other', ['2001:db8:b:1::/64']), 0);
  assert.equal(arrive(network, M3, 'wide', ['2001:db8:b::/48']), 155);
});

test('the stale rule: told that the MN is not there, a client asks anew; of a MAAR it no longer believes in nothing is lost', () => {
  const network = domain();
  network.client(M2, [LM], { subscription: 0 });
  arrive(network, M1);
  assert.equal(lookUp(network, M2), M1);
  arrive(network, M3);
  assert.equal(lookUp(network, M2), M1, 'nobody told it');
  assert.equal(locatorOf(network.tell(M2, { type: 'stale', where: HOA, locator: M1 })), M3);
  assert.equal(locatorOf(network.tell(M2, { type: 'stale', where: HOA, locator: M1 })), M3, 'known by now');
  network.run(20_000);
  arrive(network, M1);
  assert.equal(lookUp(network, M2), M1, 'what is not told of lives short');
});

test('with a silent server the next one is asked, on the same store', () => {
  const network = new Network();
  const store = new MemoryLocationStore();
  network.server(LM, CLIENTS, {}, store);
  network.client(M1, [LM, LM2]);
  assert.equal(arrive(network, M1), 0);
  network.remove(LM);
  network.server(LM2, CLIENTS, {}, store);
  network.client(M2, [LM, LM2]);
  assert.equal(locatorOf(network.tell(M2, { type: 'lookup', where: HOA }, 4_000)), M1);
  assert.equal(lookUp(network, M2, '2001:db8:a:2::1'), undefined, 'asked at once');
});

test('a server that starts again knows what it acknowledged, and hands out higher counters', () => {
  const network = new Network();
  const store = new MemoryLocationStore();
  network.server(LM, CLIENTS, {}, store);
  for (const maar of [M1, M2]) network.client(maar, [LM]);
  arrive(network, M1);
  network.remove(LM);
  network.server(LM, CLIENTS, {}, store);
  assert.equal(lookUp(network, M2), M1);
  assert.equal(arrive(network, M2), 0);
  assert.equal(lookUp(network, M1), M2);
});

test('clocks that are hours apart cost one more round, once', () => {
  const network = new Network();
  network.server(LM, CLIENTS);
  network.skew(M1, 3_600_000);
  network.skew(M2, -7_200_000);
  for (const address of [M1, M2, M3]) network.client(address, [LM]);
  assert.equal(arrive(network, M1), 0);
  assert.equal(lookUp(network, M2), M1);
  arrive(network, M3);
  assert.equal(lookUp(network, M2), M3, 'pushes are understood too');
});

test('two servers on one store: the one that knows less is corrected, and tells its own subscribers', () => {
  const network = new Network();
  const store = new MemoryLocationStore();
  network.server(LM, CLIENTS, {}, store);
  network.server(LM2, CLIENTS, {}, store);
  network.client(M1, [LM]);
  network.client(M2, [LM2]);
  network.client(M3, [LM]);
  assert.equal(arrive(network, M1), 0);
  assert.equal(lookUp(network, M3), M1);
  assert.equal(arrive(network, M2), 0, 'in the place of a registration that this server had not heard of');
  const [registration] = store.load().registrations;
  assert.deepEqual([registration?.locator, registration?.counter], [M2, 2]);
  network.change(LM, registration!);
  network.run(50);
  assert.equal(lookUp(network, M3), M2);
});

test('a redirect from another MAAR is learnt from, unless something later is known', () => {
  const network = domain();
  network.client(M1, [LM], {}, [M3]);
  network.client(M3, [LM], {}, [M1]);
  const redirect = (locator: string, counter: number): void => {
    const binding = { prefixes: [HOME], delegated: [], locator, counter, lifetimeSeconds: 60 };
    network.tell(M1, { type: 'redirect', to: M3, binding });
  };
  redirect(M1, 7);
  assert.equal(lookUp(network, M3), M1);
  redirect(M2, 6);
  assert.equal(lookUp(network, M3), M1);
  redirect(M2, 8);
  assert.equal(lookUp(network, M3), M2);
  const answers = network.sent.filter(({ src, data }) => src === M3 && data[2] === 18);
  assert.deepEqual(
    answers.map(({ data }) => data[9]),
    [0, 0, 0],
  );
  network.run(10_000);
  assert.equal(lookUp(network, M3), undefined, 'nobody will tell of changes: it lives short');
});

test('servers do not redirect, and MAARs do not notify', () => {
  const network = domain();
  const server = network.server(LM, CLIENTS);
  network.client(M3, [LM], {}, [M1]);
  const binding = { prefixes: [HOME], delegated: [], locator: M2, counter: 9, lifetimeSeconds: 60 };
  const from = (self: string, draft: Draft<LocationRequest>): number | undefined => {
    const association = new Association({ self, peer: M3, key: keyOf(self, M3), window: 7_000, since: 0 });
    const message = { ...draft, sequence: 1 } as Omit<LocationRequest, 'timestamp'>;
    network.inject({ type: 'mobility', src: self, dst: M3, data: association.request(message, network.now) });
    network.run(50);
    const answer = network.sent.findLast(({ dst }) => dst === self);
    return answer?.data[answer.data[2] === 20 ? 8 : 9];
  };
  assert.equal(from(M1, { kind: 'UPN', retransmission: false, binding }), 128);
  assert.equal(from(LM, { kind: 'LRI', binding }), 128);
  assert.equal(lookUp(network, M3), undefined);
  assert.equal(server.view(network.now).registrations.length, 0);
});

test('a first attachment and a handover say so in the Handoff Indicator, a refreshment too', () => {
  const network = domain();
  arrive(network, M1);
  arrive(network, M2);
  network.run(400_000);
  const indicators = network.sent.flatMap((effect) => {
    const mobility = parseMobility(effect.data, effect.src, effect.dst);
    const message = mobility.ok ? parseLocation(mobility.value) : 'other';
    return message !== 'other' && message.ok && message.value.kind === 'PBU' ? [message.value.handoff] : [];
  });
  assert.deepEqual(indicators.slice(0, 3), [1, 3, 5]);
});

test('what an answer tells counts from its query on, however long the answer is held up', () => {
  const network = new Network();
  network.server(LM, CLIENTS, { limits: { maxLifetime: 60 } });
  for (const address of [M1, M2]) network.client(address, [LM]);
  assert.equal(arrive(network, M1), 0);
  network.tamper = (effect) => [{ effect, delay: effect.dst === M2 ? 20_000 : 5 }];
  const [located] = network.tell(M2, { type: 'lookup', where: HOA }, 20_500);
  assert.ok(located?.type === 'located');
  assert.equal(located.binding?.locator, M1);
  const left = located.binding.lifetimeSeconds;
  assert.ok(left > 0 && left <= 40, `believed for ${left} s of the 60 that began 20 s ago`);
});
