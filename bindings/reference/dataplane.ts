import {
  COUNTER_NAMES,
  DIRECTION_NAMES,
  ICMP_BURST,
  ICMP_RATE,
  LIMIT_MTU_MAX,
  LIMIT_MTU_MIN,
  LIMIT_PACKET_MAX,
  LINK_TUNNEL,
  RETUNNEL_COST,
  TUNNEL_HOP_LIMIT,
} from '../generated/abi.ts';
import type { DataPlane, DataPlaneOptions, EntryDump, PacketIn, PacketOut, Verdict } from '../dataplane.ts';
import type { Command, CommandStatus, DataPlaneEvent, Mac } from '../entries.ts';
import type { PrefixValue } from './address.ts';
import { addressOctets, formatAddress, formatPrefix, parseAddress, parseMac } from './address.ts';
import { EventLog, FlowTable, flowEvent } from './events.ts';
import { hasTunnelOptions, limitAt, withoutTunnelOptions } from './encapsulation-limit.ts';
import type { Arrival, Frame, HeldFrame, HoldRecord, HoldTarget } from './hold.ts';
import * as packets from './packet.ts';
import { withLowerMss } from './mss.ts';
import type { Tunnel } from './relay.ts';
import { PathMtus, readTunnelError } from './relay.ts';
import type { Destination } from './tables.ts';
import { Reassembly } from './reassembly.ts';
import { Tables, isTunnelEnd } from './tables.ts';
import type { IcmpError } from './tunnel.ts';
import {
  MINIMUM_MTU,
  TIME_EXCEEDED,
  UNREACHABLE,
  encapsulate,
  errorMessage,
  largestMss,
  mayAnswerWithError,
  overhead,
  packetTooBig,
  parameterProblem,
} from './tunnel.ts';

type CountedEncapsulation = 'tunnelled' | 'reverse-tunnelled' | 'retunnelled';
type CountedError = 'too-big-sent' | 'time-exceeded-sent' | 'parameter-problem-sent' | 'errors-relayed';

/** The token bucket counts thousandths of a token: a rate per second is then a whole number per millisecond. */
const TOKEN = 1000;

/**
 * The data plane as the ABI page tells it, in plain TypeScript: the oracle for the WebAssembly module, with which
 * it shares the numbers of the ABI and nothing else. Slow.
 * Throws a RangeError for options that the module's `init` refuses. A batch may be of any length.
 */
