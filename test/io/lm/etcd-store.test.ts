import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type {
  Registration,
  StoreAnswer,
  StoreChange,
  StoreRequest,
} from '../../../host/functions/lm/store.ts';
import type { Endpoint } from '../../../host/io/lm/etcd/client.ts';
import { EtcdLocationStore } from '../../../host/io/lm/etcd/store.ts';
import { hasTool } from '../../support/tools.ts';
import { EtcdCluster } from '../support/etcd.ts';
import { namespaced, until } from '../support/namespace.ts';

const REGISTRATION: Registration = {
  mnId: 'mn',
  counter: 1,
  locator: '2001:db8::1',
  by: '2001:db8::2',
  prefixes: ['2001:db8:a::/64'],
  delegated: ['2001:db8:d00::/56'],
  expires: 1_767_225_600_000.5,
  ended: false,
};

type Unnumbered = StoreRequest extends infer R ? (R extends StoreRequest ? Omit<R, 'id'> : never) : never;

/** One server's store: what it is told is kept, and what it asks is awaited. */
class Server {
  readonly changes: StoreChange[] = [];
  readonly reports: string[];
  readonly store: EtcdLocationStore;
  readonly #waiting = new Map<number, (answer: StoreAnswer) => void>();
  #lastId = 0;

  private constructor(store: EtcdLocationStore, reports: string[]) {
    this.store = store;
    this.reports = reports;
    store.start((event) => {
      if (event.type !== 'stored') {
        this.changes.push(event);
        return;
      }
      for (const answer of event.answers) this.#waiting.get(answer.id)!(answer);
    });
  }

  static async open(t: TestContext, endpoints: readonly Endpoint[]): Promise<Server> {
    const reports: string[] = [];
    const report = (reason: string): void => void reports.push(reason);
    const server = new Server(await EtcdLocationStore.open({ endpoints, maxLifetime: 600, report }), reports);
    t.after(() => server.store.close());
    return server;
  }

  async ask(request: Unnumbered): Promise<StoreAnswer> {
    const id = ++this.#lastId;
    return await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.store.add({ ...request, id });
    });
  }

  async commit(registration: Partial<Registration>, expected?: number): Promise<StoreAnswer> {
    const whole = { ...REGISTRATION, ...registration };
    const claimed = expected === undefined ? [...whole.prefixes, ...whole.delegated] : [];
    return await this.ask({ type: 'commit', registration: whole, expected, claimed });
  }

  async ticket(): Promise<number> {
    const answer = await this.ask({ type: 'ticket' });
    assert.ok(answer.type === 'ticket', JSON.stringify(answer));
    return answer.counter;
  }
}

/** A way to etcd that can be cut. */
async function cuttable(
  t: TestContext,
  { host, port }: Endpoint,
): Promise<{ endpoint: Endpoint; cut(is: boolean): void }> {
  let whole = true;
  const sockets = new Set<Socket>();
  const proxy = createServer((socket) => {
    const onward = connect(port, host);
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => undefined);
      each.on('close', () => sockets.delete(each));
    }
    if (!whole) socket.destroy();
    socket.pipe(onward).pipe(socket);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const cut = (is: boolean): void => {
    whole = !is;
    if (is) for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    cut(true);
    proxy.close();
  });
  return { endpoint: { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port }, cut };
}

const last = <T>(list: readonly T[]): T | undefined => list.at(-1);
const kinds = (answers: readonly StoreAnswer[]): string[] => answers.map(({ type }) => type).sort();

