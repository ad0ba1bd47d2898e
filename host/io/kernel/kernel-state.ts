import type { Command, CommandStatus, LinkId, Prefix, SourceEntry } from '../../../bindings/entries.ts';
import { messageOf } from '../../core/error-message.ts';
import type { StationActivity } from '../../core/maar-io.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import { DestinationRoutes, isDestination } from './destinations.ts';
import type { DestinationEntry } from './destinations.ts';
import { SourceSets } from './sources.ts';

/** Which entries a batch leaves behind, for the keys that it touches. */
interface Outcome {
  readonly destinations: Map<Prefix, DestinationEntry | undefined>;
  readonly sources: Map<
    string,
    { readonly prefix: Prefix; readonly link: LinkId; entry: SourceEntry | undefined }
  >;
}

/**
 * The kernel objects that follow from entries. The kernel sends a packet to the data plane only while the entry for it
 * stands there, and released packets find their routes: so of each batch one part comes before the data plane's, one after.
 */
export class KernelState {
  readonly #routes: DestinationRoutes;
  readonly #sets: SourceSets;
  readonly #destinations = new Map<Prefix, DestinationEntry>();
  readonly #sources = new Map<string, SourceEntry>();

  constructor(
    route: NetlinkSocket,
    netfilter: NetlinkSocket,
    maar: string,
    ifindexes: ReadonlyMap<LinkId, number>,
    coreTun: number,
  ) {
    this.#routes = new DestinationRoutes(route, ifindexes, coreTun);
    this.#sets = new SourceSets(netfilter, maar, ifindexes);
  }

  /** Before the data plane: what goes away, and routes to stations. Returns one line for each fault. */
  before(commands: readonly Command[]): string[] {
    const { destinations, sources } = this.#outcome(commands);
    const faults: string[] = [];
    for (const [prefix, entry] of destinations) {
      if (entry === undefined || entry.kind === 'deliver')
        attempt(faults, () => this.#routes.sync(prefix, entry));
    }
    for (const { prefix, link, entry } of sources.values()) {
      if (entry?.mac === undefined) attempt(faults, () => this.#sets.sync(prefix, link, undefined));
    }
    return faults;
  }

  /** After it, knowing what each command came to: everything as the data plane's tables now are. */
  after(commands: readonly Command[], statuses: readonly CommandStatus[]): string[] {
    // What `before` did for a command that was then refused is undone by syncing its key again.
    const touched = this.#outcome(commands);
    const { destinations, sources } = this.#outcome(commands.filter((_, index) => statuses[index] === 'ok'));
    const faults: string[] = [];
    for (const prefix of touched.destinations.keys()) {
      const entry = destinations.has(prefix) ? destinations.get(prefix) : this.#destinations.get(prefix);
      if (entry === undefined) this.#destinations.delete(prefix);
      else this.#destinations.set(prefix, entry);
      attempt(faults, () => this.#routes.sync(prefix, entry));
    }
    for (const [key, { prefix, link }] of touched.sources) {
      const entry = sources.has(key) ? sources.get(key)!.entry : this.#sources.get(key);
      if (entry === undefined) this.#sources.delete(key);
      else this.#sources.set(key, entry);
      attempt(faults, () => this.#sets.sync(prefix, link, entry));
    }
    return faults;
  }

  /** Between two batches: puts once more what the kernel forgets of an access link when its interface goes down. */
  restore(link: LinkId): string[] {
    const faults: string[] = [];
    this.#routes.forget(link);
    for (const [prefix, entry] of this.#destinations) {
      if (entry.kind === 'deliver' && entry.link === link)
        attempt(faults, () => this.#routes.sync(prefix, entry));
    }
    return faults;
  }

  /** Between two batches: puts the elements of all sources into a table that was loaded again. */
  restoreSources(): string[] {
    const faults: string[] = [];
    this.#sets.forget();
    for (const entry of this.#sources.values())
      attempt(faults, () => this.#sets.sync(entry.prefix, entry.link, entry));
    return faults;
  }

  /** Packets of each station, where the base table counts them. */
  activity(): StationActivity[] {
    return this.#sets.activity();
  }

  #outcome(commands: readonly Command[]): Outcome {
    const outcome: Outcome = { destinations: new Map(), sources: new Map() };
    const source = (prefix: Prefix, link: LinkId, entry: SourceEntry | undefined): void => {
      outcome.sources.set(`${link} ${prefix}`, { prefix, link, entry });
    };
    for (const command of commands) {
      if (command.op === 'put') {
        const { entry } = command;
        if (isDestination(entry)) outcome.destinations.set(entry.prefix, entry);
        else if (entry.kind === 'source') source(entry.prefix, entry.link, entry);
      } else if (command.op === 'delete') {
        if (command.kind === 'destination') outcome.destinations.set(command.prefix, undefined);
        else if (command.kind === 'source') source(command.prefix, command.link, undefined);
      }
    }
    return outcome;
  }
}

function attempt(faults: string[], action: () => void): void {
  try {
    action();
  } catch (error) {
    faults.push(messageOf(error));
  }
}
