import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Association } from '../../../host/functions/lm/association.ts';
import { MemoryLocationStore } from '../../../host/functions/lm/memory-store.ts';
import type { ServerView } from '../../../host/functions/lm/server/view.ts';
import { Network, keyOf } from './network.ts';

const LM1 = '2001:db8:1:ff::1';
const LM2 = '2001:db8:2:ff::1';
const LM3 = '2001:db8:3:ff::1';
/** MAARs of network 1 and network 2. */
const M1 = '2001:db8:1::1';
const M2 = '2001:db8:2::1';
const M2B = '2001:db8:2::2';
const GATEWAY2 = '2001:db8:2::99';
const HOME1 = '2001:db8:1:a::/64';
const HOA1 = '2001:db8:1:a::10';

interface Options {
  readonly gateway?: string;
}

function pool({ gateway }: Options = {}): { network: Network; view: (server: string) => ServerView } {
  const network = new Network();
  const servers = {
    [LM1]: network.server(LM1, { [M1]: 'client', [LM2]: 'server' }, { primary: ['2001:db8:1::/48'] }),
    [LM2]: network.server(
      LM2,
      { [M2]: 'client', [M2B]: 'client', [LM1]: 'server' },
      { primary: ['2001:db8:2::/48'], gateway },
    ),
  };
  network.client(M1, [LM1]);
  network.client(M2, [LM2]);
  network.client(M2B, [LM2]);
  network.run(5_000);
  return { network, view: (server) => servers[server as keyof typeof servers].view(network.now) };
}

function arrive(network: Network, maar: string, where?: string, prefixes = [HOME1], mnId = 'mn'): number {
  const [attached] = network.tell(maar, { type: 'attach', mnId, ...(where === undefined ? {} : { where }) });
  assert.ok(attached?.type === 'attached');
  const registration = { mnId, counter: attached.counter, prefixes, delegated: [] };
  const [registered] = network.tell(maar, { type: 'register', ...registration });
  assert.ok(registered?.type === 'registered');
  return registered.status;
}

function lookUp(network: Network, maar: string, where = HOA1): string | undefined {
  const located = network.tell(maar, { type: 'lookup', where }).find(({ type }) => type === 'located');
  assert.ok(located?.type === 'located');
  return located.binding?.locator;
}

test('servers join the pool with the prefixes they are primary for, and leave it by silence', () => {
  const { network, view } = pool();
  const primaries = (server: string): string[] => view(server).pool.flatMap(({ primary }) => [...primary]);
  assert.deepEqual(primaries(LM1), ['2001:db8:1::/48', '2001:db8:2::/48']);
  assert.deepEqual(primaries(LM2), ['2001:db8:2::/48', '2001:db8:1::/48']);
  network.remove(LM2);
  network.run(200_000);
  const expired = view(LM1).pool.filter(({ until }) => until !== null && until < network.now);
  assert.deepEqual(
    expired.map(({ server }) => server),
    [LM2],
  );
});

test('two servers cannot be primary for the same prefix, and a client can be for none', () => {
  const network = new Network();
  const first = network.server(LM1, { [LM3]: 'server' }, { primary: ['2001:db8:1::/48'] });
  network.server(LM3, { [LM1]: 'server' }, { primary: ['2001:db8:1::/48'] });
  network.run(5_000);
  assert.equal(first.view(network.now).pool.length, 1);
});

test('a server asks its peer about a prefix of the peer, and passes moves on to who asked', () => {
  const { network } = pool();
  assert.equal(arrive(network, M1), 0);
  assert.equal(lookUp(network, M2), M1);
  assert.equal(arrive(network, M2B, HOME1), 0);
  network.run(50);
  assert.equal(lookUp(network, M1), M2B);
  assert.equal(lookUp(network, M2), M2B, 'by a push of the primary server, passed on');
  assert.equal(network.results.get(M2)!.filter((e) => e.type === 'located' && e.source === 'push').length, 1);
});

test('without a gateway updates go through to the primary server, and its counter decides', () => {
  const { network, view } = pool();
  assert.equal(arrive(network, M1), 0);
  assert.equal(arrive(network, M2, HOME1), 0);
  assert.deepEqual(
    view(LM1).registrations.map(({ locator, counter }) => [locator, counter]),
    [[M2, 2]],
  );
  assert.deepEqual(view(LM2).registrations, []);
});

test('a prefix that no server is primary for is refused', () => {
  const { network } = pool();
  const located = network.tell(M1, { type: 'lookup', where: '2001:db8:9::1' })[0];
  assert.ok(located?.type === 'located' && located.binding === undefined);
  assert.equal(arrive(network, M1, undefined, ['2001:db8:9:1::/64']), 153);
  assert.equal(arrive(network, M1, undefined, [HOME1, '2001:db8:2:a::/64']), 153, 'of two servers at once');
});

