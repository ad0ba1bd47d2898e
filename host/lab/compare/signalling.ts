import { LINKTYPE_IPV6 } from '../../wire/capture.ts';
import { dissect } from '../../wire/dissect.ts';
import { IPV6_AT, NEXT_HEADER } from '../../wire/ipv6.ts';
import type { CapturedPacket } from '../lab.ts';
import { lmAddress, LMS } from '../plan.ts';

/** Whose signalling: with the AAA server, with servers of location management, between MAARs, on access links. */
export const SIGNALLING_KINDS = ['AAA', 'LM', 'MAAR to MAAR', 'access link'] as const;
export type SignallingKind = (typeof SIGNALLING_KINDS)[number];

export interface Amount {
  readonly messages: number;
  /** Of whole IPv6 packets. */
  readonly octets: number;
}

export type Signalling = Readonly<Record<SignallingKind, Amount>>;

/** Messages that keep a Diameter connection up, whoever moves (RFC 6733 sections 5.3 to 5.5). */
const UPKEEP = new Set(['CER', 'CEA', 'DWR', 'DWA', 'DPR', 'DPA']);
/** Neighbour discovery and multicast listening; what else ICMPv6 carries is no signalling. */
const ACCESS = new Set(['RS', 'RA', 'NS', 'NA', 'mld1-report', 'mld1-done', 'mld2-report']);
/** First next headers of packets that may be signalling: reports of multicast listeners have a hop-by-hop header. */
const CANDIDATES: ReadonlySet<number | undefined> = new Set([
  NEXT_HEADER.tcp,
  NEXT_HEADER.mobility,
  NEXT_HEADER.icmpv6,
  NEXT_HEADER.hopByHop,
]);
const SERVERS: ReadonlySet<string> = new Set(LMS.map(lmAddress));

/** What signalling was sent, every message once. */
export function signallingIn(packets: readonly CapturedPacket[]): Signalling {
  const total = Object.fromEntries(SIGNALLING_KINDS.map((kind) => [kind, { messages: 0, octets: 0 }]));
  for (const packet of packets) {
    const found = isFirstSight(packet) ? classify(packet) : undefined;
    if (found === undefined) continue;
    const amount = total[found.kind]!;
    amount.messages += found.messages;
    amount.octets += packet.data.length;
  }
  return total as Record<SignallingKind, Amount>;
}

/** A packet in the core crosses two links; it counts on that of its sender. */
function isFirstSight({ link, sender }: CapturedPacket): boolean {
  return link.startsWith('access-') || (link.startsWith('core-') && sender !== 'core');
}

function classify({ link, data }: CapturedPacket): { kind: SignallingKind; messages: number } | undefined {
  if (!CANDIDATES.has(data[IPV6_AT.nextHeader])) return undefined;
  const { layers } = dissect(data, LINKTYPE_IPV6);
  if (link.startsWith('access-')) {
    return layers.some(({ protocol, name = '' }) => protocol === 'ICMPv6' && ACCESS.has(name))
      ? { kind: 'access link', messages: 1 }
      : undefined;
  }
  const diameter = layers.filter(({ protocol, name = '' }) => protocol === 'Diameter' && !UPKEEP.has(name));
  if (diameter.length > 0) return { kind: 'AAA', messages: diameter.length };
  if (layers.at(-1)?.protocol !== 'Mobility') return undefined;
  const { src, dst } = layers[0]!.fields;
  const withServer = [src, dst].some((address) => SERVERS.has(String(address)));
  return { kind: withServer ? 'LM' : 'MAAR to MAAR', messages: 1 };
}
