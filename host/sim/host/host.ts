import type { Address, Mac } from '../../../bindings/entries.ts';
import type { Random } from '../../core/machine.ts';
import {
  isLinkLocal,
  isMulticast,
  linkLocalOf,
  multicastMac,
  prefixOf,
  readAddress,
} from '../../wire/address.ts';
import { emitEthernet, ETHERTYPE_IPV6, parseEthernet } from '../../wire/ethernet.ts';
import { receiveIcmpv6 } from '../../wire/icmpv6/check.ts';
import { emitIcmpv6 } from '../../wire/icmpv6/message.ts';
import type { Echo, Icmpv6Error, Icmpv6Message } from '../../wire/icmpv6/message.ts';
import { withRouterAlert } from '../../wire/icmpv6/mld.ts';
import { MLD_HOP_LIMIT, ND_HOP_LIMIT } from '../../wire/icmpv6/registry.ts';
import { emitIpv6, IPV6_AT, IPV6_HEADER, NEXT_HEADER, parseIpv6, walkExtensions } from '../../wire/ipv6.ts';
import type { Ipv6Packet } from '../../wire/ipv6.ts';
import type { Station } from '../access-link.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Taps } from '../taps.ts';
import { AddressTable } from './addresses.ts';
import { Discovery } from './discovery.ts';
import { LINUX } from './linux.ts';
import { NeighbourCache } from './neighbours.ts';

/** Where the interface is plugged in. */
export interface Socket {
  /** The node at the other end. */
  readonly peer: string;
  transmit(frame: Uint8Array): void;
}

/** Takes packets of one transport flow; `payload` begins with the transport header. */
export type Receiver = (src: Address, dst: Address, payload: Uint8Array) => void;

export interface HostOptions {
  readonly name: string;
  readonly mac: Mac;
  /** Names its home addresses and those of its correspondents in Solicitations. */
  readonly aware: boolean;
}

/** A host with one Ethernet interface and an unmodified Linux stack, as far as docs/simulation.md says. */
export class Host implements Station {
  readonly name: string;
  readonly mac: Mac;
  readonly addresses = new AddressTable();
  readonly discovery: Discovery;
  /** Called with every IPv6 packet that leaves the port. */
  readonly sent = new Set<(packet: Uint8Array) => void>();
  readonly echoReplies = new Map<number, (reply: Echo) => void>();
  /** By transport protocol and local port. */
  readonly receivers = new Map<string, Receiver>();
  readonly #scheduler: Scheduler;
  readonly #taps: Taps;
  readonly #neighbours: NeighbourCache;
  readonly #pathMtu = new Map<Address, number>();
  readonly #correspondents = new Set<Address>();
  #socket: Socket | undefined;
  #up = false;
  #carrier = false;
  #queue: Uint8Array[] = [];

