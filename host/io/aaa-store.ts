import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SessionRecord, Store } from '../aaa/store.ts';
import type { Profiles, Subscriber } from '../aaa/subscribers.ts';
import { SqliteProfiles } from './aaa-profiles.ts';
import { openDatabase, transaction } from './database.ts';

const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY,
    mn_id TEXT NOT NULL,
    maar TEXT NOT NULL,
    host TEXT NOT NULL,
    previous TEXT NOT NULL,
    counter INTEGER NOT NULL,
    since REAL NOT NULL,
    ended REAL,
    UNIQUE (mn_id, counter)
  ) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly session_id: string;
  readonly mn_id: string;
  readonly maar: string;
  readonly host: string;
  readonly previous: string;
  readonly counter: number;
  readonly since: number;
  readonly ended: number | null;
}

function record(row: unknown): SessionRecord | undefined {
  if (row === undefined) return undefined;
  const { session_id, mn_id, maar, host, previous, counter, since, ended } = row as Row;
  return {
    sessionId: session_id,
    mnId: mn_id,
    maar,
    host,
    previous,
    counter,
    since,
    ended: ended ?? undefined,
  };
}

/**
 * Registrations and profiles in an SQLite file. Two AAA servers may share it. The constructor throws as openDatabase does.
 */
export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #session: StatementSync;
  readonly #current: StatementSync;
  readonly #currents: StatementSync;
  readonly #put: StatementSync;
  readonly #prune: StatementSync;

  constructor(file: string) {
    const database = openDatabase(file, 'shared', SCHEMA, SCHEMA_VERSION);
    this.#database = database;
    this.#session = database.prepare('SELECT * FROM sessions WHERE session_id = ?');
    this.#current = database.prepare('SELECT * FROM sessions WHERE mn_id = ? ORDER BY counter DESC LIMIT 1');
    this.#currents = database.prepare(
      'SELECT * FROM sessions AS s WHERE counter = (SELECT max(counter) FROM sessions WHERE mn_id = s.mn_id) ORDER BY mn_id',
    );
    this.#put = database.prepare(
      'INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET ended = excluded.ended',
    );
    this.#prune = database.prepare('DELETE FROM sessions WHERE mn_id = ? AND counter < ?');
  }

  transaction<T>(body: () => T): T {
    return transaction(this.#database, body);
  }

  session(sessionId: string): SessionRecord | undefined {
    return record(this.#session.get(sessionId));
  }

  current(mnId: string): SessionRecord | undefined {
    return record(this.#current.get(mnId));
  }

  currents(): SessionRecord[] {
    return this.#currents.all().map((row) => record(row)!);
  }

  put(entry: SessionRecord): void {
    const { sessionId, mnId, maar, host, previous, counter, since, ended } = entry;
    this.#put.run(sessionId, mnId, maar, host, previous, counter, since, ended ?? null);
  }

  prune(mnId: string, counter: number): void {
    this.#prune.run(mnId, counter);
  }

  /** The users' profiles, which stand in the same file. */
  profiles(configured: readonly Subscriber[]): Profiles {
    return new SqliteProfiles(this.#database, configured);
  }

  close(): void {
    this.#database.close();
  }
}
