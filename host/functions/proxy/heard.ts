import type { Address, LinkId, Mac } from '../../../bindings/entries.ts';
import { ETHERTYPE_IPV6, parseEthernet } from '../../wire/ethernet.ts';
import { receiveIcmpv6 } from '../../wire/icmpv6/check.ts';
import type { Icmpv6Message } from '../../wire/icmpv6/message.ts';
import { isLinkLocal, isMulticast, UNSPECIFIED } from '../../wire/address.ts';
import { ALL_DHCP_SERVERS, DHCPV6_PORT } from '../../wire/dhcpv6/registry.ts';
import { NEXT_HEADER, parseIpv6, parseIpv6Header, walkExtensions } from '../../wire/ipv6.ts';
import { faulty, parsed, type Parsed } from '../../wire/result.ts';
import { parseUdp } from '../../wire/udp.ts';

/** By what a station showed itself. */
export type Trigger = 'rs' | 'neighbour' | 'mld' | 'frame' | 'probe' | 'station';

/** What one frame from an access link tells about its station. */
export interface Heard {
  readonly mac: Mac;
  readonly link: LinkId;
  readonly port: string;
  readonly trigger: Trigger;
  /** Source of the packet, or the address whose DAD the frame announces; undefined where it shows none. */
  readonly address: Address | undefined;
  /** Home and correspondent addresses that an aware MN named in its RS [draft section 4 (1)]. */
  readonly homes: readonly Address[];
  readonly correspondents: readonly Address[];
  readonly message: Icmpv6Message | undefined;
  /** What it sent to DHCPv6 servers. */
  readonly dhcp?: Uint8Array;
}

/** Reads the beginning of a frame. A fault means that the frame must not count as a sign of anybody. */
export function readFrame(link: LinkId, port: string, data: Uint8Array): Parsed<Heard> {
  const ethernet = parseEthernet(data);
  if (!ethernet.ok) return ethernet;
  const { srcMac: mac, etherType, payload } = ethernet.value;
  if (etherType !== ETHERTYPE_IPV6) return faulty('ether-type', 12, `EtherType ${etherType}`);
  if ((data[6]! & 1) !== 0) return faulty('source', 6, `group address ${mac} as source`);
  const header = parseIpv6Header(payload);
  if (!header.ok) return header;
  const { src } = header.value;
  if (isMulticast(src)) return faulty('source', 8, `multicast ${src} as source`);
  const heard: Heard = {
    mac,
    link,
    port,
    trigger: 'frame',
    address: src === UNSPECIFIED ? undefined : src,
    homes: [],
    correspondents: [],
    message: undefined,
  };
  const whole = parseIpv6(payload);
  // Data may be cut short.
  const upper = whole.ok ? walkExtensions(whole.value) : whole;
  if (!whole.ok || !upper.ok || upper.value.fragment !== undefined) return parsed(heard);
  if (upper.value.nextHeader === NEXT_HEADER.icmpv6) {
    const message = receiveIcmpv6(upper.value.payload, whole.value);
    if (!message.ok) return message;
    return parsed({ ...heard, ...meaning(message.value, heard.address), message: message.value });
  }
  if (upper.value.nextHeader !== NEXT_HEADER.udp || whole.value.dst !== ALL_DHCP_SERVERS)
    return parsed(heard);
  const datagram = parseUdp(upper.value.payload, whole.value.src, whole.value.dst);
  if (!datagram.ok) return datagram;
  if (datagram.value.dstPort !== DHCPV6_PORT.server) return parsed(heard);
  return parsed({ ...heard, dhcp: datagram.value.payload });
}

function meaning(message: Icmpv6Message, src: Address | undefined): Partial<Heard> {
  switch (message.kind) {
    case 'RS': {
      const list = message.options.find((option) => option.kind === 'address-list');
      return list === undefined
        ? { trigger: 'rs' }
        : { trigger: 'rs', homes: list.homes, correspondents: list.correspondents };
    }
    case 'NS':
      // Duplicate address detection: the target is the address that the station is about to use.
      return { trigger: 'neighbour', address: src ?? message.target };
    case 'NA':
      return { trigger: 'neighbour', address: isLinkLocal(message.target) ? src : message.target };
    case 'mld1-report':
    case 'mld1-done':
    case 'mld2-report':
      return { trigger: 'mld' };
    case 'echo-reply':
      return { trigger: 'probe' };
    default:
      return {};
  }
}
