import type { DataPlane, PacketIn, PacketOut } from '../../../bindings/dataplane.ts';
import type { Address, Command, Mac, Prefix, TunnelEntry } from '../../../bindings/entries.ts';
import type { MaarName } from '../../../host/lab/lab.ts';
import { maarAddress, maarPool, MAARS } from '../../../host/lab/plan.ts';
import type { MaarMachine } from '../../../host/sim/maar-node.ts';
import { addressBytes, contains, prefixOf, withoutLength } from '../../../host/wire/address.ts';
import { holds } from './invariants.ts';
import { innerOf } from './packet.ts';

/** How often one copy of a packet may come to one MAAR: from its host, and back through the tunnel of a handover. */
const VISITS = 3;

/** Sees everything that goes into and comes out of the control and data planes of all MAARs. */
export class Auditor {
  readonly #now: () => number;
  /** Packets that went in a circle through a third MAAR: docs/testing.md tells how that comes. */
  readonly circles = new Set<string>();
  readonly #machines = new Map<MaarName, MaarMachine>();
  /** MAARs that each copy of a packet has come to. */
  readonly #ways = new Map<string, readonly MaarName[]>();
  /** Who was leased each prefix last. */
  readonly #owners = new Map<Prefix, string>();
  /** When each MAAR last heard anything about a prefix or its MN. */
  readonly #heard = new Map<string, number>();
  /** Where the tunnel of each MAAR and prefix that has one leads to, as its data plane was told last. */
  readonly #locators = new Map<string, Address>();
  /** Batches that the data plane of a MAAR has not answered. */
  readonly #outstanding = new Map<MaarName, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The control plane of a MAAR that starts. */
  control(name: MaarName, machine: MaarMachine): MaarMachine {
    this.#outstanding.set(name, 0);
    this.#machines.set(name, machine);
    return {
      view: (now) => machine.view(now),
      step: (event, now) => {
        if (event.type === 'mobility') this.#hears(name, event.data);
        if (event.type === 'applied') this.#count(name, -1);
        const effects = machine.step(event, now);
        for (const effect of effects) {
          if (effect.type === 'apply') this.#count(name, 1);
          if (effect.type !== 'leases') continue;
          for (const { prefix, mnId } of effect.put) this.#owners.set(prefix, mnId);
        }
        return effects;
      },
    };
  }

  /** The data plane of a MAAR that starts. */
  plane(name: MaarName, plane: DataPlane): DataPlane {
    return {
      apply: (commands, now) => {
        const statuses = plane.apply(commands, now);
        commands.forEach((command, index) => {
          const { prefix, locator } = tunnelOf(command) ?? {};
          if (prefix !== undefined && statuses[index] === 'ok')
            this.#locators.set(`${name} ${prefix}`, locator!);
        });
        return statuses;
      },
      process: (batch, now) => {
        this.#arrives(name, batch);
        const out = plane.process(batch, now);
        this.#leaves(name, out);
        return out;
      },
      events: () => plane.events(),
      counters: () => plane.counters(),
      dump: () => plane.dump(),
      deadline: () => plane.deadline(),
    };
  }

  /** Whether all that control has decided stands. */
  stands(name: MaarName): boolean {
    return this.#outstanding.get(name) === 0;
  }

  locatorOf(name: MaarName, prefix: Prefix): Address {
    return this.#locators.get(`${name} ${prefix}`)!;
  }

  /** Milliseconds since a MAAR last heard anything about a prefix. */
  silence(name: MaarName, prefix: Prefix): number {
    return this.#now() - (this.#heard.get(`${name} ${prefix}`) ?? -Infinity);
  }

  prefixesOf(mnId: string): Prefix[] {
    return [...this.#owners].filter(([, owner]) => owner === mnId).map(([prefix]) => prefix);
  }

  #count(name: MaarName, change: number): void {
    this.#outstanding.set(name, (this.#outstanding.get(name) ?? 0) + change);
  }

  #hears(name: MaarName, data: Uint8Array): void {
    const text = Buffer.from(data).toString('latin1');
    for (const [prefix, mnId] of this.#owners) {
      if (text.includes(mnId) || text.includes(needle(prefix))) {
        this.#heard.set(`${name} ${prefix}`, this.#now());
      }
    }
  }

  #arrives(name: MaarName, batch: readonly PacketIn[]): void {
    for (const { data } of batch) {
      const { name: copy, src, dst } = innerOf(data);
      if (copy === undefined) continue;
      const key = `${src} -> ${dst} (${copy})`;
      const way = this.#ways.get(key) ?? [];
      this.#ways.set(key, [...way, name]);
      const visits = way.filter((maar) => maar === name).length + 1;
      if (visits > 1 && this.#passes(name, src, dst, way.at(-1)!)) this.circles.add(key);
      holds(visits <= VISITS || this.circles.has(key), 'loop', () => {
        return `${key} goes by way of ${[...way, name].join(', ')}`;
      });
    }
  }

  /**
   * Whether a packet is where its source is anchored, which is away, while its receiver is not known there, and comes from
   * another MAAR than its receiver's anchor: it is routed to that one.
   */
  #passes(name: MaarName, src: Address, dst: Address, from: MaarName): boolean {
    if (!contains(maarPool(name), src) || contains(maarPool(from), dst)) return false;
    const nodes = this.#machines.get(name)?.view(0).nodes ?? [];
    const has = (address: Address): boolean =>
      nodes.some(
        ({ prefix, external }) =>
          contains(prefix, address) || external.some(({ hoa }) => contains(prefixOf(address, 64), hoa)),
      );
    return !has(src) && !has(dst);
  }

  #leaves(name: MaarName, out: readonly PacketOut[]): void {
    for (const { data, verdict } of out) {
      if (verdict.action !== 'deliver') continue;
      const { src, dst } = innerOf(data);
      const owner = this.#owners.get(prefixOf(dst, 64));
      holds(owner === undefined || owner === mnIdOf(verdict.mac), 'owner', () => {
        return `${name} delivers a packet ${src} -> ${dst} of ${owner ?? ''} to ${verdict.mac}`;
      });
    }
  }
}

function tunnelOf(command: Command): TunnelEntry | undefined {
  return command.op === 'put' && command.entry.kind === 'tunnel' ? command.entry : undefined;
}

const needles = new Map<Prefix, string>();

/** The octets that every message has which names the prefix, or an address of it. */
function needle(prefix: Prefix): string {
  let text = needles.get(prefix);
  if (text === undefined) {
    text = Buffer.from(addressBytes(withoutLength(prefix)).subarray(0, 8)).toString('latin1');
    needles.set(prefix, text);
  }
  return text;
}

function mnIdOf(mac: Mac): string {
  return `${mac.replaceAll(':', '')}@mn.maar.example`;
}

export function anchorOf(where: Prefix | Address): Address | undefined {
  const name = MAARS.find((maar) => contains(maarPool(maar), where));
  return name === undefined ? undefined : maarAddress(name);
}
