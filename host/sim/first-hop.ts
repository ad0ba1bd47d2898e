import type { Address, Mac } from '../../bindings/entries.ts';
import { isLinkLocal, isMulticast, readAddress, readMac } from '../wire/address.ts';
import { emitEthernet, ETHERNET_HEADER } from '../wire/ethernet.ts';
import { IPV6_AT, IPV6_HEADER } from '../wire/ipv6.ts';
import type { AccessLink, AccessRouter } from './access-link.ts';
import { answerSolicitation } from './answer.ts';

/**
 * An ordinary router between one segment and the rest: it answers Neighbor Solicitations for its link-local address,
 * learns its hosts from the packets they send, and forwards. The fixed correspondent stands behind one.
 */
export class FirstHop implements AccessRouter {
  readonly name: string;
  readonly #linkLocal: Address;
  readonly #mac: Mac;
  readonly #uplink: (packet: Uint8Array) => void;
  readonly #stations = new Map<Address, Mac>();
  #segment: AccessLink | undefined;

  constructor(name: string, linkLocal: Address, mac: Mac, uplink: (packet: Uint8Array) => void) {
    this.name = name;
    this.#linkLocal = linkLocal;
    this.#mac = mac;
    this.#uplink = uplink;
  }

  connect(segment: AccessLink): void {
    this.#segment = segment;
  }

  /** A host that is reached without having sent first. */
  addStation(address: Address, mac: Mac): void {
    this.#stations.set(address, mac);
  }

  receiveFrame(_port: string, frame: Uint8Array): void {
    const packet = frame.subarray(ETHERNET_HEADER);
    if (packet.length < IPV6_HEADER) return;
    const src = readAddress(packet, IPV6_AT.source);
    const dst = readAddress(packet, IPV6_AT.destination);
    if (isLinkLocal(src) || isLinkLocal(dst) || isMulticast(dst)) {
      const answer = answerSolicitation(packet, this.#linkLocal, this.#mac);
      if (answer !== undefined) this.#segment?.fromRouter(answer);
      return;
    }
    this.#stations.set(src, readMac(frame, 6));
    const forwarded = decremented(packet);
    if (forwarded !== undefined) this.#uplink(forwarded);
  }

  /** A packet from beyond; false if no host here has its destination. */
  deliver(packet: Uint8Array): boolean {
    const mac = this.#stations.get(readAddress(packet, IPV6_AT.destination));
    if (mac === undefined) return false;
    const forwarded = decremented(packet);
    if (forwarded !== undefined) this.#segment?.fromRouter(emitEthernet(this.#mac, mac, forwarded));
    return true;
  }
}

/** The packet one hop on, or undefined where its hop limit ends. */
export function decremented(packet: Uint8Array): Uint8Array | undefined {
  if (packet[IPV6_AT.hopLimit]! <= 1) return undefined;
  const forwarded = packet.slice();
  forwarded[IPV6_AT.hopLimit]! -= 1;
  return forwarded;
}
