import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../../host/aaa/memory-store.ts';
import { AaaServer } from '../../../host/aaa/server.ts';
import { Subscribers } from '../../../host/aaa/subscribers.ts';
import { Maar } from '../../../host/core/maar.ts';
import type { MaarEvent } from '../../../host/core/maar-io.ts';
import type { StreamEffect, TimerEffect, TraceEffect } from '../../../host/core/machine.ts';
import type { MaarView } from '../../../host/core/view.ts';
import { STATUS } from '../../../host/schemes/romip/messages/constants.ts';
import type { DDbu, DistributedMessage, SDbu } from '../../../host/schemes/romip/messages/message.ts';
import { createProfile } from '../../../host/schemes/romip/messages/profile.ts';
import { emitFrame } from '../../../host/wire/ethernet.ts';
import { NEXT_HEADER } from '../../../host/wire/ipv6.ts';
import { parseMobility } from '../../../host/wire/mobility/message.ts';
import { Net, seeded } from '../../aaa/net.ts';
import { testConfig } from '../../support/maar-config.ts';

const PROFILE = createProfile('romip-00');
const CONFIG = testConfig({ scheme: { name: 'romip', options: {} } });
const ONE = CONFIG.address;
const [TWO, THREE] = CONFIG.peers.map(({ address }) => address) as [string, string];
const MAC = '02:00:00:00:00:0a';
const MN = `${MAC.replaceAll(':', '')}@${CONFIG.mnRealm}`;
/** An MN that only peers know, whose home is anchored at `two`, and its address there. */
const MOVER = `02000000000b@${CONFIG.mnRealm}`;
const MOVER_HOME = '2001:db8:12:b::b/128';

interface Sent {
  readonly to: string;
  readonly data: Uint8Array;
  readonly message: DistributedMessage;
}

/** MAAR `one` beside a real AAA server, with everything that it sends to its peers; the test is the peers. */
class Bench {
  readonly maar = new Maar(CONFIG, seeded(1));
  readonly net = new Net(seeded(2));
  readonly store = new MemoryStore();
  readonly sent: Sent[] = [];
  /** Batches that the data plane was given. */
  batches = 0;
  /** What a slow data plane has still to say; undefined while it is done at once. */
  slow: MaarEvent[] | undefined;

