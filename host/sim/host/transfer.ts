import type { Address } from '../../../bindings/entries.ts';
import { IPV6_HEADER, NEXT_HEADER } from '../../wire/ipv6.ts';
import type { Cancel, Scheduler } from '../scheduler.ts';
import { emitTcp, parseTcp, TCP_FLAG, TCP_HEADER, TCP_WINDOW } from '../tcp.ts';
import type { Host } from './host.ts';
import { receiverKey } from './host.ts';

/** In segments. */
const INITIAL_WINDOW = 10;
const LARGEST_WINDOW = 44;
const DUPLICATES = 3;
/** Milliseconds: RFC 6298 with the lower bound of Linux. */
const RTO = { initial: 1_000, minimum: 200, maximum: 120_000 } as const;

export interface TransferEnd {
  readonly host: Host;
  readonly address: Address;
  readonly port: number;
}

interface Segment {
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/**
 * Moves bytes from one host to another in real TCP headers: a window that opens by one segment for each that is acknowledged,
 * three duplicate acknowledgements, a retransmission timer with back-off. It stands for TCP where a session must
 * survive a move; it is not the TCP of Linux (no SACK, no window scaling, no delayed acknowledgement).
 * Sequence numbers start at 0 and do not wrap: up to 2 GiB.
 */
export class Transfer {
  readonly received: Uint8Array;
  /** Segments with data that arrived, and those of them that brought nothing new. */
  segments = 0;
  duplicates = 0;
  /** Called when new data arrived in order. */
  onData: (() => void) | undefined;
  #receivedTo = 0;
  #finished = false;
  #failed = false;
  readonly #from: TransferEnd;
  readonly #to: TransferEnd;
  readonly #data: Uint8Array;
  readonly #scheduler: Scheduler;
  /** Out-of-order segments at the receiver, by offset. */
  readonly #early = new Map<number, Uint8Array>();
  #established = false;
  #acknowledged = 0;
  #next = 0;
  /** Octets that the application has written so far. */
  #written: number;
  #window = INITIAL_WINDOW;
  #duplicates = 0;
  /** End of the octets that were sent when the last loss was noticed: no second loss is inferred below it, RFC 6582. */
  #recovery = 0;
  #recovering = false;
  #timer: Cancel | undefined;
  #rto: number = RTO.initial;
  #smoothed: number | undefined;
  #variation = 0;
  #timed: { readonly offset: number; readonly at: number } | undefined;

  /** `data` is moved at once, or one segment every `intervalMs`. */
  constructor(
    from: TransferEnd,
    to: TransferEnd,
    data: Uint8Array,
    scheduler: Scheduler,
    intervalMs?: number,
  ) {
    this.#from = from;
    this.#to = to;
    this.#data = data;
    this.#scheduler = scheduler;
    this.received = new Uint8Array(data.length);
    this.#written = intervalMs === undefined ? data.length : 0;
    from.host.receivers.set(receiverKey(NEXT_HEADER.tcp, from.port), (src, dst, payload) =>
      this.#heard(payload, src, dst, (segment) => this.#atSender(segment)),
    );
    to.host.receivers.set(receiverKey(NEXT_HEADER.tcp, to.port), (src, dst, payload) =>
      this.#heard(payload, src, dst, (segment) => this.#atReceiver(segment)),
    );
    if (intervalMs !== undefined) this.#write(intervalMs);
    this.#connect();
  }

  get finished(): boolean {
    return this.#finished;
  }

  get receivedOctets(): number {
    return this.#receivedTo;
  }

  /** Gives up what is left. */
  abort(): void {
    this.#failed = true;
    this.#timer?.();
    this.#from.host.receivers.delete(receiverKey(NEXT_HEADER.tcp, this.#from.port));
    this.#to.host.receivers.delete(receiverKey(NEXT_HEADER.tcp, this.#to.port));
  }

  #write(intervalMs: number): void {
    if (this.#failed || this.#written >= this.#data.length) return;
    this.#written = Math.min(this.#data.length, this.#written + this.#segmentSize());
    this.#fill();
    this.#scheduler.after(intervalMs, () => this.#write(intervalMs));
  }

  #segmentSize(): number {
    return this.#from.host.mtu(this.#to.address) - IPV6_HEADER - TCP_HEADER;
  }

