import type { Mac } from '../../bindings/entries.ts';
import { ETHERNET_HEADER, ETHERTYPE_IPV6 } from '../wire/ethernet.ts';
import type { Medium } from './link.ts';

/** The interface of a host, as its link sees it. */
export interface Station {
  readonly name: string;
  readonly mac: Mac;
  receive(frame: Uint8Array): void;
}

/** The router's side of an access link: told the port of each frame, as a bridge's forwarding database would tell. */
export interface AccessRouter {
  readonly name: string;
  receiveFrame(port: string, frame: Uint8Array): void;
}

const GROUP_BIT = 1;

/**
 * One broadcast domain: a bridge whose ports lead to stations and whose own interface is the router.
 * It floods; interfaces take what is addressed to them or to a group. `delay` lies between a port and all others.
 */
export class AccessLink {
  readonly name: string;
  cut = false;
  readonly #medium: Medium;
  readonly #router: AccessRouter;
  readonly #stations = new Map<string, Station>();

  constructor(name: string, medium: Medium, router: AccessRouter) {
    this.name = name;
    this.#medium = medium;
    this.#router = router;
  }

  /** Plugs a station into a port. Nobody is told: carrier is the business of both interfaces. */
  plug(port: string, station: Station): void {
    this.#stations.set(port, station);
  }

  unplug(port: string): void {
    this.#stations.delete(port);
  }

  ports(): string[] {
    return [...this.#stations.keys()];
  }

  /** A frame from the station at `port`. */
  fromStation(port: string, frame: Uint8Array): void {
    const sender = this.#stations.get(port)?.name ?? port;
    this.#carry(sender, frame, () => {
      this.#router.receiveFrame(port, frame);
      for (const [other, station] of this.#stations) if (other !== port) offer(station, frame);
    });
  }

  /** A frame from the router, to one port or to all. */
  fromRouter(frame: Uint8Array, port?: string): void {
    this.#carry(this.#router.name, frame, () => {
      for (const [other, station] of this.#stations) {
        if (port === undefined || other === port) offer(station, frame);
      }
    });
  }

  #carry(sender: string, frame: Uint8Array, arrive: () => void): void {
    const { scheduler, taps, random, delay, loss } = this.#medium;
    if (isIpv6(frame) && !taps.offer(this.name, sender, frame.subarray(ETHERNET_HEADER))) return;
    if (this.cut) return;
    if (loss > 0 && random() < loss) return;
    scheduler.after(delay, () => {
      if (!this.cut) arrive();
    });
  }
}

function isIpv6(frame: Uint8Array): boolean {
  return frame.length > ETHERNET_HEADER && ((frame[12]! << 8) | frame[13]!) === ETHERTYPE_IPV6;
}

function offer(station: Station, frame: Uint8Array): void {
  if (frame.length < ETHERNET_HEADER) return;
  if ((frame[0]! & GROUP_BIT) !== 0 || isAddressedTo(frame, station.mac)) station.receive(frame);
}

/** Compares the destination octets with the text of a MAC without building a string for every frame. */
export function isAddressedTo(frame: Uint8Array, mac: Mac): boolean {
  for (let octet = 0; octet < 6; octet++) {
    if (frame[octet] !== Number.parseInt(mac.slice(3 * octet, 3 * octet + 2), 16)) return false;
  }
  return true;
}