  /** @param previous the MAAR that the AAA server says MN was at before, with counter 1. */
  constructor(previous?: string) {
    const { servers, originRealm, originHost, vendorId } = CONFIG.aaa;
    const server = new AaaServer({
      originHost: servers[0]!.name,
      originRealm,
      address: servers[0]!.host,
      vendorId,
      peers: [{ host: originHost, role: 'maar', address: ONE }],
      subscribers: new Subscribers([{ mnId: MN, allowed: true }]),
      store: this.store,
      random: seeded(3),
    });
    if (previous !== undefined) {
      this.store.put({
        sessionId: 'two.example;1;1',
        mnId: MN,
        maar: previous,
        host: 'two.example',
        previous: '::',
        counter: 1,
        since: 0,
        ended: undefined,
      });
    }
    this.net.add(servers[0]!.host, server);
    this.net.add('one', { step: (event) => this.#step(event) });
    this.hear({ type: 'start' });
    this.net.run(this.net.now + 1_000);
    // The first frame of the MN's own: one asks the server, which answers.
    const frame = { srcMac: MAC, dstMac: CONFIG.links[0]!.mac, src: 'fe80::a', dst: 'ff02::2', hopLimit: 1 };
    const data = emitFrame({ ...frame, nextHeader: NEXT_HEADER.udp, payload: new Uint8Array(8) });
    this.hear({ type: 'frame', link: 0, port: 'p', data });
    this.net.run(this.net.now + 500);
    assert.equal(this.node()?.state, 'attached');
  }

  get now(): number {
    return this.net.now;
  }

  view(): MaarView {
    return this.maar.view(this.now);
  }

  node(): MaarView['nodes'][number] | undefined {
    return this.view().nodes.find(({ mnId }) => mnId === MN);
  }

  /** MN's address under the prefix that `one` has assigned to it, once it has sent from it. */
  home(): string {
    return `${this.node()!.prefix.replace(/::\/64$/, '')}::a`;
  }

  /** Both lists of every MN, here and gone, and who serves the homes that are anchored here. */
  lists(): unknown {
    const { nodes, anchored, released } = this.view();
    return { nodes: nodes.map(({ internal, external }) => ({ internal, external })), anchored, released };
  }

  hear(event: MaarEvent): void {
    this.net.apply('one', this.#step(event));
  }

  /** A peer's message arrives; returns the acknowledgements that this caused at once. */
  receive(from: string, data: Uint8Array): Sent[] {
    const before = this.sent.length;
    this.hear({ type: 'mobility', src: from, dst: ONE, side: 'core', data });
    return this.sent.slice(before);
  }

  /** The one acknowledgement of an update, which goes back to its sender. */
  answer(from: string, data: Uint8Array): Sent {
    const [answer, ...more] = this.receive(from, data);
    assert.ok(answer !== undefined, 'no acknowledgement');
    assert.equal(more.length, 0);
    assert.equal(answer.to, from);
    return answer;
  }

  status(from: string, data: Uint8Array): number {
    return statusOf(this.answer(from, data));
  }

  /** A dDBU of MN's: `from` serves it and names its home here. */
  moved(from: string, changes: Partial<DDbu> = {}): Uint8Array {
    return this.#emit(from, { ...this.#dDbu(from), mnId: MN, homes: [`${this.home()}/128`], ...changes });
  }

  /** A dDBU of MOVER's, to MN as its correspondent. */
  repointed(from: string, changes: Partial<DDbu> = {}): Uint8Array {
    const correspondents = [`${this.home()}/128`];
    const about = { mnId: MOVER, homes: [MOVER_HOME], correspondents };
    return this.#emit(from, { ...this.#dDbu(from), ...about, ...changes });
  }

  asked(from: string, changes: Partial<SDbu> = {}): Uint8Array {
    const { sequence, lifetimeSeconds, counter, timestamp } = this.#dDbu(from);
    const lists = { homes: [], correspondents: [] };
    const fields = { sequence, lifetimeSeconds, counter, timestamp, mnId: MN };
    return this.#emit(from, { kind: 'sDBU', ...fields, ...lists, ...changes });
  }

  /** MN begins to talk to MOVER. */
  talk(): void {
    const flow = { kind: 'flow', src: this.home(), dst: MOVER_HOME.replace('/128', '') } as const;
    this.hear({ type: 'dataplane', event: flow });
  }

  /** MN's port goes down, so that nobody need ask it whether it is still there. */
  unplug(): void {
    this.hear({ type: 'port', link: 0, port: 'p', up: false });
  }

  #dDbu(from: string): DDbu {
    const fields = { sequence: 100, lifetimeSeconds: 60, counter: 5, timestamp: this.now };
    return { kind: 'dDBU', ...fields, mnId: MN, homes: [], maar: from, correspondents: [] };
  }

  #emit(from: string, message: DistributedMessage): Uint8Array {
    return PROFILE.emit(message, from, ONE)[0]!;
  }

  #applied(event: MaarEvent): (StreamEffect | TimerEffect | TraceEffect)[] {
    if (this.slow === undefined) return this.#step(event);
    this.slow.push(event);
    return [];
  }

