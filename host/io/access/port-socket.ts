import type { Mac } from '../../wire/address.ts';
import { addressOf, bind, close, sendto, setsockopt, setsockoptInt, socket } from '../ffi.ts';
import { AF, ETH_P_ALL, SOCK, SOCKADDR_LL, SOL_PACKET, SOL_SOCKET } from '../linux.ts';
import { accessFilter } from './filter.ts';

/** Sets or replaces the filter of an open port. */
export function filterPort(fd: number, attached: readonly Mac[]): void {
  const program = accessFilter(attached);
  // struct sock_fprog: count of instructions, then (aligned to 8) their address.
  const sockFprog = new Uint8Array(16);
  const view = new DataView(sockFprog.buffer);
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, addressOf(program), true);
  setsockopt(fd, SOL_SOCKET.level, SOL_SOCKET.attachFilter, sockFprog, 'SO_ATTACH_FILTER');
}

/**
 * Opens a port of an access link. The socket sees every EtherType, since a bridge takes the frames of its ports before
 * sockets for one EtherType are asked; the filter then passes IPv6 only. What this host sends is not seen.
 */
export function openPort(ifindex: number, name: string, attached: readonly Mac[]): number {
  const fd = socket(AF.packet, SOCK.raw | SOCK.cloexec | SOCK.nonblock, 0, `packet socket for ${name}`);
  try {
    filterPort(fd, attached);
    setsockoptInt(fd, SOL_PACKET.level, SOL_PACKET.ignoreOutgoing, 1, 'PACKET_IGNORE_OUTGOING');
    // struct packet_mreq: reports of multicast listeners must be heard on plain interfaces too.
    const membership = new Uint8Array(16);
    const mreq = new DataView(membership.buffer);
    mreq.setInt32(0, ifindex, true);
    mreq.setUint16(4, SOL_PACKET.mrAllmulti, true);
    setsockopt(fd, SOL_PACKET.level, SOL_PACKET.addMembership, membership, `all multicast on ${name}`);
    // Bound last: before, the socket would take frames that the filter has not seen.
    bind(fd, sockaddr(ifindex, ETH_P_ALL), name);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

/** Opens an interface for sending only: without a protocol, nothing is ever received. */
export function openSender(ifindex: number, name: string): number {
  const fd = socket(AF.packet, SOCK.raw | SOCK.cloexec, 0, `packet socket for ${name}`);
  bind(fd, sockaddr(ifindex, 0), name);
  return fd;
}

function sockaddr(ifindex: number, protocol: number): Uint8Array {
  const address = new Uint8Array(SOCKADDR_LL.size);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF.packet, true);
  view.setUint16(SOCKADDR_LL.protocol, protocol, false);
  view.setInt32(SOCKADDR_LL.ifindex, ifindex, true);
  return address;
}

/** Sends a whole Ethernet frame on the interface that `fd` is bound to. */
export function sendFrame(fd: number, frame: Uint8Array, name: string): void {
  sendto(fd, frame, null, `send a frame on ${name}`);
}
