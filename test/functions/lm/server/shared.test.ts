import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLocationStore } from '../../../../host/functions/lm/memory-store.ts';
import type { LocationServer } from '../../../../host/functions/lm/server/server.ts';
import type {
  LocationStore,
  Registration,
  StoreAnswer,
  StoreRequest,
} from '../../../../host/functions/lm/store.ts';
import { Network } from '../network.ts';

const LM = '2001:db8:ff::1';
const M1 = '2001:db8:0:1::1';
const M2 = '2001:db8:0:2::1';
const PREFIX = '2001:db8:a:1::/64';
const HOA = '2001:db8:a:1::1';

/** Records what one of several servers asks its store for, and fails on demand. */
class SharedStore implements LocationStore {
  readonly requests: StoreRequest[] = [];
  failing = false;
  readonly #store = new MemoryLocationStore();

  load(): ReturnType<LocationStore['load']> {
    return this.#store.load();
  }

  submit(requests: readonly StoreRequest[], done: (answers: readonly StoreAnswer[]) => void): void {
    this.requests.push(...requests);
    if (this.failing) done(requests.map(({ id }) => ({ type: 'failed', id, reason: 'no quorum' })));
    else this.#store.submit(requests, done);
  }

  close(): void {
    this.#store.close();
  }
}

function domain(): { network: Network; store: SharedStore; server: LocationServer } {
  const network = new Network();
  const store = new SharedStore();
  const server = network.server(LM, { [M1]: 'client', [M2]: 'client' }, { shared: true }, store);
  network.client(M1, [LM]);
  network.client(M2, [LM]);
  return { network, store, server };
}

function registered(network: Network, over: Partial<Registration> = {}): Registration {
  return {
    ...{ mnId: 'mn', counter: 7, locator: M1, by: M1, prefixes: [PREFIX], delegated: [] },
    ...{ expires: network.now + 600_000, ended: false },
    ...over,
  };
}

function lookUp(network: Network, where = HOA): string | undefined {
  const located = network.tell(M2, { type: 'lookup', where }).find(({ type }) => type === 'located');
  assert.ok(located?.type === 'located');
  return located.binding?.locator;
}

const kinds = (requests: readonly { readonly type: string }[]): string[] => requests.map(({ type }) => type);

test('what another server kept is told here, after the store has confirmed that it is all', () => {
  const { network, store, server } = domain();
  server.step({ type: 'changed', registration: registered(network) }, network.now);
  assert.equal(lookUp(network), M1);
  assert.deepEqual(kinds(store.requests), ['confirm']);
});

test('a server that cannot confirm says so instead of answering', () => {
  const { network, store, server } = domain();
  server.step({ type: 'changed', registration: registered(network) }, network.now);
  store.failing = true;
  assert.equal(lookUp(network), undefined);
  store.failing = false;
  assert.equal(lookUp(network), M1, 'and nothing was learnt from it');
});

test('a move made at another server is pushed to who asked here', () => {
  const { network, server } = domain();
  server.step({ type: 'changed', registration: registered(network) }, network.now);
  assert.equal(lookUp(network), M1);
  const moved = registered(network, { counter: 9, locator: LM, by: LM });
  for (const effect of server.step({ type: 'changed', registration: moved }, network.now)) {
    if (effect.type === 'mobility') network.inject(effect);
  }
  network.run(100);
  assert.equal(lookUp(network), LM);
  const pushed = network.results.get(M2)!.filter((each) => each.type === 'located' && each.source === 'push');
  assert.equal(pushed.length, 1);
});

test('what only a lease removed leaves its counter as the floor', () => {
  const { network, server } = domain();
  server.step({ type: 'changed', registration: registered(network) }, network.now);
  const raised = server.step({ type: 'forgotten', mnIds: ['mn'], floor: 3 }, network.now);
  assert.deepEqual(
    raised.map((each) => each.type === 'forget' && [each.mnIds, each.floor]),
    [[[], 7]],
  );
  server.step({ type: 'changed', registration: registered(network) }, network.now);
  assert.deepEqual(server.step({ type: 'forgotten', mnIds: ['mn'], floor: 7 }, network.now), []);
});

test('read anew, the state takes the place of everything, and who asked is told of the difference', () => {
  const { network, server } = domain();
  server.step({ type: 'changed', registration: registered(network) }, network.now);
  const gone = registered(network, { mnId: 'gone', prefixes: [] });
  server.step({ type: 'changed', registration: gone }, network.now);
  assert.equal(lookUp(network), M1);
  const registrations = [registered(network, { counter: 9, locator: LM, by: LM })];
  const effects = server.step({ type: 'loaded', state: { registrations, floor: 7 } }, network.now);
  assert.equal(effects.filter(({ type }) => type === 'mobility').length, 1);
  const shown = server.view(network.now).registrations;
  assert.deepEqual(
    shown.map(({ mnId, counter }) => [mnId, counter]),
    [['mn', 9]],
  );
});

test('an update is refused only after the store has confirmed', () => {
  const { network, store, server } = domain();
  server.step({ type: 'changed', registration: registered(network, { counter: 1_000 }) }, network.now);
  const late = { type: 'register', mnId: 'mn', counter: 5, prefixes: [PREFIX], delegated: [] } as const;
  assert.deepEqual(network.tell(M2, late), [{ type: 'registered', mnId: 'mn', status: 157 }]);
  assert.deepEqual(kinds(store.requests), ['confirm']);
  store.failing = true;
  const other = { ...late, mnId: 'other' };
  assert.deepEqual(network.tell(M2, other), [{ type: 'registered', mnId: 'other', status: 130 }]);
});
