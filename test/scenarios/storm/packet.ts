import type { Address } from '../../../bindings/entries.ts';
import { readAddress } from '../../../host/wire/address.ts';
import { ICMPV6_TYPE } from '../../../host/wire/icmpv6/registry.ts';
import { IPV6_AT, IPV6_HEADER, NEXT_HEADER } from '../../../host/wire/ipv6.ts';

/** The low 16 bits of the flow label, which no checksum covers. */
const TAG_AT = 2;
const ECHO = { type: IPV6_HEADER, identifier: IPV6_HEADER + 4, sequence: IPV6_HEADER + 8 };

const ECHOES = new Set<number>([ICMPV6_TYPE['echo-request'], ICMPV6_TYPE['echo-reply']]);

/** The innermost packet of one that may be tunnelled. */
export interface Inner {
  readonly src: Address;
  readonly dst: Address;
  /** Tells one copy of one echo or reply from all others; undefined for what is no such packet. */
  readonly name: string | undefined;
  /** The whole packet as a copy that can be told from others. */
  tagged(tag: number): Uint8Array;
}

export function innerOf(packet: Uint8Array): Inner {
  let at = 0;
  while (packet[at + IPV6_AT.nextHeader] === NEXT_HEADER.ipv6 && packet.length >= at + 2 * IPV6_HEADER) {
    at += IPV6_HEADER;
  }
  const view = new DataView(packet.buffer, packet.byteOffset + at, packet.length - at);
  const isEcho =
    packet[at + IPV6_AT.nextHeader] === NEXT_HEADER.icmpv6 &&
    view.byteLength >= ECHO.sequence + 4 &&
    ECHOES.has(view.getUint8(ECHO.type));
  const src = readAddress(packet, at + IPV6_AT.source);
  const dst = readAddress(packet, at + IPV6_AT.destination);
  const name = (): string =>
    `${view.getUint8(ECHO.type)} ${view.getUint16(ECHO.identifier)} ${view.getUint32(ECHO.sequence)} copy ${view.getUint16(TAG_AT)}`;
  return {
    ...{ src, dst, name: isEcho ? name() : undefined },
    tagged(tag) {
      const copy = packet.slice();
      if (isEcho) new DataView(copy.buffer).setUint16(at + TAG_AT, tag & 0xffff);
      return copy;
    },
  };
}
