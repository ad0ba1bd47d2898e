import type { LinkId, Mac } from '../../../bindings/entries.ts';
import { ATTACHED_MAX } from '../../../bindings/node/cpdp.ts';
import type { AgentUse } from '../../../bindings/node/cpdp.ts';
import { messageOf } from '../../core/error-message.ts';
import type { MaarEvent, Usage } from '../../core/maar-io.ts';
import type { StatusView } from '../../core/view.ts';
import { askControl, controlPath } from '../control-socket.ts';
import { MachineRoom } from '../machine-room.ts';
import type { MachineOptions, RouterAnswers, RouterEffect } from '../machine-room.ts';
import { differences } from './agent-config.ts';
import type { AgentConfig } from './agent-config.ts';
import { AgentClient } from './client.ts';
import { routerCounters } from './counters.ts';
import { textOf } from './dial.ts';
import { AgentEntries } from './entries.ts';
import { RouterPorts } from './presence.ts';

/** From the end of a connection to the next attempt; to a router that is configured otherwise there is no haste. */
const RECONNECT_MS = 250;
const DIFFERENT_MS = 5_000;
/** How often the pairs in use are asked for while an earlier control's entries are taken over. */
const RELEARN_MS = 1_000;

export interface AgentHostOptions extends MachineOptions {
  readonly config: AgentConfig;
}

/**
 * One MAAR whose data plane and kernel are on another machine, behind an agent: carries out the effects of its state
 * machine there and brings it what happens there. The agent forwards on while there is no connection; one that comes
 * back goes on where it ended.
 */
export class AgentHost {
  readonly #config: AgentConfig;
  readonly #trace: MachineOptions['trace'];
  readonly #room: MachineRoom;
  readonly #entries: AgentEntries;
  readonly #ports: RouterPorts;
  readonly #stations = new Map<LinkId, readonly Mac[]>();
  /** Questions of the machine that wait for a connection. */
  readonly #owed = new Set<'usage' | 'activity'>();
  #client: AgentClient | undefined;
  #reason = 'not yet connected';
  #reconnect: NodeJS.Timeout | undefined;
  #relearn: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  #started = false;
  #closed = false;

