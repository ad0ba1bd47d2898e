import type { Command, CommandStatus } from '../../../bindings/entries.ts';
import { LIMIT_COMMANDS } from '../../../bindings/generated/abi.ts';
import { APPLY_FLAG_BEGIN, APPLY_FLAG_END } from '../../../bindings/generated/cpdp.ts';
import type { AgentClient } from './client.ts';
import { StandingEntries } from './standing.ts';

/** An agent without an instance makes a new one within a second. */
const NO_INSTANCE_MS = 200;

/** A batch of the machine, of which some commands may not have been answered yet. */
interface Batch {
  readonly number: number;
  readonly statuses: CommandStatus[];
  left: number;
}

/** A command on its way; without a batch it only repeats what stands already. */
interface Item {
  readonly command: Command;
  readonly batch?: Batch;
  readonly index: number;
}

interface Sent {
  readonly items: readonly Item[];
  readonly flags: number;
}

export type EntryChannel = Pick<AgentClient, 'hello' | 'generation' | 'batch' | 'repeat'>;

export interface EntryHandlers {
  readonly applied: (batch: number, statuses: readonly CommandStatus[]) => void;
  /** The agent does not take an entry again that stood before. */
  readonly fault: (text: string) => void;
}

/**
 * Brings the machine's batches to an agent across connections (bindings/cpdp/README.md, "Entries and generations").
 * One message is on its way at a time; what collects meanwhile goes together in the next. Nothing is lost or carried out
 * twice: what was not acknowledged is repeated by its generation where the agent is as it was left, and a whole set where
 * it is not. Until `settle` an agent that had entries before this control was there keeps those that nobody named.
 */
export class AgentEntries {
  readonly standing = new StandingEntries();
  readonly #handlers: EntryHandlers;
  #channel: EntryChannel | undefined;
  #queue: Item[] = [];
  #sent: Sent | undefined;
  /** How the agent was left. */
  #left: { readonly boot: bigint; readonly generation: bigint } | undefined;
  /** Of a whole set: whether it is still to begin, whether it has not ended, and how much of it waits in the queue. */
  #begins = false;
  #open = false;
  #repeats = 0;
  #settled = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(handlers: EntryHandlers) {
    this.#handlers = handlers;
  }

  /** True while the agent keeps entries of an earlier control that this one has not named. */
  get settling(): boolean {
    return this.#open && !this.#settled;
  }

  /** Answered by `applied` once all its commands are. */
  apply(number: number, commands: readonly Command[]): void {
    if (commands.length === 0) return this.#handlers.applied(number, []);
    const batch: Batch = { number, statuses: [], left: commands.length };
    this.#queue.push(...commands.map((command, index) => ({ command, batch, index })));
    this.#pump();
  }

  connected(channel: EntryChannel): void {
    const { boot, generation } = channel.hello;
    const since = this.#left?.boot === boot && !this.#open ? generation - this.#left.generation : undefined;
    this.#channel = channel;
    if (since === 0n || (since === 1n && this.#sent !== undefined)) {
      if (this.#sent === undefined) this.#pump();
      else this.#send(channel, this.#sent, since === 1n);
      return;
    }
    // Nothing stands there that could be missed.
    if (generation === 0n) this.#settled = true;
    this.#wholeSet();
    this.#pump();
  }

  disconnected(): void {
    this.#channel = undefined;
    clearTimeout(this.#retry);
  }

  /** Everything that this control has to learn is learnt: what it has not named may go. */
  settle(): void {
    this.#settled = true;
    this.#pump();
  }

  /** Puts everything that stands once more, before what waits. */
  #wholeSet(): void {
    const unanswered = [...(this.#sent?.items ?? []), ...this.#queue].filter(
      ({ batch }) => batch !== undefined,
    );
    const repeats = this.standing.puts().map((command, index) => ({ command, index }));
    this.#sent = undefined;
    this.#queue = [...repeats, ...unanswered];
    this.#repeats = repeats.length;
    this.#begins = true;
    this.#open = true;
  }

  #pump(): void {
    if (this.#channel === undefined || this.#sent !== undefined) return;
    const items = this.#queue.splice(0, LIMIT_COMMANDS);
    this.#repeats = Math.max(0, this.#repeats - items.length);
    const begin = this.#begins ? APPLY_FLAG_BEGIN : 0;
    const end = this.#open && this.#settled && this.#repeats === 0 ? APPLY_FLAG_END : 0;
    const flags = begin | end;
    if (items.length === 0 && flags === 0) return;
    this.#begins = false;
    this.#send(this.#channel, { items, flags }, false);
  }

  #send(channel: EntryChannel, sent: Sent, again: boolean): void {
    this.#sent = sent;
    const commands = sent.items.map(({ command }) => command);
    const answer = again ? channel.repeat(commands, sent.flags) : channel.batch(commands, sent.flags);
    answer.then(
      (statuses) => {
        if (this.#channel === channel && this.#sent === sent) this.#answered(channel, sent, statuses);
      },
      // The connection has ended, of which `disconnected` tells.
      () => undefined,
    );
  }

  #answered(channel: EntryChannel, sent: Sent, statuses: readonly (CommandStatus | 'state')[]): void {
    this.#left = { boot: channel.hello.boot, generation: channel.generation };
    this.#sent = undefined;
    if (statuses.includes('state')) {
      this.#queue.unshift(...sent.items);
      if (this.#open) this.#wholeSet();
      this.#retry = setTimeout(() => this.#pump(), NO_INSTANCE_MS);
      return;
    }
    if ((sent.flags & APPLY_FLAG_END) !== 0) this.#open = false;
    sent.items.forEach((item, index) => this.#done(item, statuses[index] as CommandStatus | undefined));
    this.#pump();
  }

  #done({ command, batch, index }: Item, status: CommandStatus = 'invalid'): void {
    if (status === 'ok') this.standing.done(command);
    else if (batch === undefined || status === 'absent') this.standing.missing(command);
    if (batch === undefined) {
      if (status !== 'ok') this.#handlers.fault(`${status}: ${JSON.stringify(command)}`);
      return;
    }
    batch.statuses[index] = status;
    if (--batch.left === 0) this.#handlers.applied(batch.number, batch.statuses);
  }
}
