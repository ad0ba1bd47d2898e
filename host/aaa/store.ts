/** One registration of an MN at a MAAR: one Diameter session, for good. */
export interface SessionRecord {
  readonly sessionId: string;
  /** Canonical form, see subscribers.ts. */
  readonly mnId: string;
  /** Address of the serving MAAR. */
  readonly maar: string;
  /** Origin-Host of the serving MAAR: only it may end the session. */
  readonly host: string;
  /** The MAAR that the MN came from, all-zero at a first attachment. */
  readonly previous: string;
  readonly counter: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** When its STR came. */
  readonly ended: number | undefined;
}

/**
 * Where the AAA server keeps its registrations. `current` is the session with the highest counter, ended or not,
 * so that the counter of an MN never goes back.
 */
export interface Store {
  /** Runs `body` alone, and returns once what it wrote would survive a crash. If `body` throws nothing is written. */
  transaction<T>(body: () => T): T;
  session(sessionId: string): SessionRecord | undefined;
  current(mnId: string): SessionRecord | undefined;
  /** Every MN's current session, by MN-ID. */
  currents(): SessionRecord[];
  put(record: SessionRecord): void;
  /** Removes the sessions of an MN whose counter is below `counter`. */
  prune(mnId: string, counter: number): void;
  close(): void;
}