  constructor(options: AgentHostOptions) {
    this.#config = options.config;
    this.#trace = options.trace;
    this.#room = new MachineRoom(options, (effect) => this.#carryOut(effect));
    this.#entries = new AgentEntries({
      applied: (batch, statuses) => this.#room.dispatch({ type: 'applied', batch, statuses }),
      fault: (text) => this.#room.fault('entry that stood', [text]),
    });
    this.#ports = new RouterPorts(
      (event) => this.#room.dispatch(event),
      (link, port, mac) => {
        void this.#room.leaving(link, port, mac).then(() => this.#client?.keeping(mac));
      },
    );
  }

  /** Begins to look for the agent, without end. Rejects where another control serves the same state directory. */
  async start(): Promise<void> {
    const { stateDirectory } = this.#config;
    const other = await askControl(controlPath(stateDirectory), { show: 'status' }).catch(() => undefined);
    if (other !== undefined)
      throw new Error(`another control runs with the state directory ${stateDirectory}`);
    await this.#room.serve(stateDirectory, this.#answers);
    this.#connect();
  }

  /** Gives the machine an event of the caller's own. */
  dispatch(event: MaarEvent): void {
    this.#room.dispatch(event);
  }

  status(): Promise<StatusView> {
    return this.#room.status(this.#answers);
  }

  readonly #answers: RouterAnswers = {
    dataPlane: () => this.#dataPlane(),
    linkOf: (port) => this.#ports.linkOf(port),
  };

  /**
   * Orderly end: the machine says farewell and the router's entries are deleted, or, with `keep`, both stay for the next
   * control. Returns one line for each fault.
   */
  async stop(keep = false): Promise<readonly string[]> {
    if (!keep && this.#started) await this.#room.farewell();
    this.#closed = true;
    for (const timer of [this.#reconnect, this.#relearn, this.#settle]) clearTimeout(timer);
    this.#room.close();
    const faults: string[] = [];
    if (!keep) {
      await this.#client
        ?.replaceAll([])
        .catch((error: unknown) => faults.push(`entries: ${messageOf(error)}`));
      if (this.#client === undefined && this.#started)
        faults.push(`entries stay on the router: ${this.#reason}`);
    }
    this.#entries.disconnected();
    await this.#client?.close();
    return faults;
  }

  #connect(): void {
    const { agent, lifetime } = this.#config;
    const connection = AgentClient.connect(
      agent,
      {
        events: (events) => {
          for (const event of events) this.#room.dispatch({ type: 'dataplane', event });
        },
        packet: ({ src, side, data }) => {
          this.#room.dispatch({ type: 'mobility', src, dst: this.#config.address, side, data });
        },
        frame: (frame) => this.#room.dispatch({ type: 'frame', ...frame }),
        presence: (changes) => this.#ports.take(changes),
        closed: (reason) => this.#disconnected(reason),
      },
      lifetime,
    );
    connection.then(
      (client) => void this.#connected(client),
      (error: unknown) => this.#again(messageOf(error)),
    );
  }

  async #connected(client: AgentClient): Promise<void> {
    const found = differences(client.hello, this.#config);
    if (this.#closed || found.length > 0) {
      this.#again(`the router is configured otherwise: ${found.join('; ')}`, DIFFERENT_MS);
      await client.close();
      return;
    }
    const { boot, generation } = client.hello;
    const detail = { state: 'connected', agent: textOf(this.#config.agent), boot: String(boot) };
    this.#trace({ type: 'trace', what: 'agent', detail: { ...detail, generation: String(generation) } });
    this.#client = client;
    this.#reason = '';
    this.#ports.begin();
    this.#entries.connected(client);
    if (!this.#started) {
      this.#started = true;
      this.#room.dispatch({ type: 'start' });
    } else {
      for (const [link, macs] of this.#stations) client.attached(link, macs.slice(0, ATTACHED_MAX));
    }
    if (this.#entries.settling)
      this.#settle ??= setTimeout(() => this.#entries.settle(), this.#config.settle);
    for (const question of [...this.#owed]) this.#ask(question);
    // Told before it answers anything: what it names until now is all that is there.
    await client.status().then(
      () => this.#ports.complete(),
      () => undefined,
    );
    this.#learnFlows();
  }

  #disconnected(reason: Error): void {
    // Not of a connection that was refused here.
    if (this.#client === undefined) return;
    this.#client = undefined;
    clearTimeout(this.#relearn);
    this.#entries.disconnected();
    this.#again(reason.message);
  }

  /** Tries again in a moment; what is in the way is told once. */
  #again(reason: string, wait = RECONNECT_MS): void {
    if (this.#closed) return;
    if (reason !== this.#reason) {
      this.#trace({ type: 'trace', what: 'agent', detail: { state: 'disconnected', reason } });
    }
    this.#reason = reason;
    this.#reconnect = setTimeout(() => this.#connect(), wait);
  }

  /**
   * The data plane tells of a pair of addresses when it begins to talk, and remembers that it did. Control that was away,
   * or is new, hears it from the pairs in use: at once, and, as stations are found again, until all is settled.
   */
  #learnFlows(): void {
    const client = this.#client;
    if (client === undefined) return;
    client.usage().then(
      (uses) => {
        if (this.#client !== client) return;
        for (const use of uses) {
          if ('src' in use) {
            this.#room.dispatch({ type: 'dataplane', event: { kind: 'flow', src: use.src, dst: use.dst } });
          }
        }
        if (this.#entries.settling) this.#relearn = setTimeout(() => this.#learnFlows(), RELEARN_MS);
      },
      () => undefined,
    );
  }

  #carryOut(effect: RouterEffect): void {
    const client = this.#client;
    switch (effect.type) {
      case 'apply':
        this.#entries.apply(effect.batch, effect.commands);
        return;
      case 'usage':
      case 'activity':
        this.#ask(effect.type);
        return;
      case 'frame':
        this.#room.attempt(`frame on link ${effect.link}`, () =>
          client?.frame(effect.link, effect.port, effect.data),
        );
        return;
      case 'mobility':
      case 'icmpv6':
        this.#room.attempt(`${effect.type} to ${effect.dst}`, () =>
          client?.send(effect.dst, effect.data, effect.type),
        );
        return;
      case 'stations':
        this.#stations.set(effect.link, effect.macs);
        client?.attached(effect.link, effect.macs.slice(0, ATTACHED_MAX));
        return;
    }
  }

  /** Asked again on the next connection where this one ends first: the machine waits for the answer. */
  #ask(question: 'usage' | 'activity'): void {
    this.#owed.add(question);
    const client = this.#client;
    if (client === undefined) return;
    const answer = (event: MaarEvent): void => {
      if (this.#closed || !this.#owed.delete(question)) return;
      this.#room.dispatch(event);
    };
    if (question === 'activity') {
      client.activity().then(
        (stations) => answer({ type: 'activity', stations }),
        () => undefined,
      );
    } else {
      client.usage().then(
        (uses) => answer(this.#usage(uses)),
        () => undefined,
      );
    }
  }

  #usage(uses: readonly AgentUse[]): Usage {
    const now = this.#room.now();
    return {
      type: 'usage',
      destinations: uses.flatMap((use) =>
        'prefix' in use ? [{ prefix: use.prefix, lastUsed: now - use.idleMillis }] : [],
      ),
      pairs: uses.flatMap((use) =>
        'src' in use ? [{ src: use.src, dst: use.dst, lastUsed: now - use.idleMillis }] : [],
      ),
    };
  }

  /** Counters of the router under the names that they have everywhere, and the entries that its agent has acknowledged. */
  async #dataPlane(): Promise<Omit<StatusView, 'maar'>> {
    const client = this.#client;
    const agent = { address: textOf(this.#config.agent), connected: client !== undefined };
    if (client === undefined) {
      const entries = this.#entries.standing.dump(() => 0);
      return { dataplane: { counters: {}, entries }, agent: { ...agent, reason: this.#reason } };
    }
    const [status, uses] = await Promise.all([client.status(), client.usage()]);
    const used = new Map(this.#usage(uses).destinations.map(({ prefix, lastUsed }) => [prefix, lastUsed]));
    const entries = this.#entries.standing.dump((prefix) => used.get(prefix) ?? 0);
    return {
      dataplane: { counters: routerCounters(status, client.lost), entries },
      agent: { ...agent, entries: status.entries },
    };
  }
}
