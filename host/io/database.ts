import { DatabaseSync } from 'node:sqlite';

/** Another process may hold the write lock of a shared file for this long, in milliseconds. */
const LOCK_WAIT = 2_000;

/**
 * Opens an SQLite file, created if it is not there, for this process alone (`exclusive`) or beside others (`shared`), and runs
 * `schema`, SQL that makes the tables that are not there. What a transaction has committed survives loss of power. Throws where
 * the file cannot be opened, is no database, is in use (`exclusive`), or was written by a later version.
 */
export function openDatabase(
  file: string,
  use: 'exclusive' | 'shared',
  schema: string,
  version: number,
): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(
      use === 'exclusive' ? 'PRAGMA locking_mode = EXCLUSIVE' : `PRAGMA busy_timeout = ${LOCK_WAIT}`,
    );
    database.exec('PRAGMA journal_mode = WAL');
    // FULL syncs the log at each commit; NORMAL would survive kill -9, but not loss of power.
    database.exec('PRAGMA synchronous = FULL');
    const { user_version: found } = database.prepare('PRAGMA user_version').get() as {
      user_version: number;
    };
    if (found > version) {
      throw new Error(`${file} has schema version ${found}; this program knows ${version}`);
    }
    database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${version}; COMMIT`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `body` as one transaction, which an error undoes; the error is thrown on. */
export function transaction<T>(database: DatabaseSync, body: () => T): T {
  try {
    // IMMEDIATE takes the write lock before the first read: what is read cannot change before the write.
    database.exec('BEGIN IMMEDIATE');
    const result = body();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
