import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import type { LeaseRecord, LeaseStore } from '../../functions/haa/lease.ts';
import type { Prefix } from '../../wire/address.ts';

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
 * Leases of one MAAR in an SQLite file, which it has for itself. The constructor throws where the file cannot be opened, is no
 * database, is in use, or was written by a later version.
 */
export class SqliteLeaseStore implements LeaseStore {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #forget: StatementSync;

  constructor(file: string) {
    const database = new DatabaseSync(file);
    this.#database = database;
    try {
      // Two MAARs on one file would each give away what the other has leased.
      database.exec('PRAGMA locking_mode = EXCLUSIVE');
      database.exec('PRAGMA journal_mode = WAL');
      // FULL syncs the log at each commit: a lease survives loss of power, not only kill -9.
      database.exec('PRAGMA synchronous = FULL');
      const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
        user_version: number;
      };
      if (version > SCHEMA_VERSION) {
        throw new Error(`${file} has schema version ${version}; this program knows ${SCHEMA_VERSION}`);
      }
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#put = database.prepare('INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)');
    this.#forget = database.prepare('DELETE FROM leases WHERE prefix = ?');
  }

  load(): LeaseRecord[] {
    const rows = this.#database.prepare('SELECT * FROM leases').all() as unknown as Row[];
    return rows.map(({ prefix, network, mn_id: mnId, until }) => ({ prefix, network, mnId, until }));
  }

  write(put: readonly LeaseRecord[], forget: readonly Prefix[]): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const prefix of forget) this.#forget.run(prefix);
      for (const { prefix, network, mnId, until } of put) this.#put.run(prefix, network, mnId, until);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}
