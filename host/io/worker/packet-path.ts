import type { LinkId } from '../../../bindings/entries.ts';
import { PORT_CORE, VERDICT_CORE, VERDICT_DELIVER, VERDICT_PASS } from '../../../bindings/generated/abi.ts';
import type { DataPlaneModule } from '../../../bindings/node/module.ts';
import { writeAddress } from '../../wire/address.ts';
import { IPV6_AT, IPV6_HEADER, NEXT_HEADER } from '../../wire/ipv6.ts';
import { SystemError, addressOf, read, write } from '../ffi.ts';
import { RawReceiver } from '../raw-socket.ts';

/** First octet of multicast addresses. */
const MULTICAST = 0xff;
/** Batches of one descriptor before the others get their turn. */
const ROUNDS = 8;

/**
 * Where a packet goes that the data plane passes: to the kernel's routing; nowhere, since the kernel has it already; or
 * back to where the kernel would lead it here again, so that it is dropped.
 */
type Passed = 'kernel' | 'nowhere' | 'back';

/** Counters of what the packet worker itself drops. */
export interface PathCounters {
  /** IPv6-in-IPv6 to our address that came in on an access interface. */
  'drop-access-tunnel': number;
  /** A tunnelled packet longer than a frame. */
  'drop-oversized': number;
  /** The kernel led a packet here that no entry matches; back in the kernel it would come here again. */
  'drop-unmatched': number;
  /** The TUN device refused a packet. */
  'drop-tun': number;
}

/** Moves packets between the kernel and the data plane's frames. */
export class PacketPath {
  readonly counters: PathCounters = {
    'drop-access-tunnel': 0,
    'drop-oversized': 0,
    'drop-unmatched': 0,
    'drop-tun': 0,
  };
  readonly #module: DataPlaneModule;
  readonly #coreTun: number;
  readonly #locator = new Uint8Array(16);
  readonly #accessInterfaces: ReadonlySet<number>;
  readonly #receiver = new RawReceiver('receive a tunnelled packet');
  readonly #frames: {
    readonly view: Uint8Array;
    readonly innerAddress: bigint;
    readonly innerRoom: number;
  }[];

  constructor(
    module: DataPlaneModule,
    coreTun: number,
    locator: string,
    accessInterfaces: readonly number[],
  ) {
    this.#module = module;
    this.#coreTun = coreTun;
    this.#accessInterfaces = new Set(accessInterfaces);
    writeAddress(this.#locator, 0, locator);
    this.#frames = Array.from({ length: module.batch }, (_, index) => {
      const view = module.receiveView(index);
      return {
        view,
        innerAddress: addressOf(view.subarray(IPV6_HEADER)),
        innerRoom: view.length - IPV6_HEADER,
      };
    });
  }

  /** Packets that the kernel routed to the core's TUN device: to prefixes of tunnel entries. */
  fromCoreTun(now: number): void {
    this.#fromTun(this.#coreTun, PORT_CORE, now);
  }

  /** Packets of stations of `link` that the kernel does not route by itself. */
  fromAccessTun(fd: number, link: LinkId, now: number): void {
    this.#fromTun(fd, link, now);
  }

  /** Packets that peers tunnelled to us. */
  fromTunnelSocket(fd: number, now: number): void {
    this.#fromRawSocket(fd, NEXT_HEADER.ipv6, 'kernel', now);
  }

  /** ICMPv6 errors to us, which the kernel has taken already: only what the data plane makes of them leaves. */
  fromErrorSocket(fd: number, now: number): void {
    this.#fromRawSocket(fd, NEXT_HEADER.icmpv6, 'nowhere', now);
  }

  /** A raw socket leaves out the IPv6 header, which is rebuilt in place. */
  #fromRawSocket(fd: number, nextHeader: number, passed: Passed, now: number): void {
    for (let round = 0; round < ROUNDS; round++) {
      let count = 0;
      while (count < this.#frames.length) {
        const frame = this.#frames[count]!;
        if (!this.#receiver.receive(fd, frame.innerAddress, frame.innerRoom)) break;
        const { packet } = this.#receiver;
        if (this.#accessInterfaces.has(packet.ifindex)) {
          if (nextHeader === NEXT_HEADER.ipv6) this.counters['drop-access-tunnel']++;
        } else if (packet.truncated) this.counters['drop-oversized']++;
        else {
          this.#writeHeader(frame.view, nextHeader);
          this.#module.setInput(count++, IPV6_HEADER + packet.length, PORT_CORE);
        }
      }
      this.#run(count, now, passed);
      if (count < this.#frames.length) return;
    }
  }

  /** Sends what has been released from hold, and lets what has waited too long expire. */
  flush(now: number): void {
    this.#run(0, now, 'kernel');
  }

  #fromTun(fd: number, port: number, now: number): void {
    for (let round = 0; round < ROUNDS; round++) {
      let count = 0;
      while (count < this.#frames.length) {
        const { view } = this.#frames[count]!;
        const length = read(fd, view, 'read from the TUN device');
        if (length === undefined) break;
        // The kernel's own listener reports on the device; multicast is not forwarded.
        if (view[IPV6_AT.destination] === MULTICAST) continue;
        this.#module.setInput(count++, length, port);
      }
      this.#run(count, now, port === PORT_CORE ? 'back' : 'kernel');
      if (count < this.#frames.length) return;
    }
  }

  #run(count: number, now: number, passed: Passed): void {
    const outputs = this.#module.process(count, now);
    for (let position = 0; position < outputs; position++) {
      const index = this.#module.output(position);
      const verdict = this.#module.verdict(index);
      if (verdict === VERDICT_DELIVER || verdict === VERDICT_CORE) this.#send(this.#module.packet(index));
      else if (verdict === VERDICT_PASS) this.#pass(index, passed);
    }
  }

  #pass(index: number, passed: Passed): void {
    // What the module made itself (an ICMPv6 error) has no input and always leaves.
    if (passed === 'kernel' || this.#module.input(index) < 0) this.#send(this.#module.packet(index));
    else if (passed === 'back') this.counters['drop-unmatched']++;
  }

  #send(packet: Uint8Array): void {
    try {
      write(this.#coreTun, packet, 'write to the TUN device');
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.counters['drop-tun']++;
    }
  }

  #writeHeader(frame: Uint8Array, nextHeader: number): void {
    const { length, hopLimit, trafficClass, flowLabel } = this.#receiver.packet;
    frame[0] = 0x60 | (trafficClass >> 4);
    frame[1] = ((trafficClass & 0xf) << 4) | (flowLabel >> 16);
    frame[2] = flowLabel >> 8;
    frame[3] = flowLabel;
    frame[4] = length >> 8;
    frame[5] = length;
    frame[6] = nextHeader;
    frame[7] = hopLimit;
    frame.set(this.#receiver.sourceOctets(), 8);
    frame.set(this.#locator, 24);
  }
}
