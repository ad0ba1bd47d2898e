import { FIRST_ATTACHMENT } from './results.ts';
import type { SessionRecord, Store } from './store.ts';

/** Sessions remembered for each MN, so that a request repeated after later moves still gets its own answer. */
const REMEMBERED = 16;

export type Registered =
  | { readonly ok: true; readonly record: SessionRecord; readonly repeated: boolean }
  /** The Session-Id belongs to another MN or another MAAR. */
  | { readonly ok: false };

/**
 * Registers an MN at its new MAAR [draft section 3.1]. The same Session-Id is the same registration: it gets the
 * previous MAAR and counter that it got before, also when the MN has moved on meanwhile. What is returned is durable.
 * `hold` (milliseconds) is how long a registration outlives its STR.
 */
export function register(
  store: Store,
  attachment: Pick<SessionRecord, 'sessionId' | 'mnId' | 'maar' | 'host'>,
  now: number,
  hold: number,
): Registered {
  return store.transaction(() => {
    const { sessionId, mnId, maar, host } = attachment;
    const known = store.session(sessionId);
    if (known !== undefined) {
      const same = known.mnId === mnId && known.maar === maar && known.host === host;
      return same ? { ok: true, record: known, repeated: true } : { ok: false };
    }
    const current = store.current(mnId);
    const gone = current === undefined || (current.ended !== undefined && now >= current.ended + hold);
    const counter = (current?.counter ?? 0) + 1;
    const record: SessionRecord = {
      ...attachment,
      previous: gone ? FIRST_ATTACHMENT : current.maar,
      counter,
      since: now,
      ended: undefined,
    };
    store.put(record);
    store.prune(mnId, counter - REMEMBERED + 1);
    return { ok: true, record, repeated: false };
  });
}

/**
 * Ends a session at its STR. One that is no longer current changes nothing for its MN.
 * False for a session that this MAAR does not have.
 */
export function release(store: Store, sessionId: string, host: string, now: number): boolean {
  return store.transaction(() => {
    const record = store.session(sessionId);
    if (record?.host !== host) return false;
    if (record.ended === undefined) store.put({ ...record, ended: now });
    return true;
  });
}
