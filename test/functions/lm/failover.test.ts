import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLocationStore } from '../../../host/functions/lm/memory-store.ts';
import type { LocationStore } from '../../../host/functions/lm/store.ts';
import { Network } from './network.ts';

const [LM1, LM2] = ['2001:db8:ff::1', '2001:db8:ff::2'] as const;
const [M1, M2, M3] = ['2001:db8:0:1::1', '2001:db8:0:2::1', '2001:db8:0:3::1'] as const;
const CLIENTS = { [M1]: 'client', [M2]: 'client', [M3]: 'client' } as const;
const HOME = '2001:db8:a:1::/64';
const HOA = '2001:db8:a:1::10';
/** A client gives a server up after 3 s. */
const FAIL_OVER = 4_000;

/** A store whose quorum is lost. */
const LOST: LocationStore = {
  load: () => ({ registrations: [], floor: 0 }),
  submit: (requests, done) => done(requests.map(({ id }) => ({ type: 'failed', id, reason: 'no quorum' }))),
  close: () => undefined,
};

function arrive(network: Network, maar: string): number {
  const [attached] = network.tell(maar, { type: 'attach', mnId: 'mn' }, FAIL_OVER);
  assert.ok(attached?.type === 'attached');
  const { counter } = attached;
  const registration = { mnId: 'mn', counter, prefixes: [HOME], delegated: [] };
  const [registered] = network.tell(maar, { type: 'register', ...registration }, FAIL_OVER);
  assert.ok(registered?.type === 'registered');
  return registered.status;
}

function lookUp(network: Network, maar: string, where = HOA): string | undefined {
  const results = network.tell(maar, { type: 'lookup', where }, FAIL_OVER);
  const located = results.find(({ type }) => type === 'located');
  assert.ok(located?.type === 'located');
  return located.binding?.locator;
}

test('a server that cannot reach its store is left for the next one', () => {
  const network = new Network();
  network.server(LM1, CLIENTS, { shared: true }, LOST);
  network.server(LM2, CLIENTS, { shared: true });
  for (const maar of [M1, M2]) network.client(maar, [LM1, LM2]);
  assert.equal(arrive(network, M1), 0);
  assert.equal(lookUp(network, M2), M1);
});

test('where no server reaches its store the client is told so', () => {
  const network = new Network();
  for (const server of [LM1, LM2]) network.server(server, CLIENTS, { shared: true }, LOST);
  network.client(M1, [LM1, LM2]);
  assert.deepEqual(network.tell(M1, { type: 'attach', mnId: 'mn' }), [{ type: 'unreachable', mnId: 'mn' }]);
  assert.equal(lookUp(network, M1), undefined);
});

test('what was learnt of a server that is gone is asked for anew at the next one, before its time', () => {
  const network = new Network();
  const store = new MemoryLocationStore();
  network.server(LM1, CLIENTS, {}, store);
  for (const maar of [M1, M2, M3]) network.client(maar, [LM1, LM2]);
  assert.equal(arrive(network, M1), 0);
  assert.equal(lookUp(network, M2), M1);
  network.remove(LM1);
  network.server(LM2, CLIENTS, {}, store);
  assert.equal(lookUp(network, M2, '2001:db8:a:2::1'), undefined, 'by which it notices');
  assert.equal(arrive(network, M3), 0);
  assert.equal(lookUp(network, M2), M1, 'nobody told it');
  network.run(10_000);
  assert.equal(lookUp(network, M2), M3);
  assert.equal(arrive(network, M1), 0);
  assert.equal(lookUp(network, M2), M1, 'and from now on it is told');
});

test('an update repeated at another server is the same update', () => {
  const network = new Network();
  const store = new MemoryLocationStore();
  network.server(LM1, CLIENTS, {}, store);
  network.client(M1, [LM1, LM2]);
  const [attached] = network.tell(M1, { type: 'attach', mnId: 'mn' });
  assert.ok(attached?.type === 'attached');
  // The server keeps it, and its answer is lost with it.
  network.tamper = (effect) => (effect.src === LM1 ? [] : [{ effect, delay: 5 }]);
  const { counter } = attached;
  network.tell(M1, { type: 'register', mnId: 'mn', counter, prefixes: [HOME], delegated: [] }, 50);
  const kept = store.load().registrations;
  assert.deepEqual(
    kept.map((each) => each.counter),
    [counter],
  );
  network.remove(LM1);
  network.server(LM2, CLIENTS, {}, store);
  network.run(FAIL_OVER);
  const registered = network.results.get(M1)!.filter(({ type }) => type === 'registered');
  assert.deepEqual(registered, [{ type: 'registered', mnId: 'mn', status: 0 }]);
  assert.deepEqual(
    store.load().registrations.map((each) => [each.mnId, each.counter]),
    [['mn', counter]],
  );
});
