import { CLIENT_SETTINGS } from '../../functions/lm/client/client.ts';
import { seededRandom } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import type { Settle } from '../scheduler.ts';
import { ROUTING_DESIGNS } from './designs.ts';
import { Fabric } from './fabric.ts';
import { Forwarding } from './forwarding.ts';
import { CELLS_PER_NETWORK, Grid } from './grid.ts';
import { Movement } from './movement.ts';
import { planFault } from './plan.ts';
import type { ScalePlan } from './plan.ts';
import { Population } from './population.ts';
import { Sessions } from './sessions.ts';
import { MaarSite, ServerSite } from './sites.ts';

/** For the servers to form their pool. */
const JOINING = 1_000;
/** For what is under way to arrive. */
const SETTLING = 10_000;

/** A whole domain of location management: a server for each network, a MAAR for each cell, MNs and their sessions. */
export class ScaleDomain {
  readonly plan: ScalePlan;
  readonly scheduler: Scheduler;
  readonly grid: Grid;
  readonly population: Population;
  readonly fabric: Fabric;
  readonly servers: readonly ServerSite[];
  readonly maars: readonly MaarSite[];
  readonly forwarding: Forwarding;
  readonly sessions: Sessions;
  readonly movement: Movement;

  /** Throws a RangeError for a plan that has no such domain. */
  constructor(plan: ScalePlan, settle: Settle) {
    const fault = planFault(plan);
    if (fault !== undefined) throw new RangeError(fault);
    const { seed, speed } = plan;
    this.plan = plan;
    this.scheduler = new Scheduler(settle);
    this.grid = new Grid(plan.maars);
    this.population = new Population(this.grid, plan.nodes, seed);
    this.fabric = new Fabric(this.scheduler, this.grid);
    this.servers = this.#buildServers();
    this.movement = new Movement(this.population, this.grid, this.scheduler, {
      speed,
      random: seededRandom(seed, 'movement'),
    });
    this.maars = this.#buildMaars();
    this.movement.sites.push(...this.maars);
    const { fabric, grid, population, maars: sites } = this;
    this.forwarding = new Forwarding(ROUTING_DESIGNS[plan.design], { fabric, grid, population, sites });
    this.sessions = new Sessions(plan, this.grid, this.scheduler, seededRandom(seed, 'sessions'), {
      begin: (correspondent) => this.movement.start(correspondent),
      send: (cell, to, first) => this.forwarding.send(cell, to, first),
    });
  }

  async start(): Promise<void> {
    for (const server of this.servers) server.start();
    await this.scheduler.sleep(JOINING);
    this.sessions.start();
  }

  /** Ends sessions and movement, and waits until every message and packet has arrived. */
  async stop(): Promise<void> {
    this.sessions.stop();
    this.movement.stop();
    await this.scheduler.sleep(SETTLING);
  }

  #buildServers(): ServerSite[] {
    const { plan, population, grid, fabric } = this;
    const names = population.servers.map((address, network) => ({
      ...({ address, name: `lm${network}`, role: 'server', key: undefined } as const),
    }));
    const clients = population.maars.map((address, cell) => ({
      ...({ address, name: `maar${cell}`, role: 'client', key: undefined } as const),
    }));
    // Those that do not move stay registered: their refreshments are counted from those of the others.
    const registrations = population.registrations(
      (plan.warmUp + plan.window + CLIENT_SETTINGS.lifetime) * 1000,
    );
    return names.map(({ address, name }, network) => {
      const first = network * CELLS_PER_NETWORK;
      const peers = [
        ...clients.slice(first, first + CELLS_PER_NETWORK),
        ...names.filter((other) => other.address !== address),
      ];
      const random = seededRandom(plan.seed, name);
      const primary = [population.primaryOf(network)];
      const state = { registrations: registrations[network]!, floor: 0 };
      const settings = { name, address, primary, gateway: undefined, peers, random };
      return new ServerSite(fabric, grid.centreOf(network), settings, state);
    });
  }

  #buildMaars(): MaarSite[] {
    const { plan, population, grid, fabric } = this;
    const maars = population.maars.map((address, cell) => ({ address, name: `maar${cell}`, key: undefined }));
    return maars.map(({ address, name }, cell) => {
      const network = grid.networkOf(cell);
      const servers = [{ address: population.servers[network]!, name: `lm${network}`, key: undefined }];
      const random = seededRandom(plan.seed, name);
      const settings = { ...CLIENT_SETTINGS, address, servers, maars, random };
      return new MaarSite(fabric, cell, settings, (site, effect) => this.movement.heard(site, effect));
    });
  }
}