  #connect(): void {
    if (this.#established || this.#failed) return;
    this.#send(this.#from, this.#to, {
      sequence: -1,
      acknowledgement: 0,
      flags: TCP_FLAG.syn,
      data: NOTHING,
    });
    this.#timer = this.#scheduler.after(this.#rto, () => {
      this.#rto = Math.min(2 * this.#rto, RTO.maximum);
      this.#connect();
    });
  }

  /** Sends what the window allows. */
  #fill(): void {
    if (!this.#established || this.#failed) return;
    const size = this.#segmentSize();
    const limit = Math.min(this.#acknowledged + Math.min(this.#window * size, TCP_WINDOW), this.#written);
    while (this.#next < limit) {
      const end = Math.min(this.#next + size, limit);
      this.#sendData(this.#next, end);
      this.#timed ??= { offset: end, at: this.#scheduler.now };
      this.#next = end;
    }
    this.#arm();
  }

  #sendData(start: number, end: number): void {
    const last = end === this.#data.length;
    this.#send(this.#from, this.#to, {
      sequence: start,
      acknowledgement: 0,
      flags: TCP_FLAG.ack | (last ? TCP_FLAG.psh | TCP_FLAG.fin : 0),
      data: this.#data.subarray(start, end),
    });
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#acknowledged === this.#next) return;
    this.#timer = this.#scheduler.after(this.#rto, () => {
      this.#timer = undefined;
      this.#rto = Math.min(2 * this.#rto, RTO.maximum);
      this.#window = 1;
      this.#timed = undefined;
      this.#recovery = Math.max(this.#recovery, this.#next);
      this.#recovering = false;
      // Everything after the first hole is sent again as the window opens.
      this.#next = this.#acknowledged;
      this.#fill();
    });
  }

  #atSender(segment: Segment): void {
    if ((segment.flags & TCP_FLAG.syn) !== 0) {
      if (this.#established) return;
      this.#established = true;
      this.#disarm();
      this.#rto = RTO.initial;
      this.#fill();
      return;
    }
    const offset = Math.min(segment.acknowledgement, this.#data.length);
    if (offset > this.#acknowledged) this.#progress(offset);
    else if (offset === this.#acknowledged && this.#next > offset && ++this.#duplicates === DUPLICATES) {
      if (offset >= this.#recovery) {
        this.#recovery = this.#next;
        this.#recovering = true;
        this.#window = Math.max(2, Math.floor(this.#window / 2));
        this.#timed = undefined;
        this.#sendData(offset, Math.min(offset + this.#segmentSize(), this.#next));
      }
    }
    this.#fill();
  }

  #progress(offset: number): void {
    this.#duplicates = 0;
    this.#acknowledged = offset;
    this.#next = Math.max(this.#next, offset);
    this.#window = Math.min(this.#window + 1, LARGEST_WINDOW);
    this.#disarm();
    // Karn's rule: only a segment that was sent once is timed.
    if (this.#timed !== undefined && offset >= this.#timed.offset) {
      this.#sample(this.#scheduler.now - this.#timed.at);
      this.#timed = undefined;
    }
    if (offset >= this.#recovery) this.#recovering = false;
    else if (this.#recovering) {
      this.#sendData(offset, Math.min(offset + this.#segmentSize(), this.#data.length));
    }
  }

  /** RFC 6298 section 2. */
  #sample(roundTrip: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = roundTrip;
      this.#variation = roundTrip / 2;
    } else {
      this.#variation = 0.75 * this.#variation + 0.25 * Math.abs(this.#smoothed - roundTrip);
      this.#smoothed = 0.875 * this.#smoothed + 0.125 * roundTrip;
    }
    const wanted = this.#smoothed + Math.max(4 * this.#variation, RTO.minimum);
    this.#rto = Math.min(wanted, RTO.maximum);
  }

  #disarm(): void {
    this.#timer?.();
    this.#timer = undefined;
  }

  #atReceiver(segment: Segment): void {
    if ((segment.flags & TCP_FLAG.syn) !== 0) {
      const flags = TCP_FLAG.syn | TCP_FLAG.ack;
      this.#send(this.#to, this.#from, { sequence: -1, acknowledgement: 0, flags, data: NOTHING });
      return;
    }
    const before = this.#receivedTo;
    if (segment.data.length > 0) this.#store(segment);
    this.#join();
    if (this.#receivedTo === this.#data.length) this.#finished = true;
    if (this.#receivedTo > before) this.onData?.();
    this.#send(this.#to, this.#from, {
      sequence: 0,
      acknowledgement: this.#receivedTo,
      flags: TCP_FLAG.ack,
      data: NOTHING,
    });
  }

  #store({ sequence, data }: Segment): void {
    this.segments++;
    const known = this.#early.get(sequence)?.length ?? 0;
    if (sequence + data.length > this.#receivedTo && data.length > known)
      this.#early.set(sequence, data.slice());
    else this.duplicates++;
  }

  /** Appends what continues the octets received so far; segment sizes may have changed between transmissions. */
  #join(): void {
    for (const [start, data] of [...this.#early].sort(([a], [b]) => a - b)) {
      if (start > this.#receivedTo) return;
      this.#early.delete(start);
      const end = start + data.length;
      if (end <= this.#receivedTo) continue;
      this.received.set(data.subarray(this.#receivedTo - start), this.#receivedTo);
      this.#receivedTo = end;
    }
  }

  /** Offsets become sequence numbers by adding one, the place of the SYN. */
  #send(from: TransferEnd, to: TransferEnd, segment: Segment): void {
    const { sequence, flags, data } = segment;
    const acknowledgement = (flags & TCP_FLAG.ack) === 0 ? 0 : segment.acknowledgement + 1;
    const ports = { srcPort: from.port, dstPort: to.port };
    const tcp = { ...ports, sequence: sequence + 1, acknowledgement, flags, data };
    from.host.send(from.address, to.address, NEXT_HEADER.tcp, emitTcp(tcp, from.address, to.address));
  }

  #heard(payload: Uint8Array, src: Address, dst: Address, take: (segment: Segment) => void): void {
    const tcp = parseTcp(payload, src, dst);
    if (tcp === undefined) return;
    const { sequence, acknowledgement, flags, data } = tcp;
    take({ sequence: sequence - 1, acknowledgement: Math.max(0, acknowledgement - 1), flags, data });
  }
}

const NOTHING = new Uint8Array(0);
