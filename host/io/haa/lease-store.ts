import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LeaseRecord, LeaseStore } from '../../functions/haa/lease.ts';
import type { Prefix } from '../../wire/address.ts';
import { openDatabase, transaction } from '../database.ts';

const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    prefix TEXT PRIMARY KEY,
    network TEXT NOT NULL,
    mn_id TEXT NOT NULL,
    until REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly prefix: string;
  readonly network: string;
  readonly mn_id: string;
  readonly until: number;
}

/**
 * Leases of one MAAR in an SQLite file, which it has for itself. The constructor throws as openDatabase does.
 */
export class SqliteLeaseStore implements LeaseStore {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #forget: StatementSync;

  constructor(file: string) {
    // Two MAARs on one file would each give away what the other has leased.
    const database = openDatabase(file, 'exclusive', SCHEMA, SCHEMA_VERSION);
    this.#database = database;
    this.#put = database.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)');
    this.#forget = database.prepare('DELETE FROM leases WHERE prefix = ?');
  }

  load(): LeaseRecord[] {
    const rows = this.#database.prepare('SELECT * FROM leases').all() as unknown as Row[];
    return rows.map(({ prefix, network, mn_id: mnId, until }) => ({ prefix, network, mnId, until }));
  }

  write(put: readonly LeaseRecord[], forget: readonly Prefix[]): void {
    transaction(this.#database, () => {
      for (const prefix of forget) this.#forget.run(prefix);
      for (const { prefix, network, mnId, until } of put) this.#put.run(prefix, network, mnId, until);
    });
  }

  close(): void {
    this.#database.close();
  }
}
