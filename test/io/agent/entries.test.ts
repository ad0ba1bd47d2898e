import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { Command, CommandStatus } from '../../../bindings/entries.ts';
import { LIMIT_COMMANDS } from '../../../bindings/generated/abi.ts';
import { APPLY_FLAG_BEGIN, APPLY_FLAG_END } from '../../../bindings/generated/cpdp.ts';
import type { AgentCommandStatus } from '../../../bindings/node/cpdp.ts';
import { AgentEntries } from '../../../host/io/agent/entries.ts';
import type { EntryChannel } from '../../../host/io/agent/entries.ts';

const peer = (number: number): Command => ({
  op: 'put',
  entry: { kind: 'peer', address: `2001:db8::${number.toString(16)}` },
});
const noPeer = (number: number): Command => ({
  op: 'delete',
  kind: 'peer',
  address: `2001:db8::${number.toString(16)}`,
});

/** An agent by the page: peers only, and an answer that may be lost with its connection. */
class Model {
  boot = 1n;
  generation = 0n;
  /** Address -> whether the whole set has named it. */
  peers = new Map<string, boolean>();
  /** What happens at the next batches: it is answered, the answer is lost, the batch is lost, there is no instance. */
  readonly fate: ('answer' | 'answer-lost' | 'batch-lost' | 'state')[] = [];
  #statuses: AgentCommandStatus[] = [];

  restart(): void {
    this.boot++;
    this.generation = 0n;
    this.peers.clear();
  }

  connect(lost: () => void): EntryChannel {
    let open = false;
    const at = { generation: this.generation };
    const carryOut = (commands: readonly Command[], flags: number): void => {
      if ((flags & APPLY_FLAG_BEGIN) !== 0) {
        open = true;
        for (const address of this.peers.keys()) this.peers.set(address, false);
      }
      this.#statuses = commands.map((command) => this.#one(command));
      if ((flags & APPLY_FLAG_END) !== 0) {
        assert.ok(open, 'the end of a set that has not begun');
        open = false;
        for (const [address, named] of this.peers) if (!named) this.peers.delete(address);
      }
    };
    const batch = async (
      generation: bigint,
      commands: readonly Command[],
      flags: number,
    ): Promise<readonly AgentCommandStatus[]> => {
      assert.ok(commands.length <= LIMIT_COMMANDS);
      const fate = this.fate.shift() ?? 'answer';
      if (fate === 'batch-lost') return this.#lose(lost);
      if (generation !== this.generation) {
        assert.equal(generation, this.generation + 1n);
        this.generation = generation;
        if (fate === 'state') this.#statuses = commands.map(() => 'state');
        else carryOut(commands, flags);
        if (fate === 'state' && (flags & APPLY_FLAG_BEGIN) !== 0) open = true;
      }
      if (fate === 'answer-lost') return this.#lose(lost);
      await setImmediate();
      return this.#statuses;
    };
    return {
      hello: { boot: this.boot, generation: this.generation } as EntryChannel['hello'],
      get generation() {
        return at.generation;
      },
      batch: (commands, flags) => batch(++at.generation, commands, flags),
      repeat: (commands, flags) => batch(at.generation, commands, flags),
    };
  }

  #one(command: Command): CommandStatus {
    if (command.op === 'put' && command.entry.kind === 'peer') {
      this.peers.set(command.entry.address, true);
      return 'ok';
    }
    assert.ok(command.op === 'delete' && command.kind === 'peer');
    return this.peers.delete(command.address) ? 'ok' : 'absent';
  }

  #lose(lost: () => void): Promise<never> {
    lost();
    return Promise.reject(new Error('lost'));
  }
}

interface Rig {
  readonly entries: AgentEntries;
  readonly applied: { batch: number; statuses: readonly CommandStatus[] }[];
  readonly connect: () => void;
}

function rig(model: Model): Rig {
  const applied: Rig['applied'] = [];
  const entries = new AgentEntries({
    applied: (batch, statuses) => applied.push({ batch, statuses: [...statuses] }),
    fault: (text) => assert.fail(text),
  });
  const connect = (): void => entries.connected(model.connect(() => entries.disconnected()));
  return { entries, applied, connect };
}

const quiet = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn++) await setImmediate();
};

test('batches are answered in order, those that collect meanwhile together', async () => {
  const model = new Model();
  const { entries, applied, connect } = rig(model);
  entries.apply(1, [peer(1)]);
  connect();
  entries.apply(2, [peer(2), noPeer(9)]);
  entries.apply(3, [noPeer(1)]);
  await quiet();
  assert.deepEqual(applied, [
    { batch: 1, statuses: ['ok'] },
    { batch: 2, statuses: ['ok', 'absent'] },
    { batch: 3, statuses: ['ok'] },
  ]);
  assert.equal(model.generation, 2n);
  assert.deepEqual([...model.peers.keys()], ['2001:db8::2']);
});

