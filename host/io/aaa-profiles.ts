import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { canonicalMnId, Subscribers } from '../aaa/subscribers.ts';
import type { Profiles, Subscriber } from '../aaa/subscribers.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS subscribers (
    mn_id TEXT PRIMARY KEY,
    allowed INTEGER NOT NULL CHECK (allowed IN (0, 1))
  ) STRICT, WITHOUT ROWID;
`;

/**
 * Profiles of the users in the database of the registrations. The operator's changes to the table count from the next
 * request on, without a restart.
 */
export class SqliteProfiles implements Profiles {
  readonly #all: StatementSync;
  readonly #version: StatementSync;
  #seen: unknown;
  #subscribers = new Subscribers([]);

  /** `configured` is written over what the table says of the same users; others in the table stay. */
  constructor(database: DatabaseSync, configured: readonly Subscriber[]) {
    database.exec(SCHEMA);
    const put = database.prepare(
      'INSERT INTO subscribers VALUES (?, ?) ON CONFLICT (mn_id) DO UPDATE SET allowed = excluded.allowed',
    );
    for (const { mnId, allowed } of configured) {
      put.run(mnId.includes('*') ? mnId : canonicalMnId(mnId), Number(allowed));
    }
    this.#all = database.prepare('SELECT mn_id, allowed FROM subscribers');
    // Changes whenever another connection has committed.
    this.#version = database.prepare('PRAGMA data_version');
    this.#load();
  }

  find(mnId: string): Subscriber | undefined {
    if (this.#dataVersion() !== this.#seen) this.#load();
    return this.#subscribers.find(mnId);
  }

  #load(): void {
    this.#seen = this.#dataVersion();
    const rows = this.#all.all() as { mn_id: string; allowed: number }[];
    this.#subscribers = new Subscribers(
      rows.map(({ mn_id, allowed }) => ({ mnId: mn_id, allowed: allowed === 1 })),
    );
  }

  #dataVersion(): unknown {
    return (this.#version.get() as { data_version: number }).data_version;
  }
}
