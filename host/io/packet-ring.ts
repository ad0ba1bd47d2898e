import koffi from 'koffi';
import { SystemError, bind, close, ioctl, open, sendto, setsockopt, setsockoptInt, socket } from './ffi.ts';
import { AF, ETH_P_ALL, IFREQ, O, SOCK, SOCKADDR_LL, SOL_PACKET } from './linux.ts';

const libc = koffi.load(null);
const mmapCall = libc.func(
  'void *mmap(void *address, size_t length, int protection, int flags, int fd, long offset)',
) as (
  address: null,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => unknown;
const getsockoptCall = libc.func(
  'int getsockopt(int fd, int level, int name, void *value, void *length)',
) as (fd: number, level: number, name: number, value: Uint32Array, length: Uint32Array) => number;
const setnsCall = libc.func('int setns(int fd, int type)') as (fd: number, type: number) => number;

const CLONE_NEWNET = 0x40000000;
const SIOCGIFINDEX = 0x8933;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** Options of SOL_PACKET. */
const PACKET = { rxRing: 5, statistics: 6, version: 10 } as const;
const TPACKET_V3 = 2;
const PACKET_OUTGOING = 4;

/**
 * The kernel hands over a block that is not full after so many milliseconds: with little traffic, BLOCKS times as long is
 * how long a reader that does not get the processor loses nothing.
 */
const BLOCK_TIMEOUT = 10;
const BLOCKS = 512;
/** With more traffic the octets count. A super-frame is longer, and cut. */
const BLOCK_OCTETS = 1 << 16;
const FRAME_OCTETS = 2048;

/** struct tpacket_block_desc, struct tpacket3_hdr and, after it, struct sockaddr_ll (linux/if_packet.h). */
const BLOCK = { status: 8, packets: 12, first: 16 } as const;
const FRAME = { next: 0, seconds: 4, nanoseconds: 8, kept: 12, length: 16, mac: 24, address: 48 } as const;
const LINK_LAYER = { ifindex: 4, packetType: 10 } as const;
const KERNEL = 0;
const USER_BIT = 1;

export interface PollHandle {
  close(): void;
}

/** One frame as a link carried it. */
export interface RingFrame {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly ifindex: number;
  /** True if it left through this interface, false if it came in. */
  readonly outgoing: boolean;
  /** From the Ethernet header on; valid until the callback returns. */
  readonly data: Uint8Array;
  readonly length: number;
}

/** Moves this thread to the network namespace at `path`: sockets opened from now on belong to it. */
export function enterNetns(path: string): void {
  const fd = open(path, O.cloexec);
  try {
    if (setnsCall(fd, CLONE_NEWNET) < 0) throw new SystemError(`setns ${path}`, koffi.errno());
  } finally {
    close(fd);
  }
}

export function interfaceIndex(name: string): number {
  const fd = socket(AF.packet, SOCK.raw | SOCK.cloexec, 0, 'interface index');
  try {
    const request = new Uint8Array(IFREQ.size);
    request.set(new TextEncoder().encode(name).subarray(0, IFREQ.nameMax));
    ioctl(fd, SIOCGIFINDEX, request, `SIOCGIFINDEX ${name}`);
    return new DataView(request.buffer).getInt32(IFREQ.flags, true);
  } finally {
    close(fd);
  }
}

/**
 * Sees every frame on every interface of the network namespace that this thread is in, through a ring shared with the
 * kernel (TPACKET_V3): a socket's receive buffer is limited to a few hundred frames for unprivileged users, a ring is not.
 */
export class PacketRing {
  readonly fd: number;
  readonly #memory: ArrayBuffer;
  readonly #words: Int32Array;
  readonly #view: DataView;
  #block = 0;

  constructor() {
    // Protocol 0: nothing is received before the ring stands.
    this.fd = socket(AF.packet, SOCK.raw | SOCK.cloexec | SOCK.nonblock, 0, 'packet ring');
    setsockoptInt(this.fd, SOL_PACKET.level, PACKET.version, TPACKET_V3, 'PACKET_VERSION');
    // struct tpacket_req3
    const request = Uint32Array.of(
      BLOCK_OCTETS,
      BLOCKS,
      FRAME_OCTETS,
      (BLOCK_OCTETS / FRAME_OCTETS) * BLOCKS,
      BLOCK_TIMEOUT,
      0,
      0,
    );
    setsockopt(this.fd, SOL_PACKET.level, PACKET.rxRing, new Uint8Array(request.buffer), 'PACKET_RX_RING');
    const length = BLOCK_OCTETS * BLOCKS;
    const address = mmapCall(null, length, PROT_READ_WRITE, MAP_SHARED, this.fd, 0);
    this.#memory = koffi.view(address, length);
    this.#words = new Int32Array(this.#memory);
    this.#view = new DataView(this.#memory);
    bind(this.fd, linkLayerAddress(0), 'packet ring');
  }

  /** Hands on every frame that waits, in order. */
  drain(take: (frame: RingFrame) => void): void {
    for (;;) {
      const block = this.#block * BLOCK_OCTETS;
      const status = (block + BLOCK.status) / 4;
      if ((Atomics.load(this.#words, status) & USER_BIT) === 0) return;
      let at = block + this.#view.getUint32(block + BLOCK.first, true);
      for (let left = this.#view.getUint32(block + BLOCK.packets, true); left > 0; left--) {
        take(this.#frame(at));
        at += this.#view.getUint32(at + FRAME.next, true);
      }
      Atomics.store(this.#words, status, KERNEL);
      this.#block = (this.#block + 1) % BLOCKS;
    }
  }

  /** Frames that found no room in the ring since the last call. */
  lost(): number {
    // struct tpacket_stats_v3: packets, drops, freezes
    const statistics = new Uint32Array(3);
    const length = Uint32Array.of(statistics.byteLength);
    if (getsockoptCall(this.fd, SOL_PACKET.level, PACKET.statistics, statistics, length) < 0) {
      throw new SystemError('getsockopt PACKET_STATISTICS', koffi.errno());
    }
    return statistics[1]!;
  }

  /** Calls back whenever frames wait, as long as the handle is referred to: koffi stops polling when it is collected. */
  onReadable(callback: () => void): PollHandle {
    return koffi.node.poll(this.fd, { readable: true }, callback);
  }

  #frame(at: number): RingFrame {
    const view = this.#view;
    const seconds = BigInt(view.getUint32(at + FRAME.seconds, true));
    const start = at + view.getUint16(at + FRAME.mac, true);
    return {
      time: seconds * 1_000_000_000n + BigInt(view.getUint32(at + FRAME.nanoseconds, true)),
      ifindex: view.getInt32(at + FRAME.address + LINK_LAYER.ifindex, true),
      outgoing: view.getUint8(at + FRAME.address + LINK_LAYER.packetType) === PACKET_OUTGOING,
      data: new Uint8Array(this.#memory, start, view.getUint32(at + FRAME.kept, true)),
      length: view.getUint32(at + FRAME.length, true),
    };
  }
}

/** Sends whole Ethernet frames from one interface, whatever the IPv6 stack would make of them. */
export class FrameSender {
  readonly #fd: number;
  readonly #address: Uint8Array;

  constructor(interfaceName: string) {
    this.#fd = socket(AF.packet, SOCK.raw | SOCK.cloexec, 0, 'frame sender');
    this.#address = linkLayerAddress(interfaceIndex(interfaceName));
  }

  send(frame: Uint8Array): void {
    sendto(this.#fd, frame, this.#address, 'send a frame');
  }
}

function linkLayerAddress(ifindex: number): Uint8Array {
  const address = new Uint8Array(SOCKADDR_LL.size);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF.packet, true);
  view.setUint16(SOCKADDR_LL.protocol, ETH_P_ALL, false);
  view.setInt32(SOCKADDR_LL.ifindex, ifindex, true);
  return address;
}
