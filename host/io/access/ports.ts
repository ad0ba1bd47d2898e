import type { LinkId, Mac } from '../../../bindings/entries.ts';
import type { MaarEvent } from '../../core/maar-io.ts';
import { close } from '../ffi.ts';
import type { AccessInterface } from '../linux-config.ts';
import { listLinks, parseLink } from '../netlink/link.ts';
import type { Link } from '../netlink/link.ts';
import { bridgeStation, listBridgeStations } from '../netlink/neighbour.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import type { NetlinkSocket } from '../netlink/socket.ts';
import type { ToWorker } from '../worker/messages.ts';
import { filterPort, openPort, openSender, sendFrame } from './port-socket.ts';

interface OpenPort {
  readonly fd: number;
  readonly ifindex: number;
  readonly name: string;
  readonly link: LinkId;
  running: boolean;
}

/** The ports of all access links: opened and closed as they come and go, their carrier and stations told to control. */
export class AccessPorts {
  readonly #netlink: NetlinkSocket;
  readonly #toWorker: (message: ToWorker) => void;
  readonly #dispatch: (event: MaarEvent) => void;
  readonly #returned: (ifindex: number) => void;
  /** Access interfaces by their index. */
  readonly #interfaces: ReadonlyMap<number, AccessInterface>;
  readonly #senders = new Map<LinkId, number>();
  readonly #ports = new Map<number, OpenPort>();
  readonly #attached = new Map<LinkId, readonly Mac[]>();
  /** Access interfaces that are down. */
  readonly #down = new Set<number>();

  /** `returned` is called with the index of an access interface that is up again: the kernel has forgotten much of it. */
  constructor(
    netlink: NetlinkSocket,
    interfaces: ReadonlyMap<number, AccessInterface>,
    toWorker: (message: ToWorker) => void,
    dispatch: (event: MaarEvent) => void,
    returned: (ifindex: number) => void,
  ) {
    this.#netlink = netlink;
    this.#interfaces = interfaces;
    this.#toWorker = toWorker;
    this.#dispatch = dispatch;
    this.#returned = returned;
    for (const [ifindex, access] of interfaces) {
      this.#senders.set(access.link, openSender(ifindex, access.interface));
    }
  }

  /** Compares with the kernel's present state where events were lost. */
  recover(): void {
    this.resync();
    // One that was down and up again in between looks as if nothing had happened.
    for (const ifindex of this.#interfaces.keys()) if (!this.#down.has(ifindex)) this.#returned(ifindex);
  }

  /** Compares with the kernel's present state. */
  resync(): void {
    const links = this.#netlink
      .dump(listLinks(), 'list interfaces')
      .map(parseLink)
      .filter((link) => link !== undefined);
    const present = new Set(links.map(({ index }) => index));
    for (const port of [...this.#ports.values()]) if (!present.has(port.ifindex)) this.#close(port);
    for (const link of links) this.#update(link);
    for (const message of this.#netlink.dump(listBridgeStations(), 'list bridge stations'))
      this.handle(message);
  }

  /** Takes one rtnetlink event. */
  handle(message: NetlinkMessage): void {
    const link = parseLink(message);
    if (link !== undefined) this.#update(link);
    const station = bridgeStation(message);
    const port = station === undefined ? undefined : this.#ports.get(station.port);
    if (station === undefined || port === undefined || !this.#interfaces.has(station.bridge)) return;
    this.#dispatch({
      type: 'station',
      link: port.link,
      port: port.name,
      mac: station.mac,
      present: station.present,
    });
  }

  /** The access link of a port; undefined where there is none of that name. */
  linkOf(port: string): LinkId | undefined {
    return [...this.#ports.values()].find(({ name }) => name === port)?.link;
  }

  /** Stations of which only neighbour discovery and MLD are wanted from now on. */
  setAttached(link: LinkId, macs: readonly Mac[]): void {
    this.#attached.set(link, macs);
    for (const port of this.#ports.values()) if (port.link === link) filterPort(port.fd, macs);
  }

  /** Sends a frame on one port, or on the access interface (a bridge finds the ports itself). False where there is none. */
  send(link: LinkId, port: string | undefined, frame: Uint8Array): boolean {
    const fd =
      port === undefined
        ? this.#senders.get(link)
        : [...this.#ports.values()].find((open) => open.link === link && open.name === port)?.fd;
    if (fd === undefined) return false;
    sendFrame(fd, frame, port ?? `access link ${link}`);
    return true;
  }

  /** Closes what only this thread uses; open ports belong to the worker. */
  close(): void {
    for (const fd of this.#senders.values()) close(fd);
  }

  #update(link: Link): void {
    if (this.#interfaces.has(link.index)) {
      if (!link.up) this.#down.add(link.index);
      else if (this.#down.delete(link.index)) this.#returned(link.index);
    }
    const access = this.#accessOf(link);
    const open = this.#ports.get(link.index);
    if (!link.present || access === undefined) {
      if (open !== undefined) this.#close(open);
      return;
    }
    const port = open ?? this.#open(link, access);
    if (port.running === link.running) return;
    port.running = link.running;
    this.#dispatch({ type: 'port', link: port.link, port: port.name, up: port.running });
  }

  #accessOf(link: Link): AccessInterface | undefined {
    const own = this.#interfaces.get(link.index);
    if (own !== undefined) return link.kind === 'bridge' ? undefined : own;
    return link.master === undefined ? undefined : this.#interfaces.get(link.master);
  }

  #open(link: Link, access: AccessInterface): OpenPort {
    const fd = openPort(link.index, link.name, this.#attached.get(access.link) ?? []);
    const port: OpenPort = { fd, ifindex: link.index, name: link.name, link: access.link, running: false };
    this.#ports.set(link.index, port);
    this.#toWorker({ type: 'open-port', fd, port: link.name, link: access.link });
    return port;
  }

  #close(port: OpenPort): void {
    this.#ports.delete(port.ifindex);
    this.#toWorker({ type: 'close-port', fd: port.fd });
    if (port.running) this.#dispatch({ type: 'port', link: port.link, port: port.name, up: false });
  }
}
