import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LeaseRecord } from '../../../host/functions/haa/lease.ts';
import { SqliteLeaseStore } from '../../../host/io/haa/lease-store.ts';
import { LeaseWriter } from '../../../host/io/haa/lease-writer.ts';

const LEASE: LeaseRecord = {
  prefix: '2001:db8:11:1::/64',
  network: 'pool',
  mnId: 'a@x',
  until: 1_767_225_600_000.5,
};
const OTHER = { ...LEASE, prefix: '2001:db8:11:2::/64' };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'maar-leases-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('what is written is there after a restart, in the place of what was there of the same prefix', (t) => {
  const file = join(folder(t), 'leases.db');
  const store = new SqliteLeaseStore(file);
  store.write([LEASE, OTHER], []);
  store.write([{ ...LEASE, mnId: 'b@x' }], [OTHER.prefix]);
  store.close();
  const again = new SqliteLeaseStore(file);
  assert.deepEqual(again.load(), [{ ...LEASE, mnId: 'b@x' }]);
  again.close();
});

test('a write that fails changes nothing', (t) => {
  const file = join(folder(t), 'leases.db');
  const store = new SqliteLeaseStore(file);
  store.write([LEASE], []);
  const broken = { ...OTHER, until: undefined } as unknown as LeaseRecord;
  assert.throws(() => store.write([broken], [LEASE.prefix]));
  assert.deepEqual(store.load(), [LEASE]);
  store.close();
});

test('a file in use, of a later version, or no database is refused', (t) => {
  const directory = folder(t);
  const file = join(directory, 'leases.db');
  const store = new SqliteLeaseStore(file);
  assert.throws(() => new SqliteLeaseStore(file), /locked/);
  store.close();
  const later = join(directory, 'later.db');
  const database = new DatabaseSync(later);
  database.exec('PRAGMA user_version = 9');
  database.close();
  assert.throws(() => new SqliteLeaseStore(later), /schema version 9/);
  const garbage = join(directory, 'garbage.db');
  writeFileSync(garbage, 'no database '.repeat(100));
  assert.throws(() => new SqliteLeaseStore(garbage), /not a database/);
});

test('one turn of the event loop is one transaction, answered write by write', async () => {
  const transactions: [readonly LeaseRecord[], readonly string[]][] = [];
  const faults: Error[] = [];
  const answers: unknown[] = [];
  const store = {
    load: () => [],
    write: (put: readonly LeaseRecord[], forget: readonly string[]) => {
      for (const fault of faults) throw fault;
      transactions.push([put, forget]);
    },
    close: () => undefined,
  };
  const writer = new LeaseWriter(store, (event) => answers.push(event));
  writer.add({ type: 'leases', write: 1, put: [LEASE, OTHER], forget: [] });
  writer.add({ type: 'leases', write: 2, put: [], forget: [LEASE.prefix] });
  assert.deepEqual(transactions, []);
  await setImmediate();
  assert.deepEqual(transactions, [[[OTHER], [LEASE.prefix]]]);
  faults.push(new Error('no space'));
  writer.add({ type: 'leases', write: 3, put: [LEASE], forget: [] });
  await setImmediate();
  assert.deepEqual(answers, [
    { type: 'leases', write: 1 },
    { type: 'leases', write: 2 },
    { type: 'leases', write: 3, fault: 'no space' },
  ]);
});

test('what was acknowledged is there after kill -9', async (t) => {
  const file = join(folder(t), 'leases.db');
  const program = fileURLToPath(new URL('lease-killed.ts', import.meta.url));
  const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let acknowledged = 0;
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Number(line);
    if (acknowledged === 50) break;
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = new SqliteLeaseStore(file);
  const found = new Set(store.load().map(({ mnId }) => mnId));
  store.close();
  for (let mn = 1; mn <= acknowledged; mn++) assert.ok(found.has(`mn${mn}`), `mn${mn} was acknowledged`);
});
