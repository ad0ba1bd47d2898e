import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MemoryLocationStore } from '../../../host/functions/lm/memory-store.ts';
import type {
  LocationStore,
  Registration,
  StoreAnswer,
  StoreRequest,
} from '../../../host/functions/lm/store.ts';
import { SqliteLocationStore } from '../../../host/io/lm/location-store.ts';

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

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'maar-lm-store-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const STORES: Record<string, (t: TestContext) => LocationStore> = {
  memory: () => new MemoryLocationStore(),
  sqlite: (t) => new SqliteLocationStore(join(folder(t), 'lm.db')),
};

function ask(store: LocationStore, ...requests: StoreRequest[]): readonly StoreAnswer[] {
  let answers: readonly StoreAnswer[] = [];
  store.submit(requests, (given) => (answers = given));
  return answers;
}

const commit = (id: number, registration: Partial<Registration>, expected?: number): StoreRequest => ({
  type: 'commit',
  id,
  registration: { ...REGISTRATION, ...registration },
  expected,
  claimed: [],
});

for (const [name, open] of Object.entries(STORES)) {
  test(`${name}: counters rise by the order of asking`, (t) => {
    const store = open(t);
    const answers = ask(store, { type: 'ticket', id: 1 }, { type: 'ticket', id: 2 });
    assert.deepEqual(answers, [
      { type: 'ticket', id: 1, counter: 1 },
      { type: 'ticket', id: 2, counter: 2 },
    ]);
    store.close();
  });

  test(`${name}: what is put in the place of something else is refused, and told what stands there`, (t) => {
    const store = open(t);
    assert.deepEqual(ask(store, commit(1, {})), [{ type: 'committed', id: 1 }]);
    assert.deepEqual(ask(store, commit(2, { counter: 2 })), [
      { type: 'conflict', id: 2, current: REGISTRATION },
    ]);
    assert.deepEqual(ask(store, commit(3, { counter: 3 }, 1), commit(4, { counter: 4 }, 1)), [
      { type: 'committed', id: 3 },
      { type: 'conflict', id: 4, current: { ...REGISTRATION, counter: 3 } },
    ]);
    assert.deepEqual(ask(store, commit(5, { mnId: 'other' }, 9)), [
      { type: 'conflict', id: 5, current: undefined },
    ]);
    assert.deepEqual(store.load(), { registrations: [{ ...REGISTRATION, counter: 3 }], floor: 0 });
    store.close();
  });

  test(`${name}: forgetting leaves the highest counter forgotten`, (t) => {
    const store = open(t);
    ask(store, commit(1, {}), commit(2, { mnId: 'other', ended: true }));
    ask(store, { type: 'forget', id: 3, mnIds: ['other'], floor: 7 });
    ask(store, { type: 'forget', id: 4, mnIds: ['absent'], floor: 5 });
    assert.deepEqual(store.load(), { registrations: [REGISTRATION], floor: 7 });
    store.close();
  });
}

test('sqlite: opened again it has everything, and hands out higher counters than before', (t) => {
  const file = join(folder(t), 'lm.db');
  const first = new SqliteLocationStore(file);
  ask(first, commit(1, {}), { type: 'ticket', id: 2 }, { type: 'forget', id: 3, mnIds: [], floor: 4 });
  first.close();
  const second = new SqliteLocationStore(file);
  assert.deepEqual(second.load(), { registrations: [REGISTRATION], floor: 4 });
  const [ticket] = ask(second, { type: 'ticket', id: 1 });
  assert.ok(ticket?.type === 'ticket' && ticket.counter > 1);
  second.close();
});

test('sqlite: a store in use, no database, and one of a later version are refused by name', (t) => {
  const path = folder(t);
  const used = join(path, 'used.db');
  const store = new SqliteLocationStore(used);
  assert.throws(() => new SqliteLocationStore(used), /locked/);
  store.close();
  const text = join(path, 'text.db');
  writeFileSync(text, 'this is no database, but long enough to be taken for one at first sight'.repeat(10));
  assert.throws(() => new SqliteLocationStore(text), /not a database/);
  const later = join(path, 'later.db');
  const database = new DatabaseSync(later);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => new SqliteLocationStore(later), /schema version 99/);
});

test('sqlite: nothing that was acknowledged is lost by kill -9', async (t) => {
  const file = join(folder(t), 'lm.db');
  const writer = fileURLToPath(new URL('store-writer.ts', import.meta.url));
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [writer, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.length > 400) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.once('close', resolve));
    // The last line may be cut off by the kill; a whole one was written after its commit.
    const lines = text.split('\n').slice(0, -1).map(Number);
    assert.ok(lines[0]! > acknowledged, 'a counter that was handed out before came again');
    acknowledged = lines.at(-1)!;
    const store = new SqliteLocationStore(file);
    const kept = store.load().registrations[0]?.counter ?? 0;
    assert.ok(kept >= acknowledged, `${kept} is kept, ${acknowledged} was acknowledged`);
    acknowledged = kept;
    store.close();
  }
});
