import { addressBytes, readAddress } from '../wire/address.ts';
import type { Address } from '../wire/address.ts';
import {
  addressOf,
  bind,
  recvmsg,
  sendto,
  setsockopt,
  setReceiveBuffer,
  setsockoptInt,
  socket,
} from './ffi.ts';
import { AF, CMSGHDR, IPPROTO, IPPROTO_ICMPV6, IPPROTO_IPV6, MSGHDR, SOCK, SOCKADDR_IN6 } from './linux.ts';

const NAME_OCTETS = SOCKADDR_IN6.size;
const CONTROL_OCTETS = 256;
/** struct in6_pktinfo: destination, interface index. */
const PKTINFO_IFINDEX = 16;
/** In msg_flags: the buffer was too small. */
const MSG_TRUNC = 0x20;
const MSG_FLAGS = 48;
/** Lets a burst wait while the other thread has the processor. */
const RECEIVE_BUFFER = 4 << 20;

const ERROR_TYPES = [1, 2, 3, 4] as const;

function sockaddr(address: Address): Uint8Array {
  const octets = new Uint8Array(SOCKADDR_IN6.size);
  octets[0] = AF.inet6;
  octets.set(addressBytes(address), SOCKADDR_IN6.address);
  return octets;
}

function openRaw(protocol: number, address: Address, what: string): number {
  const fd = socket(AF.inet6, SOCK.raw | SOCK.cloexec | SOCK.nonblock, protocol, what);
  const { level, recvpktinfo, recvhoplimit, recvtclass, flowinfo } = IPPROTO_IPV6;
  for (const option of [recvpktinfo, recvhoplimit, recvtclass, flowinfo]) {
    setsockoptInt(fd, level, option, 1, `${what}: ancillary data`);
  }
  setReceiveBuffer(fd, RECEIVE_BUFFER, what);
  bind(fd, sockaddr(address), `${what} to ${address}`);
  return fd;
}

/** Receives what peers tunnel to `address`. As long as it is open the kernel sends no Parameter Problem for next header 41. */
export function openTunnelSocket(address: Address): number {
  return openRaw(IPPROTO.ipv6, address, 'raw socket for IPv6-in-IPv6');
}

/** Mobility Header messages to and from `address`; the kernel verifies and fills their checksum. */
export function openMobilitySocket(address: Address): number {
  return openRaw(IPPROTO.mobility, address, 'raw socket for the Mobility Header');
}

/** Receives the ICMPv6 errors that come to `address`, from their header on; the kernel has verified their checksum. */
export function openErrorSocket(address: Address): number {
  const what = 'raw socket for ICMPv6 errors';
  const fd = openRaw(IPPROTO_ICMPV6.level, address, what);
  setsockopt(fd, IPPROTO_ICMPV6.level, IPPROTO_ICMPV6.filter, errorFilter(), `${what}: filter`);
  return fd;
}

/** Keeps every type out but those of RFC 4443 sections 3.1 to 3.4. */
function errorFilter(): Uint8Array {
  const words = new Uint32Array(8).fill(0xffff_ffff);
  for (const type of ERROR_TYPES) words[0]! &= ~(1 << type);
  return new Uint8Array(words.buffer);
}

/** For sending ICMPv6 from `address`; every received type is filtered out. The kernel fills the checksum. */
export function openIcmpSocket(address: Address): number {
  const what = 'raw socket for ICMPv6';
  const fd = socket(AF.inet6, SOCK.raw | SOCK.cloexec, IPPROTO_ICMPV6.level, what);
  setsockopt(
    fd,
    IPPROTO_ICMPV6.level,
    IPPROTO_ICMPV6.filter,
    new Uint8Array(32).fill(0xff),
    `${what}: filter`,
  );
  bind(fd, sockaddr(address), `${what} to ${address}`);
  return fd;
}

/** Sends an upper-layer message from the address that the socket is bound to. */
export function sendRaw(fd: number, dst: Address, data: Uint8Array): void {
  sendto(fd, data, sockaddr(dst), `send to ${dst}`);
}

/** What a raw socket says of one packet besides its payload. */
export interface Ancillary {
  length: number;
  truncated: boolean;
  ifindex: number;
  hopLimit: number;
  trafficClass: number;
  flowLabel: number;
}

/** Receives with ancillary data through one set of buffers, so that nothing is allocated for a packet. */
export class RawReceiver {
  readonly #name = new Uint8Array(new ArrayBuffer(NAME_OCTETS));
  readonly #control = new Uint8Array(new ArrayBuffer(CONTROL_OCTETS));
  readonly #iov = new DataView(new ArrayBuffer(16));
  readonly #message = new Uint8Array(new ArrayBuffer(MSGHDR.size));
  readonly #view = new DataView(this.#message.buffer);
  readonly #controlView = new DataView(this.#control.buffer);
  readonly #what: string;
  /** Of the packet received last. */
  readonly packet: Ancillary = {
    length: 0,
    truncated: false,
    ifindex: 0,
    hopLimit: 0,
    trafficClass: 0,
    flowLabel: 0,
  };

  constructor(what: string) {
    this.#what = what;
    this.#view.setBigUint64(MSGHDR.name, addressOf(this.#name), true);
    this.#view.setBigUint64(MSGHDR.iov, addressOf(new Uint8Array(this.#iov.buffer)), true);
    this.#view.setBigUint64(MSGHDR.iovlen, 1n, true);
    this.#view.setBigUint64(MSGHDR.control, addressOf(this.#control), true);
  }

  /** Receives one payload to memory at `address`; false if none waits. */
  receive(fd: number, address: bigint, capacity: number): boolean {
    this.#iov.setBigUint64(0, address, true);
    this.#iov.setBigUint64(8, BigInt(capacity), true);
    this.#view.setUint32(MSGHDR.namelen, NAME_OCTETS, true);
    this.#view.setBigUint64(MSGHDR.controllen, BigInt(CONTROL_OCTETS), true);
    const length = recvmsg(fd, this.#message, this.#what);
    if (length === undefined) return false;
    const { packet } = this;
    packet.length = length;
    packet.truncated = (this.#view.getUint32(MSG_FLAGS, true) & MSG_TRUNC) !== 0;
    this.#readControl(Number(this.#view.getBigUint64(MSGHDR.controllen, true)));
    return true;
  }

  /** The 16 octets of the sender's address. */
  sourceOctets(): Uint8Array {
    return this.#name.subarray(SOCKADDR_IN6.address, SOCKADDR_IN6.address + 16);
  }

  source(): Address {
    return readAddress(this.#name, SOCKADDR_IN6.address);
  }

  #readControl(length: number): void {
    const view = this.#controlView;
    for (let at = 0; at + CMSGHDR.size <= length;) {
      const octets = view.getUint32(at, true);
      if (octets < CMSGHDR.size || at + octets > length) break;
      const data = at + CMSGHDR.size;
      switch (view.getInt32(at + CMSGHDR.type, true)) {
        case IPPROTO_IPV6.pktinfo:
          this.packet.ifindex = view.getInt32(data + PKTINFO_IFINDEX, true);
          break;
        case IPPROTO_IPV6.hoplimit:
          this.packet.hopLimit = view.getInt32(data, true);
          break;
        case IPPROTO_IPV6.tclass:
          this.packet.trafficClass = view.getInt32(data, true);
          break;
        case IPPROTO_IPV6.flowinfo:
          this.packet.flowLabel = view.getUint32(data, false) & 0xfffff;
          break;
      }
      at += (octets + 7) & ~7;
    }
  }
}