test('hierarchy: the home server knows the network, its own server the MAAR; moves inside stay inside', () => {
  const { network, view } = pool({ gateway: GATEWAY2 });
  assert.equal(arrive(network, M1), 0);
  assert.equal(arrive(network, M2, HOME1), 0);
  assert.deepEqual(
    view(LM1).registrations.map(({ locator }) => locator),
    [GATEWAY2],
  );
  assert.equal(lookUp(network, M1), GATEWAY2);
  assert.equal(lookUp(network, M2B), M2);
  const toHome = (): number => network.sent.filter(({ dst, data }) => dst === LM1 && data[2] === 5).length;
  const before = toHome();
  assert.equal(arrive(network, M2B, HOME1), 0);
  network.run(10_000);
  assert.equal(toHome(), before);
  assert.deepEqual(
    view(LM2).registrations.map(({ locator }) => locator),
    [M2B],
  );
  assert.equal(lookUp(network, M1), GATEWAY2);
  assert.equal(lookUp(network, M2B), M2B);
});

test('hierarchy: an MN that goes home is no longer kept in the network that it visited', () => {
  const { network, view } = pool({ gateway: GATEWAY2 });
  arrive(network, M1);
  arrive(network, M2, HOME1);
  assert.equal(lookUp(network, M2B), M2);
  assert.equal(arrive(network, M1), 0);
  network.run(100);
  assert.deepEqual(view(LM2).registrations, []);
  assert.equal(lookUp(network, M2B), M1);
});

test('hierarchy: that is so too after a long stay', () => {
  const { network, view } = pool({ gateway: GATEWAY2 });
  arrive(network, M2, HOME1);
  network.run(7_200_000);
  assert.equal(arrive(network, M1), 0);
  network.run(100);
  assert.deepEqual(view(LM2).registrations, []);
});

test('hierarchy: an MN that goes home after many moves in the network is found there by those that followed it', () => {
  const { network } = pool({ gateway: GATEWAY2 });
  for (let move = 0; move < 5; move++) for (const maar of [M2, M2B]) arrive(network, maar, HOME1);
  assert.equal(lookUp(network, M2), M2B);
  assert.equal(arrive(network, M1), 0);
  network.run(100);
  assert.equal(lookUp(network, M2), M1, 'though the counters of its network are higher');
  assert.equal(arrive(network, M2B, HOME1), 0);
  network.run(100);
  assert.equal(lookUp(network, M2), M2B);
});

test('hierarchy: after a restart of its server a network does not take back who has left', () => {
  const network = new Network();
  const peers = { [M2]: 'client', [M2B]: 'client', [LM1]: 'server' } as const;
  const settings = { primary: ['2001:db8:2::/48'], gateway: GATEWAY2 };
  const store = new MemoryLocationStore();
  const home = network.server(LM1, { [M1]: 'client', [LM2]: 'server' }, { primary: ['2001:db8:1::/48'] });
  network.server(LM2, peers, settings, store);
  for (const [maar, server] of [
    [M1, LM1],
    [M2, LM2],
    [M2B, LM2],
  ] as const)
    network.client(maar, [server]);
  network.run(5_000);
  assert.equal(arrive(network, M2, HOME1), 0);
  network.remove(LM2);
  assert.equal(arrive(network, M1), 0);
  network.run(60_000);
  network.server(LM2, peers, settings, store);
  // M2 has not noticed that the MN left, and refreshes.
  network.run(400_000);
  assert.deepEqual(
    home.view(network.now).registrations.map(({ locator }) => locator),
    [M1],
  );
  assert.equal(lookUp(network, M2B), M1);
});

test('a notification from anyone but the primary server is refused, and told to nobody', () => {
  const { network } = pool();
  arrive(network, M1);
  assert.equal(lookUp(network, M2), M1);
  const binding = { prefixes: [HOME1], delegated: [], locator: M2B, counter: 99, lifetimeSeconds: 600 };
  const forger = new Association({ self: M2B, peer: LM2, key: keyOf(M2B, LM2), window: 7_000, since: 0 });
  const notification = { kind: 'UPN', sequence: 1, retransmission: false, binding } as const;
  network.inject({ type: 'mobility', src: M2B, dst: LM2, data: forger.request(notification, network.now) });
  network.run(100);
  const answer = network.sent.findLast(({ dst, data }) => dst === M2B && data[2] === 20);
  assert.equal(answer?.data[8], 128);
  assert.equal(lookUp(network, M2), M1);
});

test('hierarchy: the home registration lives as long as the MN is in the network', () => {
  const { network, view } = pool({ gateway: GATEWAY2 });
  arrive(network, M2, HOME1);
  network.run(3_600_000);
  assert.deepEqual(
    view(LM1).registrations.map(({ locator }) => locator),
    [GATEWAY2],
  );
  network.tell(M2, { type: 'detach', mnId: 'mn' });
  assert.deepEqual(view(LM1).registrations, []);
});

test('a visitor with prefixes of both networks is registered with both servers', () => {
  const { network, view } = pool({ gateway: GATEWAY2 });
  assert.equal(arrive(network, M2, HOME1, [HOME1, '2001:db8:2:b::/64']), 0);
  assert.deepEqual(
    view(LM1).registrations.map(({ locator, prefixes }) => [locator, prefixes]),
    [[GATEWAY2, [HOME1]]],
  );
});