test('more than one message of commands stays one batch', async () => {
  const model = new Model();
  const { entries, applied, connect } = rig(model);
  connect();
  entries.apply(
    1,
    Array.from({ length: 2 * LIMIT_COMMANDS + 1 }, (_, index) => peer(index)),
  );
  await quiet();
  assert.equal(applied[0]?.statuses.length, 2 * LIMIT_COMMANDS + 1);
  assert.equal(model.peers.size, 2 * LIMIT_COMMANDS + 1);
});

test('the answer that a lost connection kept is asked for again, and nothing is carried out twice', async () => {
  const model = new Model();
  const { entries, applied, connect } = rig(model);
  connect();
  await quiet();
  const before = model.generation;
  model.fate.push('answer-lost');
  entries.apply(1, [peer(1)]);
  entries.apply(2, [noPeer(1)]);
  await quiet();
  assert.deepEqual(applied, []);
  connect();
  await quiet();
  assert.deepEqual(applied, [
    { batch: 1, statuses: ['ok'] },
    { batch: 2, statuses: ['ok'] },
  ]);
  assert.equal(model.generation, before + 2n);
});

test('a restarted agent gets all entries again, before what waits', async () => {
  const model = new Model();
  const { entries, applied, connect } = rig(model);
  connect();
  entries.apply(1, [peer(1), peer(2)]);
  await quiet();
  model.fate.push('batch-lost');
  entries.apply(2, [noPeer(1)]);
  await quiet();
  model.restart();
  connect();
  await quiet();
  assert.deepEqual(applied.at(-1), { batch: 2, statuses: ['ok'] });
  assert.deepEqual([...model.peers.keys()], ['2001:db8::2']);
});

test('a new control leaves what it finds until it has settled, then what it has not named goes', async () => {
  const model = new Model();
  const old = rig(model);
  old.connect();
  old.entries.apply(1, [peer(1), peer(2)]);
  await quiet();
  const { entries, connect } = rig(model);
  connect();
  entries.apply(1, [peer(2), peer(3)]);
  await quiet();
  assert.ok(entries.settling);
  assert.deepEqual([...model.peers.keys()].sort(), ['2001:db8::1', '2001:db8::2', '2001:db8::3']);
  // A connection that breaks meanwhile begins the set again.
  entries.disconnected();
  connect();
  await quiet();
  assert.equal(model.peers.size, 3);
  entries.settle();
  await quiet();
  assert.ok(!entries.settling);
  assert.deepEqual([...model.peers.keys()].sort(), ['2001:db8::2', '2001:db8::3']);
});

test('a batch that met no instance is sent again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const model = new Model();
  const { entries, applied, connect } = rig(model);
  connect();
  await quiet();
  model.fate.push('state');
  entries.apply(1, [peer(1)]);
  await quiet();
  assert.deepEqual(applied, []);
  t.mock.timers.tick(300);
  await quiet();
  assert.deepEqual(applied, [{ batch: 1, statuses: ['ok'] }]);
});

test('whatever is lost, every batch is answered once and the agent ends with what was wanted', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('apply'), number: fc.nat(5), put: fc.boolean() }),
    fc.record({ do: fc.constantFrom('answer-lost', 'batch-lost'), number: fc.nat(), put: fc.boolean() }),
    fc.record({
      do: fc.constantFrom('restart', 'reconnect', 'settle', 'turn'),
      number: fc.nat(),
      put: fc.boolean(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const model = new Model();
      model.generation = 7n;
      model.peers.set('2001:db8::77', true);
      const { entries, applied, connect } = rig(model);
      const wanted = new Set<number>();
      let batches = 0;
      connect();
      for (const { do: what, number, put } of steps) {
        if (what === 'apply') {
          if (put) wanted.add(number);
          else wanted.delete(number);
          entries.apply(++batches, [put ? peer(number) : noPeer(number)]);
        } else if (what === 'answer-lost' || what === 'batch-lost') model.fate.push(what);
        else if (what === 'settle') entries.settle();
        else if (what === 'turn') await setImmediate();
        else {
          entries.disconnected();
          if (what === 'restart') model.restart();
          connect();
        }
      }
      model.fate.length = 0;
      entries.settle();
      await quiet();
      entries.disconnected();
      connect();
      await quiet();
      assert.deepEqual(
        applied.map(({ batch }) => batch),
        Array.from({ length: batches }, (_, index) => index + 1),
      );
      const expected = [...wanted].sort().map((number) => `2001:db8::${number.toString(16)}`);
      assert.deepEqual([...model.peers.keys()].sort(), expected);
    }),
    { numRuns: 300 },
  );
});
