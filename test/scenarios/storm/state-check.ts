import type { Prefix } from '../../../bindings/entries.ts';
import type { StatusView } from '../../../host/core/view.ts';
import { mnPrefix } from '../../../host/functions/lm/node.ts';
import type { HostName, Lab, MaarName } from '../../../host/lab/lab.ts';
import { HOSTS, mnId } from '../../../host/lab/plan.ts';
import { anchorOf } from './auditor.ts';
import type { Auditor } from './auditor.ts';
import { holds } from './invariants.ts';

interface Timers {
  readonly bindingSeconds: number;
  readonly hold: number;
  readonly forget: number;
  readonly retransmitMax: number;
}

const MAARS: readonly MaarName[] = ['a1', 'a2', 'b1', 'b2'];

/** Compares what the MAARs believe with their data planes, with each other, and with where the hosts are. */
export class StateCheck {
  readonly #lab: Lab;
  readonly #auditor: Auditor;
  readonly #scheme: string;
  /** A lifetime, and the retransmissions of the last message of it. */
  readonly #longest: number;

  constructor(
    lab: Lab,
    auditor: Auditor,
    scheme: string,
    { bindingSeconds, hold, forget, retransmitMax }: Timers,
  ) {
    this.#lab = lab;
    this.#auditor = auditor;
    this.#scheme = scheme;
    this.#longest = bindingSeconds * 1_000 + hold + forget + 2 * retransmitMax;
  }

  /** What holds at any time. */
  async always(): Promise<void> {
    for (const [name, status] of await this.#running()) {
      this.#lifetimes(name, status);
      if (this.#auditor.stands(name)) this.#explained(name, status);
    }
  }

  /** What holds once nothing is going on any more. */
  async inTheEnd(places: ReadonlyMap<HostName, MaarName>): Promise<void> {
    const running = await this.#running();
    for (const host of HOSTS) {
      const has = [...running]
        .filter(([, { maar }]) =>
          maar.nodes.some((node) => node.mnId === mnId(host) && node.state === 'attached'),
        )
        .map(([name]) => name);
      const place = places.get(host)!;
      holds(
        has.length === 1 && has[0] === place,
        'one',
        () => `${host} is at ${place}; ${has.join(', ') || 'nobody'} has it`,
      );
    }
  }

  async #running(): Promise<Map<MaarName, StatusView>> {
    const running = new Map<MaarName, StatusView>();
    for (const name of MAARS) {
      const status = await this.#lab.show(name).catch(() => undefined);
      if (status !== undefined) running.set(name, status);
    }
    return running;
  }

  #lifetimes(name: MaarName, { dataplane }: StatusView): void {
    for (const { prefix, action } of dataplane.entries.destinations) {
      if (action !== 'tunnel') continue;
      const locator = this.#auditor.locatorOf(name, prefix);
      if (locator === anchorOf(prefix)) continue;
      const silence = this.#auditor.silence(name, mnPrefix(prefix));
      holds(silence <= this.#longest, 'lifetime', () => {
        return `${name} tunnels ${prefix} to ${locator}, of which it has heard nothing for ${Math.round(silence)} ms`;
      });
    }
  }

  #explained(name: MaarName, { maar, dataplane }: StatusView): void {
    const wanted = this.#wanted(maar);
    for (const { prefix, action: kind } of dataplane.entries.destinations) {
      const reasons = wanted.get(prefix) ?? [];
      const action = kind === 'tunnel' ? `tunnel ${this.#auditor.locatorOf(name, prefix)}` : kind;
      const explained = reasons.includes(action);
      holds(
        explained || this.#unseen(prefix),
        'explained',
        () => `${name}: ${prefix} ${action}; control wants ${reasons.join(' or ') || 'nothing'}`,
      );
    }
    const there = new Set(dataplane.entries.destinations.map(({ prefix }) => prefix));
    for (const [prefix, reasons] of wanted) {
      const optional = reasons.includes('');
      holds(
        there.has(prefix) || optional,
        'explained',
        () => `${name}: nothing for ${prefix}; control wants ${reasons.join(' or ')}`,
      );
    }
  }

  /** Entries that the view of control does not tell of. */
  #unseen(prefix: Prefix): boolean {
    return this.#scheme === 'luo' && !prefix.endsWith('/128');
  }

  /** Beginnings of actions that control wants for each destination. */
  #wanted({ nodes, anchored, released }: StatusView['maar']): Map<Prefix, string[]> {
    const wanted = new Map<Prefix, string[]>();
    const want = (prefix: Prefix, ...actions: string[]): void => {
      wanted.set(prefix, [...(wanted.get(prefix) ?? []), ...actions]);
    };
    const attached = nodes.filter(({ state }) => state === 'attached');
    for (const { prefix, external, internal } of attached) {
      const homes = [...(prefix === '::/128' ? [] : [prefix]), ...external.map(({ hoa }) => mnPrefix(hoa))];
      for (const home of homes) want(home, 'deliver', 'buffer');
      for (const { hoa, maar, tunnelled } of internal) {
        if (tunnelled) want(hoa, `tunnel ${maar}`);
        else want(hoa, `tunnel ${maar}`, '');
      }
    }
    for (const { hoa, serving } of anchored) if (!wanted.has(hoa)) want(hoa, `tunnel ${serving}`);
    for (const { mnId: owner, movedTo, forwarding } of released) {
      if (!forwarding || movedTo === undefined) continue;
      for (const host of HOSTS) {
        if (mnId(host) !== owner) continue;
        for (const prefix of this.#auditor.prefixesOf(owner))
          if (!wanted.has(prefix)) want(prefix, `tunnel ${movedTo}`, '');
      }
    }
    return wanted;
  }
}
