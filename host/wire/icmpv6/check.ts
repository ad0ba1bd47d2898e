import { isLinkLocal, isMulticast, solicitedNode, UNSPECIFIED } from '../address.ts';
import type { Ipv6Header } from '../ipv6.ts';
import { faulty, parsed } from '../result.ts';
import type { Parsed } from '../result.ts';
import { parseIcmpv6 } from './message.ts';
import type { DiscoveryMessage, Icmpv6Message } from './message.ts';
import { MLD_HOP_LIMIT, ND_HOP_LIMIT } from './registry.ts';

/** What a receiver must know of the IPv6 header. */
export type HeaderFacts = Pick<Ipv6Header, 'src' | 'dst' | 'hopLimit'>;

/**
 * The checks of RFC 4861 sections 6.1.1, 6.1.2, 7.1.1 and 7.1.2 that involve the IPv6 header; those on code,
 * lengths and options are made by `parseIcmpv6`. Offsets in the fault count from the first ICMPv6 octet.
 */
export function checkDiscovery<M extends DiscoveryMessage>(message: M, header: HeaderFacts): Parsed<M> {
  const { src, dst, hopLimit } = header;
  if (hopLimit !== ND_HOP_LIMIT) return faulty('hop-limit', 0, `${message.kind} with hop limit ${hopLimit}`);
  const tellsLinkLayer = message.options.some((option) => option.kind === 'source-link-layer');
  switch (message.kind) {
    case 'RS':
      if (src === UNSPECIFIED && tellsLinkLayer) {
        return faulty('source', 0, 'RS from :: with a source link-layer address');
      }
      break;
    case 'RA':
      if (!isLinkLocal(src)) return faulty('source', 0, `RA from ${src}, which is not link-local`);
      break;
    case 'NS':
      if (isMulticast(message.target)) return faulty('target', 8, `NS for ${message.target}`);
      if (src !== UNSPECIFIED) break;
      if (dst !== solicitedNode(message.target)) {
        return faulty('destination', 0, `NS from :: to ${dst}, not to the solicited-node group`);
      }
      if (tellsLinkLayer) return faulty('source', 0, 'NS from :: with a source link-layer address');
      break;
    case 'NA':
      if (isMulticast(message.target)) return faulty('target', 8, `NA for ${message.target}`);
      if (message.solicited && isMulticast(dst)) return faulty('flag', 4, `solicited NA to ${dst}`);
      break;
  }
  return parsed(message);
}

/**
 * Reads an ICMPv6 message and makes every check that its receiver owes: checksum and format, `checkDiscovery`,
 * and for MLD the hop limit and source of RFC 3810 section 5.2.13.
 */
export function receiveIcmpv6(data: Uint8Array, header: HeaderFacts): Parsed<Icmpv6Message> {
  const result = parseIcmpv6(data, header.src, header.dst);
  if (!result.ok) return result;
  const message = result.value;
  switch (message.kind) {
    case 'RS':
    case 'RA':
    case 'NS':
    case 'NA':
      return checkDiscovery(message, header);
    case 'mld1-report':
    case 'mld1-done':
    case 'mld2-report':
      if (header.hopLimit !== MLD_HOP_LIMIT) {
        return faulty('hop-limit', 0, `${message.kind} with hop limit ${header.hopLimit}`);
      }
      if (header.src !== UNSPECIFIED && !isLinkLocal(header.src)) {
        return faulty('source', 0, `${message.kind} from ${header.src}`);
      }
      return result;
    default:
      return result;
  }
}
