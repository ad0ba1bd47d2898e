import type { Binding } from '../../functions/lm/messages/message.ts';
import type { RoutingDesign } from './designs.ts';
import type { Fabric } from './fabric.ts';
import type { Grid } from './grid.ts';
import type { Population } from './population.ts';
import type { MaarSite } from './sites.ts';

/** Until a packet is looked up again at a MAAR that the MN has just left, before it is registered elsewhere: milliseconds. */
const HELD_FOR = 50;
/** A packet that is under way for longer is lost: milliseconds. */
const LOST_AFTER = 5_000;

export interface ForwardingCounts {
  sent: number;
  /** The MN was at the correspondent's own router: nothing to look up. */
  local: number;
  delivered: number;
  /** Of those delivered, the first ones of sessions. */
  first: number;
  lost: number;
  hits: number;
  misses: number;
  firstHits: number;
  firstMisses: number;
  /** Went by the MN's home router, which the push design does until that has told of the MN. */
  byHome: number;
  /** Came to a MAAR that the MN had left. */
  astray: number;
  /** Waited at one until the MN was registered elsewhere; each wait counts. */
  held: number;
  /** Look-ups at routers that packets came to: home routers, and MAARs that MNs have left. */
  furtherLookUps: number;
  /** Steps between cells, from the correspondent's router to the MN's. */
  steps: number;
  directSteps: number;
  /** Of first packets of sessions, from the correspondent's MAAR to the MN's: milliseconds in all, and as if all was known. */
  firstDelay: number;
  firstDirectDelay: number;
}

interface Packet {
  readonly to: number;
  /** Of a session. */
  readonly first: boolean;
  readonly sentAt: number;
  readonly from: number;
  /** Cell of the correspondent's mobility router. */
  readonly router: number;
  at: number;
  byHome: boolean;
}

/** Takes packets from correspondents to MNs as a design says, each look-up and redirect by the MAARs' own clients. */
export class Forwarding {
  readonly counts: ForwardingCounts = {
    ...{
      sent: 0,
      first: 0,
      local: 0,
      delivered: 0,
      lost: 0,
      hits: 0,
      misses: 0,
      firstHits: 0,
      firstMisses: 0,
    },
    ...{ byHome: 0, astray: 0, held: 0, furtherLookUps: 0 },
    ...{ steps: 0, directSteps: 0, firstDelay: 0, firstDirectDelay: 0 },
  };
  readonly #design: RoutingDesign;
  readonly #fabric: Fabric;
  readonly #grid: Grid;
  readonly #population: Population;
  readonly #sites: readonly MaarSite[];

  constructor(
    design: RoutingDesign,
    domain: {
      readonly fabric: Fabric;
      readonly grid: Grid;
      readonly population: Population;
      readonly sites: readonly MaarSite[];
    },
  ) {
    this.#design = design;
    this.#fabric = domain.fabric;
    this.#grid = domain.grid;
    this.#population = domain.population;
    this.#sites = domain.sites;
  }

  /** A packet of a correspondent in cell `from`. */
  send(from: number, to: number, first: boolean): void {
    const router = this.routerOf(from);
    const sentAt = this.#fabric.scheduler.now;
    const packet = { to, first, sentAt, from, router, at: from, byHome: false };
    this.counts.sent++;
    this.#carry(packet, router, () => this.#resolve(packet));
  }

  /** Cell of the mobility router for correspondents, and for homes, in a cell. */
  routerOf(cell: number): number {
    return this.#design.first === 'gateway' ? cell : this.#grid.centreOf(this.#grid.networkOf(cell));
  }

  /** At the correspondent's router. */
  #resolve(packet: Packet): void {
    const { to, first, router } = packet;
    if (this.#isAt(to, router)) {
      this.counts.local++;
      this.#deliver(packet);
      return;
    }
    const asks = this.#design.second === 'query';
    this.#sites[router]!.lookUp(this.#population.addressOf(to), asks, (binding, known) => {
      this.counts[known ? 'hits' : 'misses']++;
      if (first) this.counts[known ? 'firstHits' : 'firstMisses']++;
      if (binding !== undefined) this.#tunnel(packet, this.#population.cellOf(binding.locator));
      else {
        this.counts.byHome++;
        packet.byHome = true;
        this.#tunnel(packet, this.routerOf(this.#population.homeOf(to)));
      }
    });
  }

  #tunnel(packet: Packet, cell: number): void {
    this.#carry(packet, cell, () => {
      if (!this.#isAt(packet.to, cell) && !packet.byHome) this.counts.astray++;
      packet.byHome = false;
      this.#sendOn(packet);
    });
  }

  /** At the MN's router, or one that does not have the MN: the home router, or one that the MN has left. */
  #sendOn(packet: Packet): void {
    const { to, router, at, sentAt } = packet;
    if (this.#isAt(to, at)) {
      this.#deliver(packet);
      return;
    }
    if (this.#fabric.scheduler.now - sentAt > LOST_AFTER) {
      this.counts.lost++;
      return;
    }
    const site = this.#sites[at]!;
    this.counts.furtherLookUps++;
    site.lookUp(this.#population.addressOf(to), true, (binding) => {
      if (binding === undefined || binding.locator === site.address) {
        this.counts.held++;
        this.#fabric.scheduler.after(HELD_FOR, () => this.#sendOn(packet));
        return;
      }
      if (at !== router) this.#redirect(site, router, binding);
      this.#tunnel(packet, this.#population.cellOf(binding.locator));
    });
  }

  /** Tells the correspondent's router, which the packet's outer header names. */
  #redirect(site: MaarSite, router: number, binding: Binding): void {
    site.take({ type: 'redirect', to: this.#sites[router]!.address, binding });
  }

  #carry(packet: Packet, cell: number, arrived: () => void): void {
    this.counts.steps += this.#grid.distance(packet.at, cell);
    const delay = this.#fabric.delay(packet.at, cell);
    packet.at = cell;
    if (delay === 0) arrived();
    else this.#fabric.scheduler.after(delay, arrived);
  }

  #deliver({ from, at, first, sentAt }: Packet): void {
    this.counts.delivered++;
    this.counts.directSteps += this.#grid.distance(from, at);
    if (!first) return;
    this.counts.first++;
    this.counts.firstDelay += this.#fabric.scheduler.now - sentAt;
    this.counts.firstDirectDelay += this.#fabric.delay(from, at);
  }

  #isAt(node: number, cell: number): boolean {
    return this.#population.cells[node] === cell;
  }
}
