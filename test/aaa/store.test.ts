import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MemoryStore } from '../../host/aaa/memory-store.ts';
import { register, release } from '../../host/aaa/registrations.ts';
import type { SessionRecord, Store } from '../../host/aaa/store.ts';
import { SqliteStore } from '../../host/io/aaa-store.ts';

const HOLD = 10_000;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'maar-store-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const STORES: Record<string, (t: TestContext) => Store> = {
  memory: () => new MemoryStore(),
  sqlite: (t) => new SqliteStore(join(folder(t), 'registrations.db')),
};

function attachment(
  number: number,
  mnId = 'mn',
): Pick<SessionRecord, 'sessionId' | 'mnId' | 'maar' | 'host'> {
  return { sessionId: `s${number}`, mnId, maar: `2001:db8::${number % 3}`, host: `maar${number % 3}` };
}

/** Registers and returns what the MAAR is told. */
function told(store: Store, number: number, now: number): [string, number] {
  const result = register(store, attachment(number), now, HOLD);
  assert.ok(result.ok);
  return [result.record.previous, result.record.counter];
}

for (const [name, open] of Object.entries(STORES)) {
  test(`${name}: a session is registered once, and its answer never changes`, (t) => {
    const store = open(t);
    assert.deepEqual(told(store, 1, 0), ['::', 1]);
    assert.deepEqual(told(store, 2, 1), ['2001:db8::1', 2]);
    assert.deepEqual(told(store, 1, 2), ['::', 1], 'a repeat after the MN moved on');
    assert.equal(store.current('mn')?.sessionId, 's2');
    assert.equal(register(store, { ...attachment(2), mnId: 'other' }, 3, HOLD).ok, false);
    store.close();
  });

  test(`${name}: STR counts only from the MAAR that has the session, and only for the current one`, (t) => {
    const store = open(t);
    told(store, 1, 0);
    told(store, 2, 1);
    assert.equal(release(store, 's1', 'maar1', 2), true);
    assert.equal(store.current('mn')?.ended, undefined);
    assert.equal(release(store, 's2', 'maar1', 3), false);
    assert.equal(release(store, 's9', 'maar1', 3), false);
    assert.equal(release(store, 's2', 'maar2', 4), true);
    assert.equal(release(store, 's2', 'maar2', 9), true);
    assert.equal(store.current('mn')?.ended, 4, 'a repeated STR does not prolong the hold time');
    assert.deepEqual(told(store, 3, 4 + HOLD), ['::', 3]);
    store.close();
  });

  test(`${name}: old sessions are forgotten, the counter is not`, (t) => {
    const store = open(t);
    for (let number = 1; number <= 40; number++) assert.equal(told(store, number, number)[1], number);
    assert.equal(store.session('s24'), undefined);
    assert.equal(store.session('s25')?.counter, 25);
    register(store, attachment(100, 'another'), 0, HOLD);
    assert.deepEqual(
      store.currents().map(({ mnId, counter }) => [mnId, counter]),
      [
        ['another', 1],
        ['mn', 40],
      ],
    );
    store.close();
  });

  test(`${name}: a transaction that throws leaves nothing behind`, (t) => {
    const store = open(t);
    told(store, 1, 0);
    const broken = (): void =>
      store.transaction(() => {
        store.put({ ...attachment(2), previous: '::', counter: 2, since: 0, ended: undefined });
        store.put({ ...attachment(1), previous: '::', counter: 1, since: 0, ended: 5 });
        store.prune('mn', 2);
        throw new Error('broken');
      });
    assert.throws(broken, /broken/);
    assert.equal(store.session('s2'), undefined);
    assert.deepEqual(store.current('mn')?.ended, undefined);
    assert.deepEqual(told(store, 3, 1), ['2001:db8::1', 2]);
    store.close();
  });
}

test('sqlite: two servers on one file give one sequence of counters', (t) => {
  const file = join(folder(t), 'registrations.db');
  const stores = [new SqliteStore(file), new SqliteStore(file)];
  const counters = Array.from({ length: 10 }, (_, index) => told(stores[index % 2]!, index, index)[1]);
  assert.deepEqual(counters, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const store of stores) store.close();
});

test('sqlite: files that are no database, or of a later version, are refused by name', (t) => {
  const path = folder(t);
  const text = join(path, 'text.db');
  writeFileSync(text, 'this is no database, but long enough to be taken for one at first sight'.repeat(10));
  assert.throws(() => new SqliteStore(text), /not a database/);
  const later = join(path, 'later.db');
  const database = new DatabaseSync(later);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => new SqliteStore(later), /schema version 99/);
});

test('sqlite: nothing that was acknowledged is lost by kill -9', async (t) => {
  const file = join(folder(t), 'registrations.db');
  const writer = fileURLToPath(new URL('store-writer.ts', import.meta.url));
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [writer, file, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.length > 200) child.kill('SIGKILL');
    });
    await new Promise((resolve) => child.once('close', resolve));
    // The last line may be cut off by the kill; a whole one was written after its commit.
    const lines = text.split('\n').slice(0, -1).map(Number);
    assert.equal(lines[0], acknowledged + 1, 'the counter goes on after the restart');
    acknowledged = lines.at(-1)!;
    const store = new SqliteStore(file);
    const current = store.current('mn')?.counter ?? 0;
    assert.ok(current >= acknowledged, `${current} is durable, ${acknowledged} was acknowledged`);
    acknowledged = current;
    store.close();
  }
});