  /** Carries out one step; returns what is for the network and the clock. */
  #step(event: MaarEvent): (StreamEffect | TimerEffect | TraceEffect)[] {
    return this.maar.step(event, this.now).flatMap((effect) => {
      switch (effect.type) {
        case 'apply':
          this.batches++;
          return this.#applied({
            type: 'applied',
            batch: effect.batch,
            statuses: effect.commands.map(() => 'ok' as const),
          });
        case 'mobility': {
          const mobility = parseMobility(effect.data, effect.src, effect.dst);
          const parsed = mobility.ok ? PROFILE.parse(mobility.value) : 'not-distributed';
          if (parsed === 'not-distributed') return [];
          assert.ok(parsed.ok);
          this.sent.push({ to: effect.dst, data: effect.data, message: parsed.value });
          return [];
        }
        case 'stream.open':
        case 'stream.send':
        case 'stream.close':
        case 'timer':
        case 'trace':
          return [effect];
        default:
          return [];
      }
    });
  }
}

function statusOf({ message }: Sent): number {
  assert.ok(message.kind === 'sDBA' || message.kind === 'dDBA');
  return message.status;
}

test('a dDBU with a lower registration counter gets 157 and changes no list', () => {
  const bench = new Bench();
  const [newer, older] = [bench.moved(TWO, { counter: 5 }), bench.moved(THREE, { counter: 4 })];
  bench.unplug();
  assert.equal(bench.status(TWO, newer), STATUS.accepted);
  assert.equal(bench.view().anchored[0]?.serving, TWO);
  const lists = bench.lists();
  assert.equal(bench.status(THREE, older), 157);
  assert.deepEqual(bench.lists(), lists);
});

test('a dDBU that others have overtaken gets 157 and leaves the list of a correspondent alone', () => {
  const bench = new Bench();
  bench.talk();
  assert.equal(bench.node()?.internal[0]?.maar, TWO);
  assert.equal(bench.status(THREE, bench.repointed(THREE, { counter: 5 })), STATUS.accepted);
  assert.equal(bench.node()?.internal[0]?.maar, THREE);
  assert.equal(bench.status(TWO, bench.repointed(TWO, { counter: 4 })), 157);
  assert.equal(bench.node()?.internal[0]?.maar, THREE);
});

test('a timestamp outside the window gets 156, and on its edge none', () => {
  const { timestampWindow } = CONFIG.timers;
  for (const sign of [-1, 1]) {
    const bench = new Bench();
    bench.talk();
    const lists = bench.lists();
    const at = (skew: number): Uint8Array => bench.repointed(THREE, { timestamp: bench.now + sign * skew });
    assert.equal(bench.status(THREE, at(timestampWindow + 1)), 156);
    assert.deepEqual(bench.lists(), lists);
    assert.equal(bench.status(THREE, at(timestampWindow)), STATUS.accepted);
  }
});

test('a sequence number out of the window gets 135 with the last one accepted', () => {
  const bench = new Bench();
  bench.talk();
  assert.equal(bench.status(THREE, bench.repointed(THREE, { sequence: 100 })), STATUS.accepted);
  const lists = bench.lists();
  const { message } = bench.answer(
    THREE,
    bench.repointed(THREE, { sequence: 99, counter: 6, lifetimeSeconds: 0 }),
  );
  assert.ok(message.kind === 'dDBA');
  assert.deepEqual([message.status, message.sequence], [135, 100]);
  assert.deepEqual(bench.lists(), lists);
  assert.equal(bench.status(THREE, bench.repointed(THREE, { sequence: 101 })), STATUS.accepted);
});

test('the same dDBU twice gets the same answer twice and changes the list once', () => {
  const bench = new Bench();
  const update = bench.moved(TWO);
  bench.unplug();
  const first = bench.answer(TWO, update);
  assert.equal(statusOf(first), STATUS.accepted);
  const { batches } = bench;
  const lists = bench.lists();
  bench.net.run(bench.now + 1_000);
  assert.deepEqual(bench.answer(TWO, update).data, first.data);
  assert.equal(bench.batches, batches);
  // Not even the lifetime of the entry starts again.
  assert.deepEqual(bench.lists(), lists);
});

