import type { DataPlane, PacketIn, PacketOut, Port } from '../../bindings/dataplane.ts';
import type { Address, Command, CommandStatus, LinkId, Mac } from '../../bindings/entries.ts';
import type { LinkConfig, MaarConfig } from '../core/config.ts';
import type { MaarEvent, Usage } from '../core/maar-io.ts';
import { contains, isLinkLocal, isMulticast, readAddress, readMac } from '../wire/address.ts';
import { emitEthernet, ETHERNET_HEADER, ETHERTYPE_IPV6 } from '../wire/ethernet.ts';
import { receiveIcmpv6 } from '../wire/icmpv6/check.ts';
import { emitIcmpv6 } from '../wire/icmpv6/message.ts';
import { emitIpv6, IPV6_AT, IPV6_HEADER, NEXT_HEADER, parseIpv6, walkExtensions } from '../wire/ipv6.ts';
import { isAddressedTo } from './access-link.ts';
import type { AccessLink } from './access-link.ts';
import { answerSolicitation } from './answer.ts';
import { isIcmpv6Error } from './core-router.ts';
import { decremented } from './first-hop.ts';
import type { PointToPointLink } from './link.ts';
import type { Cancel, Scheduler } from './scheduler.ts';

const HOP_LIMIT = 64;
/** What control sees of a frame that is not neighbour discovery. */
const FRAME_BEGINNING = 128;
const NO_ROUTE = 0;
/** ICMPv6 errors: at most so many in one second, RFC 4443 section 2.4 (f). */
const ERRORS_PER_SECOND = 10;
/** Address pairs remembered, oldest forgotten first, as a connection tracking table would. */
const PAIRS = 4096;

export interface KernelLinks {
  readonly core: PointToPointLink;
  readonly access: ReadonlyMap<LinkId, AccessLink>;
}

interface Pair {
  readonly src: Address;
  readonly dst: Address;
  lastUsed: number;
}

/**
 * What Linux does in an access router, around one data plane: frames up to control as a packet socket with a filter
 * would give them, data packets through the data plane, native forwarding of what it passes.
 */
export class RouterKernel {
  readonly #config: MaarConfig;
  readonly #scheduler: Scheduler;
  readonly #dataPlane: DataPlane;
  readonly #links: KernelLinks;
  readonly #hear: (event: MaarEvent) => void;
  readonly #quiet = new Map<LinkId, ReadonlySet<Mac>>();
  readonly #pairs = new Map<string, Pair>();
  readonly #activity = new Map<Mac, { sent: number; received: number }>();
  #errorSecond = 0;
  #errors = 0;
  #wake: Cancel | undefined;

  constructor(
    config: MaarConfig,
    scheduler: Scheduler,
    dataPlane: DataPlane,
    links: KernelLinks,
    hear: (event: MaarEvent) => void,
  ) {
    this.#config = config;
    this.#scheduler = scheduler;
    this.#dataPlane = dataPlane;
    this.#links = links;
    this.#hear = hear;
  }

  get dataPlane(): DataPlane {
    return this.#dataPlane;
  }

  /** Nothing more comes of it. */
  halt(): void {
    this.#wake?.();
  }

  /** Stations whose data frames control need not see. */
  setStations(link: LinkId, macs: readonly Mac[]): void {
    this.#quiet.set(link, new Set(macs));
  }

  apply(commands: readonly Command[]): CommandStatus[] {
    const statuses = this.#dataPlane.apply(commands, this.#now());
    // Released packets leave before the next that arrives.
    this.#process([]);
    return statuses;
  }

