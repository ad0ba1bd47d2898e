import { messageOf } from '../../../core/error-message.ts';
import type {
  ServerStore,
  StoreAnswer,
  StoreEvent,
  StoreRequest,
  StoreState,
} from '../../../functions/lm/store.ts';
import { EtcdClient, EtcdError, GRPC } from './client.ts';
import type { Endpoint } from './client.ts';
import { KEY, encode, registrationOf, stateKey } from './keys.ts';
import { RENEW_MS, prepare, renew } from './leases.ts';
import { counterOf, readState } from './state.ts';
import type { KeyValue, Snapshot } from './state.ts';
import { LIMITS, answersOf, transactionOf } from './transaction.ts';
import type { TransactionResult, Wanted } from './transaction.ts';
import { Watch } from './watch.ts';
import type { WatchEvent } from './watch.ts';

export interface EtcdStoreSettings {
  readonly endpoints: readonly Endpoint[];
  /** The longest lifetime of a registration, in seconds. */
  readonly maxLifetime: number;
  /** Told of members that fail and come back, and of what etcd refuses. */
  readonly report: (reason: string) => void;
}

/** Of a request from the server to its answer. Shorter than a client of several servers waits for one of them, which is 3 s. */
const DEADLINE_MS = 2_500;
/** For etcd to elect a leader when a server starts. */
const OPEN_MS = 10_000;
/** Transactions on their way: with one, etcd waits for us as long as we for etcd. */
const MAX_IN_FLIGHT = 4;
/** How often a server that is asked nothing makes sure that it is told of changes. */
const CONFIRM_MS = 2_000;
/** A watch that is behind for longer is taken to another member. */
const MAX_LAG_MS = 1_000;
/** What was decided on a state that nobody has confirmed for longer is not carried out: claims since then may be gone. */
const MAX_UNCONFIRMED_MS = 60_000;
const TICK_MS = 250;

interface Queued extends Wanted {
  readonly since: number;
}

/** Answers that hold from a revision on, and are given when the server knows all up to it. */
interface Awaiting {
  readonly revision: number;
  /** When the oldest of the requests came, and when etcd had carried them out. */
  readonly since: number;
  readonly from: number;
  readonly answers: readonly StoreAnswer[];
}

/**
 * Registrations of all LM servers on one etcd cluster. Each server has them in memory and follows the cluster by a watch; whatever it
 * wants to change is compared, in the transaction that changes it, with what it knew. An answer is given once the watch has come
 * up to it: the server's table is thus always equal to some revision of etcd, and never behind what it has answered.
 */
export class EtcdLocationStore implements ServerStore {
  readonly shared = true;
  readonly state: StoreState;
  readonly #settings: EtcdStoreSettings;
  readonly #client: EtcdClient;
  #dispatch: (event: StoreEvent) => void = () => undefined;
  /** All changes up to it have been told. */
  #revision: number;
  #floor: number;
  #lengths: ReadonlySet<number>;
  #lease: string;
  #queue: Queued[] = [];
  #inFlight = 0;
  #flushing = false;
  /** Confirmations that the next reading is for; it must begin after they were asked for. */
  #confirms: { readonly id: number; readonly since: number }[] = [];
  #reading = false;
  #confirmed = performance.now();
  #awaiting: Awaiting[] = [];
  /** Requests of more than one transaction: those not yet done. */
  readonly #pieces = new Map<number, number>();
  readonly #watch: Watch;
  #timers: NodeJS.Timeout[] = [];
  #closed = false;