namespaced(import.meta.url, () => {
  test('servers on one member of etcd', async (t) => {
    if (!hasTool(t, 'etcd')) return;
    const cluster = await EtcdCluster.start(t, ['::1']);
    const way = await cuttable(t, cluster.endpoints[0]!);
    const a = await Server.open(t, cluster.endpoints);
    const b = await Server.open(t, [way.endpoint]);
    const first = await a.ticket();

    await t.test('counters rise from server to server', async () => {
      const handed = [first];
      for (const server of [b, a, a, b]) handed.push(await server.ticket());
      assert.deepEqual(
        handed,
        [...handed].sort((x, y) => x - y),
      );
      const many = await Promise.all(Array.from({ length: 100 }, () => b.ticket()));
      assert.equal(new Set(many).size, many.length, 'no two are the same');
      assert.ok(Math.min(...many) > handed.at(-1)!);
    });

    await t.test('what one server keeps another is told of before anything that comes later', async () => {
      assert.equal((await a.commit({ counter: first })).type, 'committed');
      assert.equal((await b.ask({ type: 'confirm' })).type, 'confirmed');
      const told = { type: 'changed', registration: { ...REGISTRATION, counter: first } };
      assert.deepEqual(last(b.changes), told);
      assert.deepEqual(last(a.changes), told, 'it is told of its own as well');
    });

    await t.test(
      'of two servers that put something in the same place one wins, and the other is told',
      async () => {
        const counters = [await a.ticket(), await b.ticket()] as const;
        const answers = await Promise.all([
          a.commit({ counter: counters[0] }, first),
          b.commit({ counter: counters[1] }, first),
        ]);
        assert.deepEqual(kinds(answers), ['committed', 'conflict']);
        const lost = answers.find((answer) => answer.type === 'conflict');
        const won = counters[answers.findIndex(({ type }) => type === 'committed')];
        assert.equal(lost?.current?.counter, won);
      },
    );

    await t.test('overlapping prefixes go to one of two MNs, whichever is longer', async () => {
      const pairs = [
        ['2001:db8:1::/64', '2001:db8:1::/64'],
        ['2001:db8:2::/56', '2001:db8:2:8::/64'],
        ['2001:db8:3:8::/64', '2001:db8:3::/56'],
        ['2001:db8:4:8::/64', '2001:db8:4::/47'],
        ['2001:db8:5::/60', '2001:db8:5:f::1/128'],
      ] as const;
      for (const [index, [one, other]] of pairs.entries()) {
        const counters = [await a.ticket(), await b.ticket()] as const;
        const none = { delegated: [] };
        const answers = await Promise.all([
          a.commit({ ...none, mnId: `x${index}`, counter: counters[0], prefixes: [one] }),
          b.commit({ ...none, mnId: `y${index}`, counter: counters[1], prefixes: [other] }),
        ]);
        // Both may lose to the first use of a length; the registrar tries again.
        assert.ok(answers.filter(({ type }) => type === 'committed').length <= 1, `${one} and ${other}`);
        const winner = (await a.commit({ ...none, mnId: `z${index}`, counter: counters[1], prefixes: [] }))
          .type;
        assert.equal(winner, 'committed');
      }
      const others = ['2001:db8:6:1::/64', '2001:db8:6:2::/64'] as const;
      const counter = await a.ticket();
      const apart = await Promise.all([
        a.commit({ mnId: 'p', counter, prefixes: [others[0]], delegated: [] }),
        b.commit({ mnId: 'q', counter, prefixes: [others[1]], delegated: [] }),
      ]);
      assert.deepEqual(kinds(apart), ['committed', 'committed'], 'what does not overlap both get');
    });

    await t.test('what was carried out and not answered is carried out once', async () => {
      const counter = await a.ticket();
      const again = { mnId: 'again', counter, prefixes: ['2001:db8:9::/64'], delegated: [] };
      // Both with what is known now: the second is what a resend of the first would be.
      const answers = await Promise.all([a.commit(again), b.commit(again)]);
      assert.deepEqual(kinds(answers), ['committed', 'committed']);
    });

    await t.test('only what is as the server knew it is forgotten, and leaves its counter', async () => {
      const counter = await a.ticket();
      const old = Array.from({ length: 12 }, (_, index) => ({
        mnId: `old${index}`,
        counter,
        prefixes: [],
        delegated: [],
      }));
      for (const each of old) assert.equal((await a.commit(each)).type, 'committed');
      await b.ask({ type: 'confirm' });
      const later = await b.ticket();
      const kept = new Set<string>();
      for (const each of old) {
        const [renewed] = await Promise.all([
          b.commit({ ...each, counter: later }, counter),
          a.ask({ type: 'forget', mnIds: [each.mnId], floor: counter }),
        ]);
        if (renewed.type === 'committed') kept.add(each.mnId);
      }
      const c = await Server.open(t, cluster.endpoints);
      const left = c.store.state.registrations.filter(({ mnId }) => mnId.startsWith('old'));
      assert.deepEqual(new Set(left.map(({ mnId }) => mnId)), kept);
      assert.ok(c.store.state.floor >= counter);
      const late = await c.commit({ mnId: 'nobody', counter, prefixes: [], delegated: [] });
      assert.deepEqual([late.type, late.type === 'conflict' && late.current], ['conflict', undefined]);
    });

    await t.test('many are forgotten at a time', async () => {
      const mnIds = Array.from({ length: 150 }, (_, index) => `many${index}`);
      const counter = await a.ticket();
      const put = mnIds.map((mnId) => a.commit({ mnId, counter, prefixes: [], delegated: [] }));
      for (const { type } of await Promise.all(put)) assert.equal(type, 'committed');
      assert.equal((await a.ask({ type: 'forget', mnIds, floor: counter })).type, 'forgotten');
      const c = await Server.open(t, cluster.endpoints);
      assert.ok(!c.store.state.registrations.some(({ mnId }) => mnId.startsWith('many')));
    });

    await t.test('a watch that missed what is compacted away reads everything anew', async () => {
      way.cut(true);
      const counter = await a.ticket();
      assert.equal(
        (await a.commit({ mnId: 'missed', counter, prefixes: [], delegated: [] })).type,
        'committed',
      );
      const { header } = await cluster.call('/v3/kv/range', { key: 'eA==' });
      await cluster.call('/v3/kv/compaction', { revision: (header as { revision: string }).revision });
      way.cut(false);
      await until('b is told', () => b.changes.some(({ type }) => type === 'loaded'));
      const loaded = b.changes.find((change) => change.type === 'loaded');
      assert.ok(loaded?.state.registrations.some(({ mnId }) => mnId === 'missed'));
      assert.equal((await b.ask({ type: 'confirm' })).type, 'confirmed');
    });

    await t.test('without a quorum nothing is promised, and afterwards all is there', async () => {
      await cluster.kill(0);
      const expected = await Promise.all([
        a.ask({ type: 'ticket' }),
        a.ask({ type: 'confirm' }),
        a.commit({ mnId: 'late', prefixes: [], delegated: [] }),
      ]);
      assert.deepEqual(kinds(expected), ['failed', 'failed', 'failed']);
      const said = a.reports.length;
      assert.ok(said > 0 && said < 5, `it says so, and not again and again: ${a.reports.join('; ')}`);
      cluster.launch(0);
      await until('etcd serves again', () => cluster.serves(0), 30_000);
      assert.ok((await a.ticket()) > first);
      assert.equal((await b.ask({ type: 'confirm' })).type, 'confirmed');
      const c = await Server.open(t, cluster.endpoints);
      const ids = c.store.state.registrations.map(({ mnId }) => mnId);
      assert.ok(
        ['mn', 'p', 'q', 'again', 'missed'].every((mnId) => ids.includes(mnId)),
        ids.join(),
      );
    });
  });
});
