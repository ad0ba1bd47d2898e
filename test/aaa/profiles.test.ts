import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { SqliteStore } from '../../host/io/aaa-store.ts';

const MN = '02000000000a@example.org';

function database(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'maar-profiles-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'registrations.db');
}

test('profiles survive a restart, and the configuration is written over them', (t) => {
  const file = database(t);
  const first = new SqliteStore(file);
  first.profiles([{ mnId: '02:00:00:00:00:0a@example.org', allowed: true }]);
  first.close();
  const second = new SqliteStore(file);
  t.after(() => second.close());
  assert.equal(second.profiles([]).find(MN)?.allowed, true);
  assert.equal(second.profiles([{ mnId: MN, allowed: false }]).find(MN)?.allowed, false);
});

test("an operator's change to the table counts from the next request on", (t) => {
  const file = database(t);
  const store = new SqliteStore(file);
  t.after(() => store.close());
  const profiles = store.profiles([{ mnId: '02:00:*@example.org', allowed: true }]);
  assert.equal(profiles.find(MN)?.allowed, true);
  const operator = new DatabaseSync(file);
  t.after(() => operator.close());
  operator.prepare('INSERT INTO subscribers VALUES (?, 0)').run(MN);
  assert.equal(profiles.find(MN)?.allowed, false);
  operator.exec('DELETE FROM subscribers');
  assert.equal(profiles.find(MN), undefined);
});

test('a value that is neither yes nor no is not taken', (t) => {
  const file = database(t);
  const store = new SqliteStore(file);
  t.after(() => store.close());
  store.profiles([]);
  const operator = new DatabaseSync(file);
  t.after(() => operator.close());
  assert.throws(() => operator.prepare('INSERT INTO subscribers VALUES (?, 2)').run(MN));
});
