import type { Address, Mac } from '../../../bindings/entries.ts';
import type { Random } from '../../core/machine.ts';
import type { Cancel, Scheduler } from '../scheduler.ts';
import { LINUX } from './linux.ts';

/** RFC 4861 section 7.3.2. */
type State = 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe';

interface Neighbour {
  state: State;
  mac: Mac | undefined;
  queue: Uint8Array[];
  probes: number;
  cancel: Cancel | undefined;
}

export interface NeighbourLink {
  /** Sends an IPv6 packet to a station. */
  send(mac: Mac, packet: Uint8Array): void;
  /** Sends a Neighbor Solicitation: to the station, or to the solicited-node group for want of one. */
  solicit(target: Address, mac: Mac | undefined, waiting: Uint8Array | undefined): void;
}

/** Neighbour cache with unreachability detection, RFC 4861 section 7.3. It knows nothing of the move of its host. */
export class NeighbourCache {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #link: NeighbourLink;
  readonly #neighbours = new Map<Address, Neighbour>();

  constructor(scheduler: Scheduler, random: Random, link: NeighbourLink) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#link = link;
  }

  /** Sends a packet to a next hop, or keeps it until that is resolved. */
  send(nextHop: Address, packet: Uint8Array): void {
    const neighbour = this.#get(nextHop);
    if (neighbour.mac === undefined) {
      neighbour.queue.push(packet);
      if (neighbour.queue.length > LINUX.unresolvedQueue) neighbour.queue.shift();
      if (neighbour.cancel === undefined) this.#probe(nextHop, neighbour);
      return;
    }
    if (neighbour.state === 'stale') {
      this.#enter(neighbour, 'delay', LINUX.delayFirstProbe, () => {
        neighbour.state = 'probe';
        neighbour.probes = 0;
        this.#probe(nextHop, neighbour);
      });
    }
    this.#link.send(neighbour.mac, packet);
  }

  /** A link-layer address seen in a Solicitation or RA: taken, without proof that the neighbour hears us. */
  learn(address: Address, mac: Mac): void {
    const neighbour = this.#get(address);
    if (neighbour.mac === mac) return;
    neighbour.mac = mac;
    this.#enter(neighbour, 'stale');
    this.#flushQueue(neighbour);
  }

  /** A Neighbor Advertisement, RFC 4861 section 7.2.5: one for a neighbour that is not in the cache is ignored. */
  advertised(address: Address, mac: Mac | undefined, solicited: boolean, override: boolean): void {
    const neighbour = this.#neighbours.get(address);
    if (neighbour === undefined) return;
    const known = neighbour.mac;
    const offered = mac ?? known;
    if (offered === undefined) return;
    if (known !== undefined && offered !== known && !override) {
      if (neighbour.state === 'reachable') this.#enter(neighbour, 'stale');
      return;
    }
    neighbour.mac = offered;
    if (solicited) this.#reachable(neighbour);
    else if (offered !== known) this.#enter(neighbour, 'stale');
    this.#flushQueue(neighbour);
  }

  /** A permanent entry. */
  pin(address: Address, mac: Mac): void {
    const neighbour = this.#get(address);
    neighbour.mac = mac;
    neighbour.state = 'reachable';
  }

  flush(): void {
    for (const neighbour of this.#neighbours.values()) neighbour.cancel?.();
    this.#neighbours.clear();
  }

  #get(address: Address): Neighbour {
    let neighbour = this.#neighbours.get(address);
    if (neighbour === undefined) {
      neighbour = { state: 'incomplete', mac: undefined, queue: [], probes: 0, cancel: undefined };
      this.#neighbours.set(address, neighbour);
    }
    return neighbour;
  }

  #reachable(neighbour: Neighbour): void {
    const time = LINUX.reachableTime * (0.5 + this.#random());
    this.#enter(neighbour, 'reachable', time, () => {
      neighbour.state = 'stale';
    });
  }

  #enter(neighbour: Neighbour, state: State, time?: number, then?: () => void): void {
    neighbour.cancel?.();
    neighbour.state = state;
    neighbour.probes = 0;
    neighbour.cancel = then === undefined ? undefined : this.#scheduler.after(time!, then);
  }

  #probe(address: Address, neighbour: Neighbour): void {
    if (neighbour.probes === LINUX.probes) {
      neighbour.cancel = undefined;
      this.#neighbours.delete(address);
      return;
    }
    neighbour.probes++;
    this.#link.solicit(address, neighbour.mac, neighbour.queue[0]);
    neighbour.cancel = this.#scheduler.after(LINUX.retransTimer, () => this.#probe(address, neighbour));
  }

  #flushQueue(neighbour: Neighbour): void {
    const { mac, queue } = neighbour;
    if (mac === undefined) return;
    neighbour.queue = [];
    for (const packet of queue) this.#link.send(mac, packet);
  }
}
