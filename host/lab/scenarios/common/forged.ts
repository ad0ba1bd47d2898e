import { fillChecksum } from '../../../wire/checksum.ts';
import { emitIpv6, NEXT_HEADER } from '../../../wire/ipv6.ts';
import { emitMobility } from '../../../wire/mobility/message.ts';

const UDP_CHECKSUM = 6;
/** Nobody listens here. */
const DISCARD_PORT = 9;

/** A UDP packet of 8 octets, as a hostile host would write it. */
export function udpPacket(src: string, dst: string): Uint8Array {
  const datagram = new Uint8Array(16);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, DISCARD_PORT);
  view.setUint16(2, DISCARD_PORT);
  view.setUint16(4, datagram.length);
  fillChecksum(datagram, UDP_CHECKSUM, src, dst, NEXT_HEADER.udp);
  return emitIpv6({ src, dst, nextHeader: NEXT_HEADER.udp, hopLimit: 64 }, datagram);
}

/** The packet in a tunnel from `src` to `dst`. */
export function tunnelled(src: string, dst: string, packet: Uint8Array): Uint8Array {
  return emitIpv6({ src, dst, nextHeader: NEXT_HEADER.ipv6, hopLimit: 64 }, packet);
}

/** A Binding Update that asks for an acknowledgement. */
export function bindingUpdate(src: string, dst: string): Uint8Array {
  const flags = 0x8000;
  const message = { kind: 'BU', sequence: 1, flags, lifetime: 10, options: [] } as const;
  return emitIpv6(
    { src, dst, nextHeader: NEXT_HEADER.mobility, hopLimit: 64 },
    emitMobility(message, src, dst),
  );
}

/** True if the packet is a forged one, by its UDP port. */
export function isForged(packet: Uint8Array): boolean {
  return packet[6] === NEXT_HEADER.udp && packet[40] === 0 && packet[41] === DISCARD_PORT;
}
