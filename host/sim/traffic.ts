import type { Address } from '../../bindings/entries.ts';
import type { Random } from '../core/machine.ts';
import { addressBytes } from '../wire/address.ts';
import { fillChecksum } from '../wire/checksum.ts';
import { emitIcmpv6 } from '../wire/icmpv6/message.ts';
import { ICMPV6_TYPE } from '../wire/icmpv6/registry.ts';
import { IPV6_AT, IPV6_HEADER, NEXT_HEADER } from '../wire/ipv6.ts';
import { Arrivals } from './arrivals.ts';
import type { ArrivalCounts, Gap } from './arrivals.ts';
import type { Host } from './host/host.ts';
import { receiverKey } from './host/host.ts';
import { Transfer } from './host/transfer.ts';
import type { Cancel, Scheduler } from './scheduler.ts';

const UDP_HEADER = 8;
const UDP_CHECKSUM = 6;
/** Sequence number and filling, the size of ping's default. */
const PAYLOAD = 56;
/** Receivers listen here, one port for each flow. */
const FIRST_PORT = 20_000;
const DEFAULT_INTERVAL = 10;
const DEFAULT_BYTES = 1 << 20;
/** Silences of fewer packets than this are the stream's own rhythm. */
const GAP_PACKETS = 3;
const SMALLEST_GAP = 20;
/** Longest wait for packets under way when a stream ends. */
const DRAIN = 2_500;

export interface FlowSpec {
  readonly kind: 'ping' | 'udp' | 'tcp';
  readonly intervalMs?: number;
  readonly bytes?: number;
}

export interface FlowEnds {
  readonly from: { readonly host: Host; readonly address: Address };
  readonly to: { readonly host: Host; readonly address: Address };
}

export interface FlowReport extends ArrivalCounts {
  readonly sent: number;
  readonly lost: number;
  readonly gaps: readonly Gap[];
  readonly intact?: boolean;
}

/** Traffic between two hosts, counted from the sender's port to the receiver (for `ping`, back at the sender). */
export interface Flow {
  finish(): Promise<FlowReport>;
}

export interface FlowEnvironment {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Distinguishes flows between the same hosts: port and identifier. */
  readonly number: number;
  readonly hash: (data: Uint8Array) => string;
}

export function startFlow(spec: FlowSpec, ends: FlowEnds, environment: FlowEnvironment): Flow {
  return spec.kind === 'tcp'
    ? new TransferFlow(spec, ends, environment)
    : new PacketFlow(spec.kind, spec.intervalMs ?? DEFAULT_INTERVAL, ends, environment);
}

/** Counts the packets of one flow that leave a host's port. */
class SentCounter {
  count = 0;
  readonly #host: Host;
  readonly #listener: (packet: Uint8Array) => void;

  /** `matches` looks at a packet of this source with this next header. */
  constructor(host: Host, source: Address, nextHeader: number, matches: (packet: Uint8Array) => boolean) {
    const bytes = addressBytes(source);
    this.#host = host;
    this.#listener = (packet) => {
      if (packet[6] !== nextHeader || packet.length < IPV6_HEADER + 8) return;
      for (let octet = 0; octet < 16; octet++) if (packet[IPV6_AT.source + octet] !== bytes[octet]) return;
      if (matches(packet)) this.count++;
    };
    host.sent.add(this.#listener);
  }

  stop(): void {
    this.#host.sent.delete(this.#listener);
  }
}

function uint16(packet: Uint8Array, offset: number): number {
  return (packet[offset]! << 8) | packet[offset + 1]!;
}

class PacketFlow implements Flow {
  readonly #kind: 'ping' | 'udp';
  readonly #interval: number;
  readonly #ends: FlowEnds;
  readonly #scheduler: Scheduler;
  readonly #port: number;
  readonly #sent: SentCounter;
  readonly #arrivals: Arrivals;
  #sequence = 0;
  #timer: Cancel | undefined;