  constructor(options: HostOptions, scheduler: Scheduler, random: Random, taps: Taps) {
    this.name = options.name;
    this.mac = options.mac;
    this.#scheduler = scheduler;
    this.#taps = taps;
    this.#neighbours = new NeighbourCache(scheduler, random, {
      send: (mac, packet) => this.#transmit(emitEthernet(this.mac, mac, packet)),
      solicit: (target, mac, waiting) =>
        this.discovery.resolve(
          target,
          mac,
          waiting === undefined ? undefined : readAddress(waiting, IPV6_AT.source),
        ),
    });
    const port = {
      mac: options.mac,
      send: (message: Icmpv6Message, src: Address, dst: Address, mac?: Mac) =>
        this.#sendControl(message, src, dst, mac),
      ...(options.aware ? { addressList: () => this.#addressList() } : {}),
    };
    this.discovery = new Discovery(scheduler, random, port, this.addresses, this.#neighbours);
  }

  get up(): boolean {
    return this.#up;
  }

  /** Plugs the interface in elsewhere, or nowhere. The host does not notice. */
  plug(socket: Socket | undefined): void {
    this.#socket = socket;
  }

  setUp(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    if (up) {
      this.discovery.up();
      return;
    }
    this.#queue = [];
    this.discovery.down();
  }

  setCarrier(carrier: boolean): void {
    if (carrier === this.#carrier) return;
    this.#carrier = carrier;
    if (!carrier || !this.#up) return;
    const waiting = this.#queue;
    this.#queue = [];
    for (const frame of waiting) this.#transmit(frame);
    if (this.addresses.list(this.#scheduler.now).length > 0) this.discovery.carrierUp();
  }

  /** A host that is configured by hand: one address, one router, no autoconfiguration. */
  configure(address: Address, router: { readonly address: Address; readonly mac: Mac }): void {
    this.#up = true;
    for (const own of [linkLocalOf(this.mac), address]) {
      const lifetimes = { tentative: false, preferredUntil: Infinity, validUntil: Infinity };
      this.addresses.add({ address: own, prefix: prefixOf(own, 64), ...lifetimes });
    }
    this.discovery.setRouter(router.address);
    this.#neighbours.pin(router.address, router.mac);
  }

  /** True if a session from this address can send now. */
  owns(address: Address): boolean {
    const own = this.addresses.find(address, this.#scheduler.now);
    return own !== undefined && !own.tentative;
  }

  /** Largest packet that may be sent to `dst`, in octets. */
  mtu(dst: Address): number {
    return Math.min(this.discovery.linkMtu, this.#pathMtu.get(dst) ?? Infinity);
  }

  /** Sends a transport packet, checksum filled; false where a socket would get an error. */
  send(src: Address, dst: Address, nextHeader: number, payload: Uint8Array): boolean {
    if (!this.#up || !this.owns(src)) return false;
    const fields = { nextHeader, hopLimit: this.discovery.hopLimit, src, dst };
    const nextHop = isLinkLocal(dst) ? dst : this.discovery.router();
    if (nextHop === undefined) return false;
    this.#correspondents.add(dst);
    this.#neighbours.send(nextHop, emitIpv6(fields, payload));
    return true;
  }

  /** Puts a packet on the wire past the stack, as if from station `mac`; `router` is for what is no multicast. */
  inject(packet: Uint8Array, router: Mac, mac: Mac): void {
    const dst = packet.length < IPV6_HEADER ? undefined : readAddress(packet, IPV6_AT.destination);
    const to = dst !== undefined && isMulticast(dst) ? multicastMac(dst) : router;
    this.#transmit(emitEthernet(mac, to, packet));
  }

  receive(frame: Uint8Array): void {
    if (!this.#up || !this.#carrier || this.#socket === undefined) return;
    const ethernet = parseEthernet(frame);
    if (!ethernet.ok || ethernet.value.etherType !== ETHERTYPE_IPV6) return;
    if (!this.#taps.offer(`host-${this.name}`, this.#socket.peer, ethernet.value.payload)) return;
    const packet = parseIpv6(ethernet.value.payload);
    if (!packet.ok) return;
    const { dst } = packet.value;
    const mine = isMulticast(dst) ? this.discovery.joined(dst) : this.#assigned(dst);
    if (mine) this.#input(packet.value);
  }

  /** DAD answers are for tentative addresses too, which only neighbour discovery may see. */
  #assigned(address: Address): boolean {
    return this.addresses.find(address, this.#scheduler.now) !== undefined;
  }

  #input(packet: Ipv6Packet): void {
    const upper = walkExtensions(packet);
    if (!upper.ok) return;
    const { src, dst } = packet;
    const { nextHeader, payload } = upper.value;
    if (nextHeader === NEXT_HEADER.icmpv6) {
      const message = receiveIcmpv6(payload, packet);
      if (message.ok) this.#icmpv6(message.value, src, dst);
      return;
    }
    if ((nextHeader !== NEXT_HEADER.udp && nextHeader !== NEXT_HEADER.tcp) || payload.length < 8) return;
    if (!this.owns(dst)) return;
    const port = (payload[2]! << 8) | payload[3]!;
    this.receivers.get(receiverKey(nextHeader, port))?.(src, dst, payload);
  }

  #icmpv6(message: Icmpv6Message, src: Address, dst: Address): void {
    switch (message.kind) {
      case 'RS':
      case 'RA':
      case 'NS':
      case 'NA':
        this.discovery.receive(message, src);
        break;
      case 'echo-request':
        this.#reply(message, src, dst);
        break;
      case 'echo-reply':
        this.echoReplies.get(message.identifier)?.(message);
        break;
      case 'packet-too-big':
        this.#tooBig(message);
        break;
      default:
        break;
    }
  }

  /** Requests to a group are answered too, from the address that a new session would use (RFC 4443 section 4.2). */
  #reply(request: Echo, src: Address, dst: Address): void {
    const source = isMulticast(dst) ? this.addresses.source(src, this.#scheduler.now) : dst;
    if (source === undefined || !this.owns(source)) return;
    const reply = emitIcmpv6({ ...request, kind: 'echo-reply' }, source, src);
    this.send(source, src, NEXT_HEADER.icmpv6, reply);
  }

  /** RFC 8201 section 4: never below the minimum, never upwards. */
  #tooBig(message: Icmpv6Error): void {
    if (message.invoking.length < IPV6_AT.destination + 16) return;
    const dst = readAddress(message.invoking, IPV6_AT.destination);
    const mtu = Math.max(message.parameter, 1280);
    if (mtu < this.mtu(dst)) this.#pathMtu.set(dst, mtu);
  }

  #addressList(): { homes: Address[]; correspondents: Address[] } {
    const own = this.addresses.list(this.#scheduler.now).filter((address) => !isLinkLocal(address.address));
    return {
      homes: own.map((address) => address.address),
      correspondents: [...this.#correspondents].filter((address) => !isLinkLocal(address)),
    };
  }

  #sendControl(message: Icmpv6Message, src: Address, dst: Address, mac: Mac | undefined): void {
    const icmpv6 = emitIcmpv6(message, src, dst);
    const isMld = message.kind === 'mld2-report';
    const packet = emitIpv6(
      {
        nextHeader: isMld ? NEXT_HEADER.hopByHop : NEXT_HEADER.icmpv6,
        hopLimit: isMld ? MLD_HOP_LIMIT : ND_HOP_LIMIT,
        src,
        dst,
      },
      isMld ? withRouterAlert(icmpv6) : icmpv6,
    );
    if (mac !== undefined) this.#transmit(emitEthernet(this.mac, mac, packet));
    else if (isMulticast(dst)) this.#transmit(emitEthernet(this.mac, multicastMac(dst), packet));
    else this.#neighbours.send(isLinkLocal(dst) ? dst : (this.discovery.router() ?? dst), packet);
  }

  /** Without carrier frames wait in the queue of the interface, as measured for a flap of 200 ms: 4 of 200 were lost. */
  #transmit(frame: Uint8Array): void {
    if (!this.#up) return;
    if (!this.#carrier) {
      if (this.#queue.length < LINUX.transmitQueue) this.#queue.push(frame);
      return;
    }
    const packet = frame.subarray(14);
    const kept = this.#taps.offer(`host-${this.name}`, this.name, packet);
    for (const listener of this.sent) listener(packet);
    if (kept) this.#socket?.transmit(frame);
  }
}

export function receiverKey(nextHeader: number, port: number): string {
  return `${nextHeader}:${port}`;
}
