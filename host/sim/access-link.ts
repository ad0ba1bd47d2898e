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
    this.#carry(sender, frame, (copy) => {
      this.#router.receiveFrame(port, copy);
      for (const [other, station] of this.#stations) if (other !== port) offer(station, copy);
    });
  }

  /** A frame from the router, to one port or to all. */
  fromRouter(frame: Uint8Array, port?: string): void {
    this.#carry(this.#router.name, frame, (copy) => {
      for (const [other, station] of this.#stations) {
        if (port === undefined || other === port) offer(station, copy);
      }
    });
  }

  #carry(sender: string, frame: Uint8Array, arrive: (frame: Uint8Array) => void): void {
    const { scheduler, taps, random, delay, loss } = this.#medium;
    const packet = frame.subarray(ETHERNET_HEADER);
    const copies = isIpv6(frame) ? taps.carry(this.name, sender, packet) : [{ data: packet, late: 0 }];
    if (this.cut) return;
    for (const { data, late } of copies) {
      if (loss > 0 && random() < loss) continue;
      const copy = data === packet ? frame : withPacket(frame, data);
      scheduler.after(delay + late, () => {
        if (!this.cut) arrive(copy);
      });
    }
  }
}

function withPacket(frame: Uint8Array, packet: Uint8Array): Uint8Array {
  const copy = new Uint8Array(ETHERNET_HEADER + packet.length);
  copy.set(frame.subarray(0, ETHERNET_HEADER));
  copy.set(packet, ETHERNET_HEADER);
  return copy;
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