  constructor(kind: 'ping' | 'udp', interval: number, ends: FlowEnds, environment: FlowEnvironment) {
    this.#kind = kind;
    this.#interval = interval;
    this.#ends = ends;
    this.#scheduler = environment.scheduler;
    this.#port = FIRST_PORT + environment.number;
    this.#arrivals = new Arrivals(this.#scheduler.now, Math.max(SMALLEST_GAP, GAP_PACKETS * interval));
    const { from, to } = ends;
    if (kind === 'ping') {
      this.#sent = new SentCounter(
        from.host,
        from.address,
        NEXT_HEADER.icmpv6,
        (packet) =>
          packet[IPV6_HEADER] === ICMPV6_TYPE['echo-request'] &&
          uint16(packet, IPV6_HEADER + 4) === this.#port,
      );
      from.host.echoReplies.set(this.#port, ({ data }) => this.#arrived(data));
    } else {
      this.#sent = new SentCounter(
        from.host,
        from.address,
        NEXT_HEADER.udp,
        (packet) => uint16(packet, IPV6_HEADER) === this.#port,
      );
      to.host.receivers.set(receiverKey(NEXT_HEADER.udp, this.#port), (_src, dst, payload) => {
        if (dst === to.address) this.#arrived(payload.subarray(UDP_HEADER));
      });
    }
    this.#send();
  }

  async finish(): Promise<FlowReport> {
    this.#timer?.();
    const ended = this.#scheduler.now;
    // The silence up to here is one of the stream; what comes while it drains ends none.
    const gaps = this.#arrivals.gaps(ended);
    const deadline = ended + DRAIN;
    while (this.#arrivals.received < this.#sent.count && this.#scheduler.now < deadline) {
      await this.#scheduler.sleep(1);
    }
    this.#sent.stop();
    const { from, to } = this.#ends;
    if (this.#kind === 'ping') from.host.echoReplies.delete(this.#port);
    else to.host.receivers.delete(receiverKey(NEXT_HEADER.udp, this.#port));
    const counts = this.#arrivals.counts();
    return { ...counts, sent: this.#sent.count, lost: this.#sent.count - counts.received, gaps };
  }

  #arrived(data: Uint8Array): void {
    if (data.length < 4) return;
    const sequence = new DataView(data.buffer, data.byteOffset).getUint32(0);
    this.#arrivals.add(sequence, this.#scheduler.now);
  }

  #send(): void {
    this.#timer = this.#scheduler.after(this.#interval, () => this.#send());
    const { from, to } = this.#ends;
    const data = new Uint8Array(PAYLOAD);
    new DataView(data.buffer).setUint32(0, this.#sequence);
    if (this.#kind === 'ping') {
      const echo = {
        kind: 'echo-request',
        identifier: this.#port,
        sequence: this.#sequence & 0xffff,
        data,
      } as const;
      const request = emitIcmpv6(echo, from.address, to.address);
      from.host.send(from.address, to.address, NEXT_HEADER.icmpv6, request);
    } else {
      from.host.send(from.address, to.address, NEXT_HEADER.udp, this.#datagram(data));
    }
    this.#sequence++;
  }

  #datagram(data: Uint8Array): Uint8Array {
    const { from, to } = this.#ends;
    const datagram = new Uint8Array(UDP_HEADER + data.length);
    const view = new DataView(datagram.buffer);
    view.setUint16(0, this.#port);
    view.setUint16(2, this.#port);
    view.setUint16(4, datagram.length);
    datagram.set(data, UDP_HEADER);
    fillChecksum(datagram, UDP_CHECKSUM, from.address, to.address, NEXT_HEADER.udp);
    return datagram;
  }
}

/** Counts segments that carry data, retransmissions included; `duplicated` are those that brought nothing new. */
class TransferFlow implements Flow {
  readonly #transfer: Transfer;
  readonly #scheduler: Scheduler;
  readonly #sent: SentCounter;
  readonly #arrivals: Arrivals;
  readonly #data: Uint8Array;
  readonly #hash: (data: Uint8Array) => string;
  #progress = 0;

  constructor(spec: FlowSpec, { from, to }: FlowEnds, environment: FlowEnvironment) {
    const { scheduler, random, number, hash } = environment;
    const port = FIRST_PORT + number;
    this.#scheduler = scheduler;
    this.#hash = hash;
    this.#data = Uint8Array.from({ length: spec.bytes ?? DEFAULT_BYTES }, () => random() * 256);
    this.#arrivals = new Arrivals(
      scheduler.now,
      Math.max(SMALLEST_GAP, GAP_PACKETS * (spec.intervalMs ?? 0)),
    );
    this.#sent = new SentCounter(
      from.host,
      from.address,
      NEXT_HEADER.tcp,
      (packet) => uint16(packet, IPV6_HEADER) === port && packet.length > IPV6_HEADER + 20,
    );
    this.#transfer = new Transfer({ ...from, port }, { ...to, port }, this.#data, scheduler, spec.intervalMs);
    this.#transfer.onData = () => this.#arrivals.add(this.#progress++, scheduler.now);
  }

  async finish(): Promise<FlowReport> {
    const transfer = this.#transfer;
    let progress = transfer.receivedOctets;
    let since = this.#scheduler.now;
    while (!transfer.finished && this.#scheduler.now - since < GIVE_UP) {
      await this.#scheduler.sleep(10);
      if (transfer.receivedOctets === progress) continue;
      progress = transfer.receivedOctets;
      since = this.#scheduler.now;
    }
    transfer.abort();
    this.#sent.stop();
    return {
      sent: this.#sent.count,
      received: transfer.segments,
      lost: this.#sent.count - transfer.segments,
      duplicated: transfer.duplicates,
      reordered: 0,
      gaps: this.#arrivals.gaps(transfer.finished ? undefined : this.#scheduler.now),
      intact: transfer.finished && this.#hash(transfer.received) === this.#hash(this.#data),
    };
  }
}

/** A transfer without progress for this long has failed; one back-off of the retransmission timer must fit in. */
const GIVE_UP = 60_000;