  usage(): Usage {
    const { destinations } = this.#dataPlane.dump();
    return {
      type: 'usage',
      destinations: destinations
        .filter(({ lastUsed }) => lastUsed > 0)
        .map(({ prefix, lastUsed }) => ({ prefix, lastUsed })),
      pairs: [...this.#pairs.values()].map((pair) => ({ ...pair })),
    };
  }

  activity(): Extract<MaarEvent, { type: 'activity' }> {
    return {
      type: 'activity',
      stations: [...this.#activity].map(([mac, { sent, received }]) => ({ mac, sent, received })),
    };
  }

  receiveFrame(link: LinkConfig, port: string, frame: Uint8Array): void {
    if (frame.length < ETHERNET_HEADER) return;
    const group = (frame[0]! & 1) !== 0;
    if (!group && !isAddressedTo(frame, link.mac)) return;
    const mac = readMac(frame, 6);
    const discovery = isDiscovery(frame);
    if (discovery || this.#quiet.get(link.id)?.has(mac) !== true) {
      const data = discovery ? frame : frame.subarray(0, FRAME_BEGINNING);
      this.#hear({ type: 'frame', link: link.id, port, data });
    }
    if (((frame[12]! << 8) | frame[13]!) !== ETHERTYPE_IPV6) return;
    const packet = frame.subarray(ETHERNET_HEADER);
    const answer = discovery ? answerSolicitation(packet, link.linkLocal, link.mac) : undefined;
    if (answer !== undefined) this.sendFrame(link.id, answer, port);
    if (!discovery) this.#activityOf(mac).sent++;
    this.#process([{ data: packet, port: { side: 'access', link: link.id }, mac }]);
  }

  receiveCore(packet: Uint8Array): void {
    this.#process([{ data: packet, port: { side: 'core' } }]);
  }

  /** A frame from control. */
  sendFrame(link: LinkId, frame: Uint8Array, port: string | undefined): void {
    this.#links.access.get(link)?.fromRouter(frame, port);
  }

  /** A packet of control's own, to the core. */
  send(nextHeader: number, src: Address, dst: Address, data: Uint8Array): void {
    const fields = { nextHeader, hopLimit: HOP_LIMIT, src, dst };
    this.#links.core.send(this.#config.name, emitIpv6(fields, data));
  }

  /** Whole milliseconds, which is what the data plane's clock counts. */
  #now(): number {
    return Math.floor(this.#scheduler.now);
  }

  #process(batch: readonly PacketIn[]): void {
    const out = this.#dataPlane.process(batch, this.#now());
    for (const packet of out) this.#emit(packet, batch);
    for (const event of this.#dataPlane.events()) this.#hear({ type: 'dataplane', event });
    this.#wake?.();
    const deadline = this.#dataPlane.deadline();
    this.#wake =
      deadline === undefined
        ? undefined
        : this.#scheduler.at(Math.max(deadline, this.#now() + 1), () => this.#process([]));
  }

  #emit({ data, verdict, input }: PacketOut, batch: readonly PacketIn[]): void {
    switch (verdict.action) {
      case 'deliver': {
        const link = this.#config.links.find((candidate) => candidate.id === verdict.link);
        if (link === undefined)
          throw new Error(`${this.#config.name}: deliver to unknown link ${verdict.link}`);
        this.#activityOf(verdict.mac).received++;
        this.#links.access.get(link.id)?.fromRouter(emitEthernet(link.mac, verdict.mac, data));
        break;
      }
      case 'core':
        this.#links.core.send(this.#config.name, data);
        break;
      case 'pass':
        if (readAddress(data, IPV6_AT.source) === this.#config.address) this.#output(data);
        else this.#pass(data, batch[input]);
        break;
      case 'hold':
      case 'drop':
        break;
    }
  }

  /** A packet that this router made: the route to hosts here, and to home addresses elsewhere, leads through the data plane. */
  #output(data: Uint8Array): void {
    const [first] = this.#dataPlane.process([{ data, port: { side: 'core' } }], this.#now());
    if (first === undefined) return;
    if (first.verdict.action !== 'pass') this.#emit(first, []);
    else if (!contains(this.#config.pool.prefix, readAddress(data, IPV6_AT.destination))) {
      this.#links.core.send(this.#config.name, data);
    }
  }

  /**
   * Routes natively what the data plane passed; `data` is what it made of `from`. Without `from` it was held before, and
   * which side it came from is no longer known: then nothing is accepted as addressed to this router.
   */
  #pass(data: Uint8Array, from: PacketIn | undefined): void {
    const src = readAddress(data, IPV6_AT.source);
    const dst = readAddress(data, IPV6_AT.destination);
    if (dst === this.#config.address || isLinkLocal(dst)) {
      if (from !== undefined) this.#input(data, from.port);
      return;
    }
    if (isLinkLocal(src) || isMulticast(dst)) return;
    if (contains(this.#config.pool.prefix, dst)) {
      this.#unreachable(data, src);
      return;
    }
    // A packet that the core routed here, and that was not tunnelled, would only go round.
    const native =
      from?.port.side === 'core' && readAddress(from.data, IPV6_AT.destination) !== this.#config.address;
    const forwarded = native ? undefined : decremented(data);
    if (forwarded === undefined) return;
    this.#remember(src, dst);
    this.#links.core.send(this.#config.name, forwarded);
  }

  /** A packet to this router itself. */
  #input(data: Uint8Array, from: Port): void {
    const packet = parseIpv6(data);
    if (!packet.ok) return;
    const upper = walkExtensions(packet.value);
    if (!upper.ok) return;
    const { src, dst } = packet.value;
    const { nextHeader, payload } = upper.value;
    if (nextHeader === NEXT_HEADER.mobility) {
      this.#hear({ type: 'mobility', src, dst, side: from.side, data: payload });
    } else if (nextHeader === NEXT_HEADER.icmpv6 && dst === this.#config.address) {
      const message = receiveIcmpv6(payload, packet.value);
      if (!message.ok || message.value.kind !== 'echo-request') return;
      const reply = emitIcmpv6({ ...message.value, kind: 'echo-reply' }, dst, src);
      this.#output(
        emitIpv6({ nextHeader: NEXT_HEADER.icmpv6, hopLimit: HOP_LIMIT, src: dst, dst: src }, reply),
      );
    }
  }

