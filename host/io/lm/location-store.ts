import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { messageOf } from '../../core/error-message.ts';
import type {
  LocationStore,
  Registration,
  StoreAnswer,
  StoreRequest,
  StoreState,
} from '../../functions/lm/store.ts';
import { openDatabase, transaction } from '../database.ts';

const SCHEMA_VERSION = 1;

/** `tickets`: counters up to it may have been handed out. `floor`: see StoreState. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS registrations (
    mn_id TEXT PRIMARY KEY,
    counter INTEGER NOT NULL,
    locator TEXT NOT NULL,
    by_maar TEXT NOT NULL,
    prefixes TEXT NOT NULL,
    delegated TEXT NOT NULL,
    expires REAL NOT NULL,
    ended INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sequence (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    tickets INTEGER NOT NULL,
    floor INTEGER NOT NULL
  ) STRICT;
  INSERT OR IGNORE INTO sequence VALUES (1, 0, 0);
`;

/** Counters reserved by one write; what is left of them at a crash is never handed out. */
const TICKET_BLOCK = 1_024;

interface Row {
  readonly mn_id: string;
  readonly counter: number;
  readonly locator: string;
  readonly by_maar: string;
  readonly prefixes: string;
  readonly delegated: string;
  readonly expires: number;
  readonly ended: number;
}

function registrationOf(row: Row): Registration {
  const { mn_id, counter, locator, by_maar, prefixes, delegated, expires, ended } = row;
  return {
    ...{ mnId: mn_id, counter, locator, by: by_maar, expires, ended: ended !== 0 },
    prefixes: JSON.parse(prefixes) as string[],
    delegated: JSON.parse(delegated) as string[],
  };
}

/**
 * Registrations of one LM server in an SQLite file, which it has for itself. Each `submit` is one transaction, on the disk when it is
 * answered. The constructor throws as openDatabase does.
 */
export class SqliteLocationStore implements LocationStore {
  readonly #database: DatabaseSync;
  readonly #all: StatementSync;
  readonly #counter: StatementSync;
  readonly #one: StatementSync;
  readonly #put: StatementSync;
  readonly #forget: StatementSync;
  readonly #raiseTickets: StatementSync;
  readonly #raiseFloor: StatementSync;
  #next: number;
  #reserved: number;

  constructor(file: string) {
    // Counters are handed out from memory: a second server on the file would hand out lower ones later.
    const database = openDatabase(file, 'exclusive', SCHEMA, SCHEMA_VERSION);
    this.#database = database;
    this.#all = database.prepare('SELECT * FROM registrations');
    this.#counter = database.prepare('SELECT counter FROM registrations WHERE mn_id = ?');
    this.#one = database.prepare('SELECT * FROM registrations WHERE mn_id = ?');
    this.#put = database.prepare('INSERT OR REPLACE INTO registrations VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#forget = database.prepare('DELETE FROM registrations WHERE mn_id = ?');
    this.#raiseTickets = database.prepare('UPDATE sequence SET tickets = ?');
    this.#raiseFloor = database.prepare('UPDATE sequence SET floor = max(floor, ?)');
    this.#reserved = this.#sequence().tickets;
    this.#next = this.#reserved;
  }

  load(): StoreState {
    return {
      registrations: this.#all.all().map((row) => registrationOf(row as unknown as Row)),
      floor: this.#sequence().floor,
    };
  }

  submit(requests: readonly StoreRequest[], done: (answers: readonly StoreAnswer[]) => void): void {
    const before = { next: this.#next, reserved: this.#reserved };
    let answers: readonly StoreAnswer[];
    try {
      answers = transaction(this.#database, () => requests.map((request) => this.#carryOut(request)));
    } catch (error) {
      ({ next: this.#next, reserved: this.#reserved } = before);
      const reason = messageOf(error);
      answers = requests.map(({ id }) => ({ type: 'failed', id, reason }));
    }
    done(answers);
  }

  close(): void {
    this.#database.close();
  }

  #sequence(): { tickets: number; floor: number } {
    return this.#database.prepare('SELECT tickets, floor FROM sequence').get() as {
      tickets: number;
      floor: number;
    };
  }

  #carryOut(request: StoreRequest): StoreAnswer {
    const { id } = request;
    switch (request.type) {
      case 'ticket':
        if (this.#next >= this.#reserved) {
          this.#reserved = this.#next + TICKET_BLOCK;
          this.#raiseTickets.run(this.#reserved);
        }
        return { type: 'ticket', id, counter: ++this.#next };
      case 'commit': {
        const { registration, expected } = request;
        const { mnId, counter, locator, by, prefixes, delegated, expires, ended } = registration;
        const known = this.#counter.get(mnId) as { counter: number } | undefined;
        if (known?.counter !== expected) {
          const row = this.#one.get(mnId) as Row | undefined;
          return { type: 'conflict', id, current: row === undefined ? undefined : registrationOf(row) };
        }
        const lists = [JSON.stringify(prefixes), JSON.stringify(delegated)] as const;
        this.#put.run(mnId, counter, locator, by, ...lists, expires, ended ? 1 : 0);
        return { type: 'committed', id };
      }
      case 'forget':
        for (const mnId of request.mnIds) this.#forget.run(mnId);
        this.#raiseFloor.run(request.floor);
        return { type: 'forgotten', id };
      case 'confirm':
        return { type: 'confirmed', id };
    }
  }
}
