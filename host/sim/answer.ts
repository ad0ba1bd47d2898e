import type { Address, Mac } from '../../bindings/entries.ts';
import { ALL_NODES, multicastMac, UNSPECIFIED } from '../wire/address.ts';
import { emitFrame } from '../wire/ethernet.ts';
import { receiveIcmpv6 } from '../wire/icmpv6/check.ts';
import { emitIcmpv6 } from '../wire/icmpv6/message.ts';
import { ND_HOP_LIMIT } from '../wire/icmpv6/registry.ts';
import { NEXT_HEADER, parseIpv6 } from '../wire/ipv6.ts';

/**
 * What the kernel of a router sends when `packet` solicits its link-local address (RFC 4861 section 7.2.4): a frame with
 * the Advertisement, or undefined for any other packet.
 */
export function answerSolicitation(packet: Uint8Array, linkLocal: Address, mac: Mac): Uint8Array | undefined {
  const header = parseIpv6(packet);
  if (!header.ok || header.value.nextHeader !== NEXT_HEADER.icmpv6) return undefined;
  const message = receiveIcmpv6(header.value.payload, header.value);
  if (!message.ok || message.value.kind !== 'NS' || message.value.target !== linkLocal) return undefined;
  const { src } = header.value;
  const probe = src === UNSPECIFIED;
  const sender = message.value.options.find((option) => option.kind === 'source-link-layer')?.mac;
  const dstMac = probe ? multicastMac(ALL_NODES) : sender;
  if (dstMac === undefined) return undefined;
  const dst = probe ? ALL_NODES : src;
  const answer = {
    kind: 'NA',
    target: linkLocal,
    router: true,
    solicited: !probe,
    override: true,
    options: [{ kind: 'target-link-layer', mac }],
  } as const;
  return emitFrame({
    srcMac: mac,
    dstMac,
    src: linkLocal,
    dst,
    nextHeader: NEXT_HEADER.icmpv6,
    hopLimit: ND_HOP_LIMIT,
    payload: emitIcmpv6(answer, linkLocal, dst),
  });
}
