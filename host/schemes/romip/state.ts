import type { Address, Prefix } from '../../../bindings/entries.ts';
import { ReleasedLists } from '../../functions/fm/released.ts';
import { Sessions } from '../../functions/fm/sessions.ts';
import { Exchanges } from '../../functions/lm/exchange.ts';
import { mnPrefix } from '../../functions/lm/node.ts';
import { ReplayGuard } from '../../functions/lm/replay.ts';
import { Phases } from '../phases.ts';
import type { Functions } from '../scheme.ts';
import { STATUS } from './messages/constants.ts';
import type { DDba, DDbu, DistributedMessage, SDba, SDbu } from './messages/message.ts';
import type { Profile } from './messages/profile.ts';
import { TRANSITIONS, type Phase, type PhaseEvent } from './transitions.ts';

type Update = SDbu | DDbu;
type Acknowledgement = SDba | DDba;

/** Timer ids, each followed by what it is for. All begin as the schemes' timers must. */
export const TIMER = {
  fetch: 'scheme:fetch ',
  repoint: 'scheme:repoint ',
  refresh: 'scheme:refresh ',
  anchored: 'scheme:anchored ',
  session: 'scheme:session ',
  retry: 'scheme:retry ',
} as const;

/** Updates that wait for another exchange to end before they can be answered; past that they are left to be repeated. */
const MAX_PARKED = 64;

/** What the steps of the protocol share. */
export class State {
  readonly functions: Functions;
  readonly profile: Profile;
  readonly fetches: Exchanges<SDba>;
  readonly repoints: Exchanges<DDba>;
  readonly guard: ReplayGuard;
  readonly phases: Phases<Phase, PhaseEvent>;
  readonly sessions: Sessions;
  readonly released: ReleasedLists;
  readonly #retries = new Map<string, number>();
  #parked = new Map<string, { readonly since: number; readonly run: () => void }>();

  constructor(functions: Functions, profile: Profile) {
    this.functions = functions;
    this.profile = profile;
    this.fetches = new Exchanges(functions.context, TIMER.fetch);
    this.repoints = new Exchanges(functions.context, TIMER.repoint);
    this.guard = new ReplayGuard(functions.context);
    this.phases = new Phases(functions.context, TRANSITIONS);
    this.sessions = new Sessions(functions, ({ mnId }, { cn }) => {
      functions.context.disarm(`${TIMER.session}${mnId} ${cn}`);
      this.settleRetry(`${TIMER.retry}${mnId} ${cn}`);
    });
    this.released = new ReleasedLists(functions, (mnId) => {
      this.phases.advance(mnId, 'gone');
    });
  }

  get bindingSeconds(): number {
    return this.functions.context.config.timers.bindingSeconds;
  }

  /** Whether some MN here has its bindings still on the way, so that what is unknown now may be known soon. */
  get fetching(): boolean {
    return this.phases.some('fetching');
  }

  retries(id: string): number {
    return this.#retries.get(id) ?? 0;
  }

  /** Counts one more try under a retry timer; returns how many there were before. */
  countRetry(id: string): number {
    const before = this.retries(id);
    this.#retries.set(id, before + 1);
    return before;
  }

  settleRetry(id: string): void {
    if (this.#retries.delete(id)) this.functions.context.disarm(id);
  }

  /** Puts an update aside until the bindings that are on the way have come; its resends take its place. */
  park(src: Address, update: Update, run: () => void): void {
    const key = `${src} ${subjectOf(update)}`;
    if (this.#parked.size >= MAX_PARKED && !this.#parked.has(key)) {
      this.functions.context.count('parked-overflow');
      return;
    }
    this.#parked.set(key, { since: this.functions.context.now, run });
  }

  /** Takes up what was put aside, but for what its sender has given up on by now. */
  unpark(): void {
    const { now, config } = this.functions.context;
    const parked = [...this.#parked.values()];
    this.#parked.clear();
    for (const { since, run } of parked) if (now - since < config.timers.retransmitMax) run();
  }

  send(message: DistributedMessage, to: Address): readonly Uint8Array[] {
    const { context, domain } = this.functions;
    const parts = this.profile.emit(message, domain.self, to);
    for (const data of parts) this.#transmit(data, to);
    context.count(`sent-${message.kind}`);
    context.trace('send', { message: message.kind, to: domain.nameOf(to), detail: describe(message) });
    return parts;
  }

  /** Answers an update, and remembers the answer for its repeats. */
  answer(message: Acknowledgement, to: Address, update: Update): void {
    const parts = this.send(message, to);
    this.guard.answered(to, subjectOf(update), update.sequence, parts);
  }

  /**
   * The checks that both updates owe: replay window, timestamp, MN-ID. Answers what fails; true if the update may go on.
   */
  admit(update: Update, src: Address): boolean {
    const { context, domain } = this.functions;
    context.count(`received-${update.kind}`);
    context.trace('receive', {
      message: update.kind,
      from: domain.nameOf(src),
      detail: describe(update),
    });
    const skew = Math.abs(update.timestamp - context.now);
    if (skew > context.config.timers.timestampWindow) {
      this.refuse(update, src, STATUS.timestamp);
      return false;
    }
    const admission = this.guard.admit(src, subjectOf(update), update.sequence);
    if (admission.verdict === 'accept') return true;
    if (admission.verdict === 'out-of-window') {
      this.refuse(update, src, STATUS.sequence, admission.last);
      return false;
    }
    context.count('repeated-update');
    for (const data of admission.answer ?? []) this.#transmit(data, src);
    return false;
  }

  /** An acknowledgement that grants nothing. */
  refuse(update: Update, src: Address, status: number, sequence = update.sequence): void {
    this.functions.context.count(`refused-${update.kind}-${status}`);
    this.answer(refusal(update, status, sequence), src, update);
  }

  #transmit(data: Uint8Array, dst: Address): void {
    const { context, domain } = this.functions;
    context.emit({ type: 'mobility', src: domain.self, dst, data });
  }
}

/** One exchange, and one sequence window, for each kind, MN and home. */
export function subjectOf(message: DistributedMessage): string {
  if (message.kind === 'sDBU' || message.kind === 'sDBA') return `s ${message.mnId}`;
  const home: Prefix = message.homes[0] ?? '::/0';
  return `d ${message.mnId} ${mnPrefix(home)}`;
}

function refusal(update: Update, status: number, sequence: number): Acknowledgement {
  const { mnId, counter } = update;
  const common = { status, sequence, lifetimeSeconds: 0, mnId, counter };
  if (update.kind === 'sDBU') return { kind: 'sDBA', ...common, part: 1, parts: 1, homes: [] };
  return { kind: 'dDBA', ...common, homes: update.homes, correspondents: update.correspondents };
}

function describe(message: DistributedMessage): Record<string, unknown> {
  const { kind: _kind, ...fields } = message;
  return fields;
}