  #unreachable(invoking: Uint8Array, dst: Address): void {
    const second = Math.floor(this.#scheduler.now / 1000);
    if (second !== this.#errorSecond) {
      this.#errorSecond = second;
      this.#errors = 0;
    }
    if (isIcmpv6Error(invoking) || ++this.#errors > ERRORS_PER_SECOND) return;
    const src = this.#config.address;
    const error = { kind: 'destination-unreachable', code: NO_ROUTE, parameter: 0, invoking } as const;
    const fields = { nextHeader: NEXT_HEADER.icmpv6, hopLimit: HOP_LIMIT, src, dst };
    this.#output(emitIpv6(fields, emitIcmpv6(error, src, dst)));
  }

  #activityOf(mac: Mac): { sent: number; received: number } {
    const known = this.#activity.get(mac) ?? { sent: 0, received: 0 };
    this.#activity.set(mac, known);
    return known;
  }

  #remember(src: Address, dst: Address): void {
    const name = `${src} ${dst}`;
    const known = this.#pairs.get(name);
    if (known !== undefined) {
      known.lastUsed = this.#now();
      return;
    }
    this.#pairs.set(name, { src, dst, lastUsed: this.#now() });
    if (this.#pairs.size > PAIRS) this.#pairs.delete(this.#pairs.keys().next().value!);
  }
}

/** Neighbour discovery and MLD, which control always sees whole. */
function isDiscovery(frame: Uint8Array): boolean {
  if (((frame[12]! << 8) | frame[13]!) !== ETHERTYPE_IPV6) return false;
  const packet = frame.subarray(ETHERNET_HEADER);
  let next = packet[IPV6_AT.nextHeader];
  let at = IPV6_HEADER;
  if (next === NEXT_HEADER.hopByHop && packet.length > at + 1) {
    next = packet[at];
    at += 8 * (packet[at + 1]! + 1);
  }
  const type = packet[at];
  if (next !== NEXT_HEADER.icmpv6 || type === undefined) return false;
  return (type >= 130 && type <= 137) || type === 143;
}
