import { MAARS } from '../plan.ts';
import type { HostName, MaarName, MoveKind } from '../lab.ts';
import { AIR, HOST_INTERFACE, air } from './topology.ts';
import type { Sandbox } from './sandbox.ts';

/** Plugs hosts into MAARs by changing which cable the medium joins with the host's. */
export class AccessMedium {
  readonly #sandbox: Sandbox;
  readonly #attached = new Map<HostName, MaarName>();
  /** Cables that have carrier at the MAAR's end. */
  readonly #live = new Set<string>();
  readonly #cut = new Set<MaarName>();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  attached(host: HostName): MaarName | undefined {
    return this.#attached.get(host);
  }

  /**
   * `silent` changes nothing but the joining; `carrier` takes carrier from the host and from both MAARs' ports for the
   * gap; `announced` takes it from the host first; `admin` does so because the host's owner takes its interface down. A first attachment always brings carrier.
   */
  async move(host: HostName, to: MaarName, kind: MoveKind, gapMs: number): Promise<void> {
    const from = this.#attached.get(host);
    const effective = from === undefined ? 'carrier' : kind;
    // Before the gap, since nobody may be told at its end: a port that was plugged out long ago has no carrier.
    if (effective === 'silent') await this.#raise(host, to);
    await this.#separate(host, from, to, effective);
    if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs));
    await this.#join(host, to, effective);
    this.#attached.set(host, to);
  }

  /** Unplugs a host: both ends lose carrier. */
  async leave(host: HostName): Promise<void> {
    const from = this.#attached.get(host);
    if (from === undefined) return;
    await this.#separate(host, from, undefined, 'carrier');
    this.#attached.delete(host);
  }

  /** Cuts or restores every access link of a MAAR without a change of carrier; who is attached stays attached. */
  async partition(maar: MaarName, cut: boolean): Promise<void> {
    if (cut) this.#cut.add(maar);
    else this.#cut.delete(maar);
    const hosts = [...this.#attached].filter(([, place]) => place === maar).map(([host]) => host);
    if (hosts.length === 0) return;
    await this.#air(
      hosts.map((host) => {
        const patch = air.patch(host, maar);
        return cut ? `set ${patch} nomaster` : `set ${patch} master ${air.bridge(host)}`;
      }),
    );
  }

  async #separate(
    host: HostName,
    from: MaarName | undefined,
    to: MaarName | undefined,
    kind: MoveKind,
  ): Promise<void> {
    if (kind === 'admin') await this.#owner(host, 'down');
    const lines = from === undefined ? [] : [`set ${air.patch(host, from)} nomaster`];
    const carrier = `set ${air.port(host)} down`;
    // Whoever is told to leave sends nothing more: the air takes what left the host's port before.
    if (kind === 'announced') lines.unshift(carrier);
    else if (kind === 'carrier') lines.push(carrier);
    if (kind !== 'silent') {
      for (const maar of MAARS.filter((name) => name === from || name === to)) {
        lines.push(`set ${air.patch(host, maar)} down`);
        this.#live.delete(air.patch(host, maar));
      }
    }
    if (lines.length > 0) await this.#air(lines);
  }

  async #join(host: HostName, to: MaarName, kind: MoveKind): Promise<void> {
    const patch = air.patch(host, to);
    const lines = this.#cut.has(to) ? [] : [`set ${patch} master ${air.bridge(host)}`];
    if (kind !== 'silent') {
      lines.push(`set ${patch} up`);
      this.#live.add(patch);
    }
    if (kind === 'carrier' || kind === 'announced') lines.push(`set ${air.port(host)} up`);
    if (lines.length > 0) await this.#air(lines);
    if (kind === 'admin') await this.#owner(host, 'up');
  }

  async #raise(host: HostName, maar: MaarName): Promise<void> {
    const patch = air.patch(host, maar);
    if (this.#live.has(patch)) return;
    await this.#air([`set ${patch} up`]);
    this.#live.add(patch);
  }

  async #owner(host: HostName, state: 'up' | 'down'): Promise<void> {
    await this.#sandbox.shell(host).run(`ip link set ${HOST_INTERFACE} ${state}`);
  }

  /** All changes in one process: they take effect within a tenth of a millisecond of each other. */
  async #air(lines: readonly string[]): Promise<void> {
    const batch = lines.map((line) => `link ${line}\n`).join('');
    await this.#sandbox.shell(AIR).run(`ip -batch - <<'END'\n${batch}END`);
  }
}