  private constructor(settings: EtcdStoreSettings, client: EtcdClient, lease: string, snapshot: Snapshot) {
    const { revision, floor, lengths, registrations } = snapshot;
    this.#settings = settings;
    this.#client = client;
    this.#lease = lease;
    this.#revision = revision;
    this.#floor = floor;
    this.#lengths = lengths;
    this.state = { registrations, floor };
    this.#watch = new Watch(client, {
      revision: () => this.#revision,
      take: (events) => this.#take(events),
      reload: () => this.#reload(),
      report: settings.report,
    });
  }

  /** Rejects where no quorum answers within ten seconds, or the store is of another version. */
  static async open(settings: EtcdStoreSettings): Promise<EtcdLocationStore> {
    const client = new EtcdClient(settings.endpoints, settings.report);
    try {
      await prepare(client, OPEN_MS);
      const lease = await renew(client, settings.maxLifetime, OPEN_MS);
      return new EtcdLocationStore(settings, client, lease, await readState(client, OPEN_MS));
    } catch (error) {
      client.close();
      throw error;
    }
  }

  start(dispatch: (event: StoreEvent) => void): void {
    this.#dispatch = dispatch;
    void this.#watch.run();
    this.#timers = [
      setInterval(() => this.#tick(), TICK_MS),
      setInterval(() => void this.#read(), CONFIRM_MS),
      setInterval(() => void this.#renew(), RENEW_MS),
    ];
  }

  add(request: StoreRequest): void {
    const since = performance.now();
    if (request.type === 'confirm') {
      this.#confirms.push({ id: request.id, since });
      if (!this.#reading) void this.#read();
      return;
    }
    const context = { basis: this.#revision, lengths: this.#lengths, since };
    for (const piece of piecesOf(request)) this.#queue.push({ ...context, request: piece });
    if (request.type === 'forget') this.#pieces.set(request.id, piecesOf(request).length);
    if (this.#flushing) return;
    this.#flushing = true;
    // What one batch of messages gives rise to goes into one transaction.
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#watch.close();
    this.#client.close();
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#inFlight < MAX_IN_FLIGHT && !this.#closed) {
      if (performance.now() - this.#confirmed > MAX_UNCONFIRMED_MS) {
        this.#fail(this.#queue.splice(0), 'this server has not heard from etcd for a minute');
        return;
      }
      void this.#send(this.#batch());
    }
  }

  /** As many requests as a transaction takes, and one to forget at most: two would write the floor twice. */
  #batch(): Queued[] {
    const batch: Queued[] = [];
    const left: Queued[] = [];
    let forgets = 0;
    for (const each of this.#queue) {
      const fits = batch.length < LIMITS.requests && (each.request.type !== 'forget' || forgets++ === 0);
      (fits ? batch : left).push(each);
    }
    this.#queue = left;
    return batch;
  }

  async #send(batch: readonly Queued[]): Promise<void> {
    this.#inFlight++;
    const since = batch[0]!.since;
    let result: TransactionResult;
    try {
      const left = DEADLINE_MS - (performance.now() - since);
      result = (await this.#client.call(
        '/v3/kv/txn',
        transactionOf(batch, this.#lease),
        left,
      )) as TransactionResult;
    } catch (error) {
      // The lease of a process that was stopped for hours: what it wanted is as old.
      if (error instanceof EtcdError && error.code === GRPC.notFound) void this.#renew();
      this.#inFlight--;
      this.#fail(batch, messageOf(error));
      this.#flush();
      return;
    }
    this.#inFlight--;
    this.#await({ ...answersOf(batch, result), since });
    this.#flush();
  }

  /** Reads how far the cluster is, for all confirmations that are wanted by now. */
  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const confirms = this.#confirms;
    this.#confirms = [];
    const since = performance.now();
    const range = { key: encode(KEY.head) };
    const answer = await this.#client.call('/v3/kv/range', range, DEADLINE_MS).catch(messageOf);
    this.#reading = false;
    if (this.#closed) return;
    if (typeof answer === 'string') this.#answerFailed(confirms, answer);
    else {
      const { kvs } = answer as { readonly kvs?: readonly KeyValue[] };
      const revision = Number(kvs?.[0]?.mod_revision ?? 0);
      const answers = confirms.map(({ id }): StoreAnswer => ({ type: 'confirmed', id }));
      this.#await({ revision, since, answers });
    }
    if (this.#confirms.length > 0) void this.#read();
  }

  #await(awaiting: Omit<Awaiting, 'from'>): void {
    this.#awaiting.push({ ...awaiting, from: performance.now() });
    this.#deliver();
  }

  /** Gives the answers that the watch has come up to. */
  #deliver(): void {
    const ready = this.#awaiting.filter(({ revision }) => revision <= this.#revision);
    if (ready.length === 0 || this.#closed) return;
    this.#awaiting = this.#awaiting.filter(({ revision }) => revision > this.#revision);
    this.#confirmed = Math.max(this.#confirmed, ...ready.map(({ since }) => since));
    this.#answer(ready.flatMap(({ answers }) => answers));
  }

  #fail(wanted: readonly Wanted[], reason: string): void {
    if (!this.#closed)
      this.#answerFailed(
        wanted.map(({ request }) => request),
        reason,
      );
  }

  #answerFailed(requests: readonly { readonly id: number }[], reason: string): void {
    this.#answer(requests.map(({ id }) => ({ type: 'failed', id, reason })));
  }

  /** A request of several transactions is answered with the last one, or by the first that fails. */
  #answer(answers: readonly StoreAnswer[]): void {
    const whole = answers.filter(({ type, id }) => {
      const left = this.#pieces.get(id);
      if (left === undefined) return type !== 'forgotten';
      if (type === 'failed' || left === 1) this.#pieces.delete(id);
      else this.#pieces.set(id, left - 1);
      return type === 'failed' || left === 1;
    });
    if (whole.length > 0) this.#dispatch({ type: 'stored', answers: whole });
  }

  /** Changes of one or more whole revisions, in order. */
  #take(events: readonly WatchEvent[]): void {
    let revision = this.#revision;
    for (const { type, kv } of events) {
      revision = Math.max(revision, Number(kv.mod_revision));
      const what = stateKey(kv.key);
      if (what.kind === 'floor') {
        this.#floor = counterOf(kv.value ?? '');
        this.#dispatch({ type: 'forgotten', mnIds: [], floor: this.#floor });
      } else if (what.kind === 'length') this.#lengths = new Set([...this.#lengths, what.length]);
      else if (what.kind === 'mn') {
        // A value that no server has written is as good as none.
        const registration = type === 'DELETE' ? undefined : registrationOf(what.mnId, kv.value ?? '');
        this.#dispatch(
          registration === undefined
            ? { type: 'forgotten', mnIds: [what.mnId], floor: this.#floor }
            : { type: 'changed', registration },
        );
      }
    }
    this.#revision = revision;
    this.#deliver();
  }

  /** The changes that the watch should go on with are compacted away: takes the state as it is now. */
  async #reload(): Promise<void> {
    let snapshot: Snapshot;
    try {
      snapshot = await readState(this.#client, DEADLINE_MS);
    } catch (error) {
      if (!this.#closed) this.#settings.report(`cannot read the state anew: ${messageOf(error)}`);
      return;
    }
    const { revision, floor, lengths, registrations } = snapshot;
    this.#dispatch({ type: 'loaded', state: { registrations, floor } });
    this.#floor = floor;
    this.#lengths = lengths;
    this.#revision = revision;
    this.#deliver();
  }

  #tick(): void {
    const now = performance.now();
    const late = this.#awaiting.filter(({ since }) => now - since > DEADLINE_MS);
    this.#awaiting = this.#awaiting.filter(({ since }) => now - since <= DEADLINE_MS);
    const reason = 'no member of etcd tells of changes';
    this.#answer(late.flatMap(({ answers }) => answers.map(({ id }) => ({ type: 'failed', id, reason }))));
    const queued = this.#queue.filter(({ since }) => now - since > DEADLINE_MS);
    this.#queue = this.#queue.filter(({ since }) => now - since <= DEADLINE_MS);
    this.#fail(queued, 'etcd is too slow');
    if (this.#awaiting.some(({ from }) => now - from > MAX_LAG_MS)) this.#watch.leave(MAX_LAG_MS);
  }

  async #renew(): Promise<void> {
    try {
      this.#lease = await renew(this.#client, this.#settings.maxLifetime, DEADLINE_MS);
    } catch (error) {
      if (!this.#closed) this.#settings.report(`no lease: ${messageOf(error)}`);
    }
  }
}

/** A request as transactions can take it. */
function piecesOf(request: Wanted['request']): readonly Wanted['request'][] {
  if (request.type !== 'forget' || request.mnIds.length <= LIMITS.mnIds) return [request];
  const count = Math.ceil(request.mnIds.length / LIMITS.mnIds);
  return Array.from({ length: count }, (_, index) => ({
    ...request,
    mnIds: request.mnIds.slice(index * LIMITS.mnIds, (index + 1) * LIMITS.mnIds),
  }));
}