test('an sDBU repeated after the release gets the same sDBA again', () => {
  const bench = new Bench();
  bench.talk();
  bench.unplug();
  const update = bench.asked(TWO);
  const first = bench.answer(TWO, update);
  assert.ok(first.message.kind === 'sDBA');
  assert.equal(first.message.status, STATUS.accepted);
  const session = { hoa: MOVER_HOME, maar: TWO, counter: 0 };
  assert.deepEqual(
    first.message.homes.map(({ correspondents }) => correspondents),
    [[session]],
  );
  assert.equal(bench.node(), undefined);
  bench.net.run(bench.now + 1_000);
  assert.deepEqual(bench.answer(TWO, update).data, first.data);
  // A new process at `two` may not know that it has asked before: the lists are still there.
  const again = bench.answer(TWO, bench.asked(TWO, { sequence: 200 }));
  assert.ok(again.message.kind === 'sDBA');
  assert.deepEqual(again.message.homes[0]?.correspondents, [session]);
});

test('an sDBU with a stale counter gets 157 from released lists', () => {
  const bench = new Bench();
  bench.unplug();
  assert.equal(bench.status(TWO, bench.asked(TWO, { counter: 5 })), STATUS.accepted);
  const lists = bench.lists();
  assert.equal(bench.status(THREE, bench.asked(THREE, { counter: 4 })), 157);
  assert.deepEqual(bench.lists(), lists);
  assert.equal(bench.view().released[0]?.movedTo, TWO);
});

for (const [message, update] of [
  ['sDBA', (bench: Bench) => bench.asked(TWO)],
  ['dDBA', (bench: Bench) => bench.moved(TWO)],
] as const) {
  test(`no ${message} leaves before the entries stand of which it speaks`, () => {
    const bench = new Bench();
    bench.talk();
    const data = update(bench);
    bench.unplug();
    bench.slow = [];
    assert.deepEqual(bench.receive(TWO, data), []);
    assert.ok(bench.slow.length > 0);
    const before = bench.sent.length;
    for (const applied of bench.slow) bench.hear(applied);
    assert.deepEqual(
      bench.sent.slice(before).map((sent) => [sent.message.kind, statusOf(sent)]),
      [[message, STATUS.accepted]],
    );
  });
}

test('an orderly stop takes the home back from its anchor: a dDBU with lifetime 0', () => {
  const bench = new Bench(TWO);
  const { message: asked } = bench.sent.find(({ message }) => message.kind === 'sDBU')!;
  const { sequence, counter } = asked;
  const fields = { sequence, counter, status: STATUS.accepted, lifetimeSeconds: 60, mnId: MN };
  const homes = [{ hoa: '2001:db8:12:a::a/128', validSeconds: 1_000, correspondents: [] }];
  const sDba = PROFILE.emit({ kind: 'sDBA', ...fields, part: 1, parts: 1, homes }, TWO, ONE)[0]!;
  bench.receive(TWO, sDba);
  assert.deepEqual(
    bench.node()?.external.map(({ anchor }) => anchor),
    [TWO],
  );
  const before = bench.sent.length;
  bench.hear({ type: 'stop' });
  const last = bench.sent.slice(before);
  assert.deepEqual(
    last.map(({ to, message }) => [to, message.kind, message.lifetimeSeconds]),
    [[TWO, 'dDBU', 0]],
  );
  assert.deepEqual(last[0]?.message.kind === 'dDBU' ? last[0].message.homes : [], ['2001:db8:12:a::a/128']);
});

test('an MN that nobody here knows gets 133', () => {
  const bench = new Bench();
  const lists = bench.lists();
  const { message } = bench.answer(TWO, bench.asked(TWO, { mnId: MOVER }));
  assert.ok(message.kind === 'sDBA');
  assert.deepEqual([message.status, message.homes], [133, []]);
  const stranger = bench.repointed(TWO, { correspondents: ['2001:db8:11:ffff::1/128'] });
  assert.equal(bench.status(TWO, stranger), 133);
  assert.deepEqual(bench.lists(), lists);
});