export class ReferenceDataPlane implements DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #locator: bigint;
  readonly #tables: Tables;
  readonly #flows: FlowTable;
  readonly #log: EventLog;
  readonly #pathMtus: PathMtus;
  readonly #counters = new Map(Object.values(COUNTER_NAMES).map((name) => [name, 0]));
  readonly #bucket = { tokens: ICMP_BURST * TOKEN, filled: 0 };
  readonly #reassembly = new Reassembly(() => this.#count('drop-reassembly'));
  #identification: number;
  #now = 0;
  #outputs: PacketOut[] = [];

  constructor(options: DataPlaneOptions) {
    const locator = parseAddress(options.locator);
    if (locator === undefined || !isTunnelEnd(locator)) {
      throw new RangeError(`locator ${options.locator} cannot be the end of a tunnel`);
    }
    if (options.coreMtu < LIMIT_MTU_MIN || options.coreMtu > LIMIT_MTU_MAX) {
      throw new RangeError(`coreMtu ${options.coreMtu} is not from ${LIMIT_MTU_MIN} to ${LIMIT_MTU_MAX}`);
    }
    this.#options = options;
    this.#locator = locator;
    this.#tables = new Tables(options.capacities, locator, (discarded) =>
      this.#count('hold-discarded', discarded),
    );
    this.#pathMtus = new PathMtus(options.coreMtu);
    this.#flows = new FlowTable(options.seed, options.capacities.flows);
    this.#log = new EventLog(options.seed, () => this.#count('events-lost'));
    this.#identification = Number(options.seed % 2n ** 32n);
  }

  apply(commands: readonly Command[], _now: number): CommandStatus[] {
    return commands.map((command) => {
      const status = this.#tables.apply(command);
      this.#pathMtus.keepOnly(() => this.#tables.tunnels());
      return status;
    });
  }

  process(batch: readonly PacketIn[], now: number): PacketOut[] {
    this.#now = Math.max(this.#now, now);
    this.#outputs = [];
    for (const held of this.#tables.holds.takeExpired(this.#now)) this.#dropHeld(held, 'hold-expired');
    for (const { frame } of this.#tables.holds.takeReleased()) {
      this.#count('released');
      const again = { ...frame, input: -1, released: true };
      if (frame.port.side === 'access') this.#fromAccess(again);
      else if (frame.outer === undefined) this.#native(again);
      else this.#decapsulated(again, frame.outer);
    }
    batch.forEach((input, index) => this.#receive(input, index));
    return this.#outputs;
  }

  events(): DataPlaneEvent[] {
    return this.#log.take();
  }

  counters(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counters);
  }

  dump(): EntryDump {
    return this.#tables.dump();
  }

  deadline(): number | undefined {
    return this.#tables.holds.deadline();
  }

  #receive(input: PacketIn, index: number): void {
    this.#count(input.port.side === 'core' ? 'rx-core' : 'rx-access');
    // A copy even of a Buffer, whose `slice` shares memory.
    const data = new Uint8Array(input.data);
    const frame: Frame = {
      packet: data,
      port: input.port,
      mac: input.mac === undefined ? undefined : parseMac(input.mac),
      input: index,
      released: false,
    };
    if (data.length > LIMIT_PACKET_MAX) return this.#drop(frame, 'oversized');
    const checked = packets.checkHeader(data);
    if ('reason' in checked) return this.#drop(frame, checked.reason);
    const whole = { ...frame, packet: checked.packet };
    if (input.port.side === 'access') this.#fromAccess(whole);
    else this.#fromCore(whole);
  }

  /** "From an access link" of the ABI page. */
  #fromAccess(frame: Frame): void {
    const { packet, port } = frame;
    if (port.side !== 'access') return;
    if (packets.isLocalPair(packet)) return this.#pass(frame);

    const upper = packets.upperLayer(packet);
    if (upper === undefined) return this.#drop(frame, 'extension');
    if (upper.protocol === packets.IPV6_IN_IPV6) return this.#drop(frame, 'access-tunnel');
    if (upper.protocol === packets.MOBILITY) return this.#drop(frame, 'access-mobility');

    const src = packets.source(packet);
    const source = this.#tables.source(port.link, src);
    if (source === undefined) {
      this.#unknownSource(src, port.link, frame.mac);
      const mac = frame.mac && formatMac(frame.mac);
      return this.#hold(frame, this.#tables.holds.entryFrom(port.link, mac, packet), 'source-unknown');
    }
    if (source.mac !== undefined && frame.mac !== undefined && source.mac.join() !== frame.mac.join()) {
      return this.#drop(frame, 'source-mac');
    }
    source.lastUsed = this.#seconds();

    this.#flow(packet);
    const entry = this.#destination(packet);
    if (entry?.action.kind === 'buffer') return this.#keep(frame, entry.action.hold);
    if (entry?.action.kind === 'deliver') return this.#deliver(frame, entry.action);
    if (entry?.action.kind === 'tunnel') return this.#tunnelled(frame, entry.action);
    if (entry?.action.kind === 'rewrite') return this.#rewrite(frame, entry.action.replacement);
    if (entry?.action.kind === 'restore') return this.#restored(frame, entry.action.replacement);
    if (source.reverse !== undefined) return this.#forwardTo(frame, source.reverse, 'reverse-tunnelled');
    this.#pass(frame);
  }

  /** "From the core" of the ABI page. */
  #fromCore(frame: Frame): void {
    const { packet } = frame;
    if (packets.destination(packet) === this.#locator) {
      if (packets.nextHeader(packet) === packets.IPV6_IN_IPV6) return this.#decapsulate(frame);
      if (packets.nextHeader(packet) === packets.FRAGMENT) return this.#reassemble(frame);
      if (hasTunnelOptions(packet)) return this.#takeTunnelOptions(frame);
      this.#pass(frame);
      return this.#relayError(packet);
    }
    this.#native(frame);
  }

  /** An outer fragment. */
  #reassemble(frame: Frame): void {
    const { packet } = frame;
    const protocol = packet[packets.IPV6_HEADER];
    const whole = packets.payloadLength(packet) >= packets.FRAGMENT_HEADER;
    const known = protocol === packets.IPV6_IN_IPV6 || protocol === packets.DESTINATION_OPTIONS;
    if (!whole || !known || !this.#tables.peers.has(packets.source(packet))) return this.#pass(frame);
    const outcome = this.#reassembly.take(packet, this.#now);
    if (outcome === 'kept') return this.#put(frame, new Uint8Array(), { action: 'hold' });
    if (outcome === 'refused') return this.#drop(frame, 'reassembly');
    if (outcome.parts > 1) this.#count('reassembled');
    this.#fromCore({ ...frame, packet: outcome.packet });
  }

  /** A packet that is tunnelled to us, with options of the tunnel. */
  #takeTunnelOptions(frame: Frame): void {
    if (!this.#tables.peers.has(packets.source(frame.packet))) return this.#drop(frame, 'peer-unknown');
    const taken = withoutTunnelOptions(frame.packet);
    if (taken === undefined) return this.#drop(frame, 'extension');
    this.#decapsulate({ ...frame, packet: taken.packet }, taken.limit);
  }

  /** A packet that was not tunnelled to us, or not in a tunnel any longer. */
  #native(frame: Frame): void {
    const { packet } = frame;
    if (packets.isLocalPair(packet)) return this.#pass(frame);
    const entry = this.#destination(packet);
    if (entry?.action.kind === 'rewrite') return this.#rewrite(frame, entry.action.replacement);
    if (entry?.action.kind === 'restore') return this.#restored(frame, entry.action.replacement);
    if (entry?.action.kind === 'buffer') return this.#keep(frame, entry.action.hold);
    if (entry?.action.kind === 'deliver') {
      this.#flow(packet);
      return this.#deliver(frame, entry.action);
    }
    if (entry?.action.kind === 'tunnel') return this.#tunnelled(frame, entry.action);
    this.#pass(frame);
  }

  /** "Errors from inside a tunnel" of the ABI page. */
  #relayError(packet: Uint8Array): void {
    const error = readTunnelError(packet, this.#locator);
    const tunnels = this.#tables.tunnels().filter(({ peer }) => peer === error?.peer);
    if (error === undefined || tunnels.length === 0) return;
    if (error.kind === 'unreachable') return this.#sendError(error.inner, UNREACHABLE, 'errors-relayed');
    for (const tunnel of tunnels) this.#pathMtus.learn(tunnel, error.mtu, this.#seconds());
    const mtus = tunnels.map((tunnel) => this.#pathMtus.of(tunnel, this.#seconds()));
    const room = Math.min(...mtus) - error.overhead;
    if (error.innerLength <= Math.max(MINIMUM_MTU, room)) return;
    this.#sendError(error.inner, packetTooBig(room), 'errors-relayed');
  }

  #decapsulate(frame: Frame, limit?: number): void {
    const { packet: outer } = frame;
    if (!this.#tables.peers.has(packets.source(outer))) return this.#drop(frame, 'peer-unknown');
    const carried = outer.slice(packets.IPV6_HEADER);
    // An inner packet too short to be one has no ECN field and fails the header check below.
    const marked =
      carried.length < packets.IPV6_HEADER
        ? carried
        : packets.withOuterEcn(carried, packets.trafficClass(outer));
    if (marked === undefined) return this.#drop(frame, 'ecn');
    this.#count('decapsulated');
    const checked = packets.checkHeader(marked);
    if ('reason' in checked) return this.#drop({ ...frame, packet: marked }, checked.reason);
    const inner = { ...frame, packet: checked.packet };
    if (packets.isLocalPair(checked.packet)) return this.#drop(inner, 'address');
    const [source, hopLimit] = [packets.source(outer), packets.hopLimit(outer)];
    this.#decapsulated(inner, { source, hopLimit, limit });
  }

  /** Step 4 of "From the core": also where a packet on a `to` hold starts again. */
  #decapsulated(frame: Frame, outer: Arrival): void {
    const { packet } = frame;
    const [src, dst] = [packets.source(packet), packets.destination(packet)];
    const pair = {
      peer: formatAddress(outer.source),
      src: formatAddress(src),
      dst: formatAddress(dst),
    };
    const key = [addressOctets(outer.source), src, dst] as const;
    const entry = this.#destination(packet);
    if (entry?.action.kind === 'buffer') return this.#keep({ ...frame, outer }, entry.action.hold);
    if (entry?.action.kind === 'deliver') {
      this.#flow(packet);
      return this.#deliver(frame, entry.action);
    }
    if (entry?.action.kind === 'tunnel') {
      const { peer } = entry.action;
      this.#log.raiseUnlessRepeated({ kind: 'redirect', ...pair }, key, this.#now);
      if (peer === outer.source) return this.#drop(frame, 'bounce');
      if (outer.hopLimit <= RETUNNEL_COST || outer.limit === 0) return this.#drop(frame, 'loop');
      const hopLimit = outer.hopLimit - RETUNNEL_COST;
      return this.#encapsulate({ ...frame, outer }, entry.action, hopLimit, 'retunnelled');
    }
    if (entry?.action.kind === 'rewrite') {
      this.#log.raiseUnlessRepeated({ kind: 'redirect', ...pair }, key, this.#now);
      return this.#rewrite({ ...frame, outer }, entry.action.replacement);
    }
    if (entry?.action.kind === 'restore') {
      return this.#restored({ ...frame, outer }, entry.action.replacement);
    }
    const anchored = this.#tables.source(LINK_TUNNEL, src);
    if (anchored !== undefined && anchored.reverse === undefined && !this.#circles(src, dst, outer.source)) {
      anchored.lastUsed = this.#seconds();
      this.#flow(packet);
      return this.#pass(frame);
    }
    this.#log.raiseUnlessRepeated({ kind: 'unknown-destination', ...pair }, key, this.#now);
    this.#hold({ ...frame, outer }, this.#tables.holds.entryTo(packet), 'destination-unknown');
  }

  #circles(src: bigint, dst: bigint, outerSource: bigint): boolean {
    const anchor = this.#tables.source(LINK_TUNNEL, dst)?.reverse?.peer;
    if (anchor === undefined) return false;
    return anchor === outerSource || this.#tables.destinations.longest(src)?.action.kind === 'deliver';
  }

  /** "Rewriting" of the ABI page. */
  #rewrite(frame: Frame, replacement: PrefixValue): void {
    const packet = this.#isOnward(frame) ? this.#withLoopCost(frame) : this.#decremented(frame);
    if (packet === undefined) return;
    const { coreMtu } = this.#options;
    if (packet.length > coreMtu) {
      this.#drop({ ...frame, packet }, 'too-big');
      return this.#sendError(packet, packetTooBig(coreMtu), 'too-big-sent');
    }
    this.#count('rewritten');
    const verdict = { action: 'core', locator: formatAddress(replacement.address) } as const;
    this.#put(frame, packets.withDestinationIn(packet, replacement), verdict);
  }

  /** The same backwards: on by the original destination, from where the packet was. */
  #restored(before: Frame, replacement: PrefixValue): void {
    this.#count('restored');
    const packet = packets.withDestinationIn(before.packet, replacement);
    const frame = { ...before, packet, restored: true };
    const next = this.#tables.destinations.longest(packets.destination(frame.packet))?.action.kind;
    if (next === undefined || next === 'restore') return this.#drop(frame, 'destination-unknown');
    if (frame.outer === undefined) this.#native(frame);
    else this.#decapsulated(frame, frame.outer);
  }

  /** The entry of the packet's flow, else of its destination. */
  #destination(packet: Uint8Array): Pick<Destination, 'action' | 'lastUsed'> | undefined {
    const entry =
      this.#tables.flows.match(packet) ?? this.#tables.destinations.longest(packets.destination(packet));
    if (entry !== undefined) entry.lastUsed = this.#seconds();
    return entry;
  }

  #deliver(frame: Frame, action: Extract<Destination['action'], { kind: 'deliver' }>): void {
    const packet = this.#decremented(frame);
    if (packet === undefined) return;
    this.#count('delivered');
    const { link, nextHop, mac } = action;
    this.#put(frame, packet, { action: 'deliver', link, nextHop: formatAddress(nextHop), mac });
  }

  /** By a tunnel entry, a packet that did not come out of a tunnel. */
  #tunnelled(frame: Frame, tunnel: Tunnel): void {
    if (!this.#isOnward(frame)) return this.#forwardTo(frame, tunnel, 'tunnelled');
    const packet = this.#withLoopCost(frame);
    if (packet === undefined) return;
    this.#encapsulate({ ...frame, packet }, tunnel, packets.hopLimit(packet), 'tunnelled');
  }

  #forwardTo(frame: Frame, tunnel: Tunnel, counter: CountedEncapsulation): void {
    const packet = this.#decremented(frame);
    if (packet !== undefined) this.#encapsulate({ ...frame, packet }, tunnel, TUNNEL_HOP_LIMIT, counter);
  }

  #encapsulate(frame: Frame, tunnel: Tunnel, hopLimit: number, counter: CountedEncapsulation): void {
    const { peer } = tunnel;
    const at = limitAt(frame.packet);
    // Limits of the tunnels that the packet is in, or came through.
    const inherited = [at === undefined ? undefined : frame.packet[at], frame.outer?.limit];
    if (at !== undefined && inherited[0] === 0) {
      this.#drop(frame, 'encapsulation-limit');
      return this.#sendError(frame.packet, parameterProblem(at), 'parameter-problem-sent');
    }
    const least = Math.min(...inherited.filter((limit) => limit !== undefined));
    const limit = least === Infinity ? tunnel.limit : least - 1;
    const mtu = this.#pathMtus.of(tunnel, this.#seconds());
    const room = mtu - overhead(limit);
    const clamped = this.#options.clampMss ? withLowerMss(frame.packet, largestMss(room)) : undefined;
    const sent = encapsulate(clamped ?? frame.packet, {
      seed: this.#options.seed,
      locator: this.#locator,
      peer,
      hopLimit,
      limit,
      mtu,
      identification: () => this.#nextIdentification(),
    });
    if (sent === undefined) {
      this.#drop(frame, 'too-big');
      return this.#sendError(frame.packet, packetTooBig(room), 'too-big-sent');
    }
    this.#count(counter);
    if (clamped !== undefined) this.#count('mss-clamped');
    if (sent.length > 1) this.#count('fragments', sent.length);
    const verdict = { action: 'core', locator: formatAddress(peer) } as const;
    sent.forEach((packet, index) => this.#put(index === 0 ? frame : { input: -1 }, packet, verdict));
  }

  #nextIdentification(): number {
    const identification = this.#identification;
    this.#identification = (identification + 1) % 2 ** 32;
    return identification;
  }

  #sendError(packet: Uint8Array, error: IcmpError, counter: CountedError): void {
    if (!mayAnswerWithError(packet)) return;
    const bucket = this.#bucket;
    const earned = (this.#now - bucket.filled) * ICMP_RATE;
    bucket.tokens = Math.min(bucket.tokens + earned, ICMP_BURST * TOKEN);
    bucket.filled = this.#now;
    if (bucket.tokens < TOKEN) return this.#count('icmp-limited');
    bucket.tokens -= TOKEN;
    this.#count(counter);
    this.#put({ input: -1 }, errorMessage(packet, this.#locator, error), { action: 'pass' });
  }

  /** The packet with its hop limit one less; drops it and returns undefined where that is exhausted. */
  #decremented(frame: Frame): Uint8Array | undefined {
    if (this.#options.hopLimitDone) return frame.packet;
    const hopLimit = packets.hopLimit(frame.packet);
    if (hopLimit <= 1) {
      this.#drop(frame, 'hop-limit');
      this.#sendError(frame.packet, TIME_EXCEEDED, 'time-exceeded-sent');
      return undefined;
    }
    const packet = frame.packet.slice();
    packet[7] = hopLimit - 1;
    return packet;
  }

  /** Whether another MAAR has sent the packet on its way here. */
  #isOnward({ outer, restored }: Frame): boolean {
    return outer !== undefined || restored === true;
  }

  /** "Loop bound" of the ABI page, where the inner hop limit carries the count; drops at its end. */
  #withLoopCost(frame: Frame): Uint8Array | undefined {
    const hopLimit = Math.min(packets.hopLimit(frame.packet), frame.outer?.hopLimit ?? TUNNEL_HOP_LIMIT);
    if (hopLimit <= RETUNNEL_COST) {
      this.#drop(frame, 'loop');
      return undefined;
    }
    const packet = frame.packet.slice();
    packet[7] = hopLimit - RETUNNEL_COST;
    return packet;
  }

  #hold(frame: Frame, entry: HoldRecord | undefined, otherwise: string): void {
    if (entry === undefined) return this.#drop(frame, otherwise);
    this.#keep(frame, entry);
  }

  #keep(frame: Frame, entry: HoldRecord): void {
    this.#count('held');
    if (!frame.released) this.#put(frame, new Uint8Array(), { action: 'hold' });
    for (const held of this.#tables.holds.keep(frame, entry, this.#now)) {
      this.#dropHeld(held, 'hold-overflow');
    }
  }

  #dropHeld(held: HeldFrame, reason: string): void {
    const { frame, entry } = held;
    if (entry !== undefined) {
      const { target } = entry;
      const { address, length } = target.direction === 'station' ? stationKey(target) : target.prefix;
      const first = new Uint8Array(16);
      first[0] = Object.values(DIRECTION_NAMES).indexOf(target.direction);
      first[1] = length;
      const key =
        target.direction === 'station' ? target : { ...target, prefix: formatPrefix(target.prefix) };
      this.#log.raiseUnlessRepeated({ kind: 'hold-drop', ...key }, [first, address, 0n], this.#now);
    }
    this.#drop({ ...frame, input: -1 }, reason);
  }

  #unknownSource(src: bigint, link: number, mac: Uint8Array | undefined): void {
    const first = new Uint8Array(16);
    first[0] = link;
    if (mac !== undefined) first.set(mac, 1);
    const event = { kind: 'unknown-source', src: formatAddress(src), link } as const;
    this.#log.raiseUnlessRepeated(
      mac === undefined ? event : { ...event, mac: formatMac(mac) },
      [first, src, 0n],
      this.#now,
    );
  }

  #flow(packet: Uint8Array): void {
    const [src, dst] = [packets.source(packet), packets.destination(packet)];
    if (this.#flows.see(src, dst, this.#now)) this.#log.raise(flowEvent(src, dst));
  }

  #pass(frame: Frame): void {
    this.#count('passed');
    this.#put(frame, frame.packet, { action: 'pass' });
  }

  #drop(frame: Frame, reason: string): void {
    this.#count(`drop-${reason}`);
    this.#put(frame, frame.packet, { action: 'drop', reason });
  }

  #put({ input }: Pick<Frame, 'input'>, data: Uint8Array, verdict: Verdict): void {
    this.#outputs.push({ data, verdict, input });
  }

  #count(name: string, by = 1): void {
    const value = this.#counters.get(name);
    if (value === undefined) throw new RangeError(`no counter named ${name}`);
    this.#counters.set(name, value + by);
  }

  #seconds(): number {
    return Math.floor(this.#now / 1000);
  }
}

/** What stands for the prefix of a station hold: link and MAC in the first octets of an address. */
function stationKey({ link, mac }: Extract<HoldTarget, { direction: 'station' }>): PrefixValue {
  const octets = [link, ...(parseMac(mac) ?? [])];
  const address = octets.reduce((value, octet) => value * 256n + BigInt(octet), 0n);
  return { address: address << BigInt(8 * (16 - octets.length)), length: 128 };
}

function formatMac(mac: Uint8Array): Mac {
  return [...mac].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}
