import type { CaptureInterface } from './capture.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_IPV6, LINKTYPE_RAW } from './capture.ts';
import { commandRow, Dictionary } from './diameter/dictionary.ts';
import { decodeMessage, HEADER_LENGTH as DIAMETER_HEADER, messageName } from './diameter/message.ts';
import { parseDhcp } from './dhcpv6/message.ts';
import { DHCPV6_PORT } from './dhcpv6/registry.ts';
import { ETHERTYPE_IPV6, parseEthernet } from './ethernet.ts';
import { receiveIcmpv6 } from './icmpv6/check.ts';
import { NEXT_HEADER, parseIpv6, walkExtensions } from './ipv6.ts';
import type { Ipv6Packet, UpperLayer } from './ipv6.ts';
import { parseMobility } from './mobility/message.ts';
import type { MobilityMessage } from './mobility/message.ts';
import {
  BA_FLAGS,
  bindingStatusName,
  BU_FLAGS,
  flagLetters,
  HACK_FLAGS,
  HI_FLAGS,
  LIFETIME_UNIT,
  mobilityOptionName,
  statusName,
  updateReasonName,
} from './mobility/registry.ts';
import type { Fault } from './result.ts';

/** One header of a packet, outermost first. */
export interface Layer {
  readonly protocol:
    'Ethernet' | 'IPv6' | 'ICMPv6' | 'Mobility' | 'TCP' | 'UDP' | 'DHCPv6' | 'Diameter' | 'data';
  /** Name of the message within the protocol: "RA", "BU", "AAR". */
  readonly name?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Dissection {
  readonly layers: readonly Layer[];
  /** What stopped the dissection; the offset counts from the header of the protocol at fault. */
  readonly fault?: Fault;
}

/** Names what one scheme makes of a Mobility Header. */
export type DescribeMobility = (message: MobilityMessage) => { readonly kind: string } | undefined;

/** IPv6 headers in one another, at most: more than any tunnel of tunnels here. */
const MAX_TUNNELS = 8;
const DIAMETER_PORT = 3868;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const diameterDictionary = new Dictionary();

/** Takes a captured packet apart, as far as this project's protocols go. Never throws. */
export function dissect(
  data: Uint8Array,
  linkType: CaptureInterface['linkType'],
  describe: DescribeMobility = () => undefined,
): Dissection {
  const layers: Layer[] = [];
  const fault = dissectLink(data, linkType, layers, describe);
  return fault === undefined ? { layers } : { layers, fault };
}

function dissectLink(
  data: Uint8Array,
  linkType: number,
  layers: Layer[],
  describe: DescribeMobility,
): Fault | undefined {
  if (linkType === LINKTYPE_RAW || linkType === LINKTYPE_IPV6) return dissectIpv6(data, layers, describe);
  if (linkType !== LINKTYPE_ETHERNET) {
    layers.push({ protocol: 'data', fields: { linkType, octets: data.length } });
    return undefined;
  }
  const frame = parseEthernet(data);
  if (!frame.ok) return frame.fault;
  const { srcMac, dstMac, etherType, payload } = frame.value;
  layers.push({ protocol: 'Ethernet', fields: { srcMac, dstMac } });
  if (etherType === ETHERTYPE_IPV6) return dissectIpv6(payload, layers, describe);
  layers.push({ protocol: 'data', fields: { etherType: hex(etherType, 4), octets: payload.length } });
  return undefined;
}

function dissectIpv6(data: Uint8Array, layers: Layer[], describe: DescribeMobility): Fault | undefined {
  let inner = data;
  for (let depth = 0; depth < MAX_TUNNELS; depth++) {
    const packet = parseIpv6(inner);
    if (!packet.ok) return packet.fault;
    const { src, dst, hopLimit } = packet.value;
    layers.push({ protocol: 'IPv6', fields: { src, dst, hopLimit } });
    const upper = walkExtensions(packet.value);
    if (!upper.ok) return upper.fault;
    if (upper.value.fragment !== undefined && upper.value.fragment.offset > 0) {
      layers.push({ protocol: 'data', fields: { fragmentOffset: upper.value.fragment.offset } });
      return undefined;
    }
    if (upper.value.nextHeader !== NEXT_HEADER.ipv6) {
      return dissectUpper(packet.value, upper.value, layers, describe);
    }
    inner = upper.value.payload;
  }
  return { reason: 'too-many', offset: 0, what: `more than ${MAX_TUNNELS} IPv6 headers` };
}

function dissectUpper(
  packet: Ipv6Packet,
  upper: UpperLayer,
  layers: Layer[],
  describe: DescribeMobility,
): Fault | undefined {
  const { nextHeader, payload } = upper;
  if (upper.fragment?.more === true) {
    layers.push({ protocol: 'data', fields: { nextHeader, firstFragment: payload.length } });
    return undefined;
  }
  switch (nextHeader) {
    case NEXT_HEADER.icmpv6: {
      const message = receiveIcmpv6(payload, packet);
      if (!message.ok) return namedOrFaulty(message.fault, 'ICMPv6', payload, layers);
      const { kind, ...fields } = message.value;
      layers.push({ protocol: 'ICMPv6', name: kind, fields });
      return undefined;
    }
    case NEXT_HEADER.mobility: {
      const message = parseMobility(payload, packet.src, packet.dst);
      if (!message.ok) return namedOrFaulty(message.fault, 'Mobility', payload, layers);
      layers.push(mobilityLayer(message.value, describe));
      return undefined;
    }
    case NEXT_HEADER.tcp:
      return dissectTcp(payload, layers);
    case NEXT_HEADER.udp: {
      if (payload.length < UDP_HEADER) return { reason: 'truncated', offset: payload.length, what: 'UDP' };
      const { srcPort, dstPort } = ports(payload);
      layers.push({
        protocol: 'UDP',
        fields: { srcPort, dstPort, octets: payload.length - UDP_HEADER },
      });
      if (dstPort !== DHCPV6_PORT.server && dstPort !== DHCPV6_PORT.client) return undefined;
      const message = parseDhcp(payload.subarray(UDP_HEADER));
      if (!message.ok) return message.fault;
      const { kind, ...fields } = message.value;
      layers.push({ protocol: 'DHCPv6', name: kind, fields });
      return undefined;
    }
    default:
      layers.push({ protocol: 'data', fields: { nextHeader, octets: payload.length } });
      return undefined;
  }
}

/** A sound message of a type that is not parsed here still has a name, which the fault carries. */
function namedOrFaulty(
  fault: Fault,
  protocol: Layer['protocol'],
  payload: Uint8Array,
  layers: Layer[],
): Fault | undefined {
  if (fault.reason !== 'type-unknown') return fault;
  layers.push({ protocol, name: fault.what, fields: { octets: payload.length } });
  return undefined;
}

function mobilityLayer(message: MobilityMessage, describe: DescribeMobility): Layer {
  const described = describe(message);
  if (described !== undefined) {
    const { kind, ...fields } = described;
    return { protocol: 'Mobility', name: kind, fields: withStatusName(fields) };
  }
  const { kind, ...fields } = message;
  const options = message.options.map((option) =>
    option.kind === 'unknown' ? { name: mobilityOptionName(option.type), data: option.data } : option,
  );
  const readable: Record<string, unknown> = { ...fields, options };
  if ('flags' in message) readable['flags'] = flagLetters(FLAG_ROWS[message.kind], message.flags);
  if (message.kind === 'BU' || message.kind === 'BA') {
    delete readable['lifetime'];
    readable['lifetimeSeconds'] = message.lifetime * LIFETIME_UNIT;
  }
  if ('status' in message) {
    const named = statusName(kind, message.status);
    if (named !== undefined) readable['statusName'] = named;
  }
  if (message.kind === 'UPN') readable['reasonName'] = updateReasonName(message.reason);
  return { protocol: 'Mobility', name: kind, fields: readable };
}

const FLAG_ROWS = { BU: BU_FLAGS, BA: BA_FLAGS, HI: HI_FLAGS, HAck: HACK_FLAGS } as const;

function withStatusName(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { status } = fields;
  return typeof status === 'number' ? { ...fields, statusName: bindingStatusName(status) } : fields;
}

function ports(payload: Uint8Array): { readonly srcPort: number; readonly dstPort: number } {
  return {
    srcPort: (payload[0]! << 8) | payload[1]!,
    dstPort: (payload[2]! << 8) | payload[3]!,
  };
}

function dissectTcp(payload: Uint8Array, layers: Layer[]): Fault | undefined {
  if (payload.length < TCP_HEADER) return { reason: 'truncated', offset: payload.length, what: 'TCP' };
  const start = (payload[12]! >> 4) * 4;
  if (start < TCP_HEADER || start > payload.length) {
    return { reason: 'length', offset: 12, what: `TCP header of ${start} octets` };
  }
  const { srcPort, dstPort } = ports(payload);
  const data = payload.subarray(start);
  layers.push({ protocol: 'TCP', fields: { srcPort, dstPort, octets: data.length } });
  if (srcPort === DIAMETER_PORT || dstPort === DIAMETER_PORT) dissectDiameter(data, layers);
  return undefined;
}

/**
 * Names the Diameter messages that begin in one segment. Streams are not put together: a message that continues
 * into the next segment is named by its header alone, and its continuation is passed over.
 */
function dissectDiameter(data: Uint8Array, layers: Layer[]): void {
  let at = 0;
  while (data.length - at >= DIAMETER_HEADER) {
    const view = new DataView(data.buffer, data.byteOffset + at, data.length - at);
    const length = view.getUint32(0) & 0xffffff;
    const command = view.getUint32(4) & 0xffffff;
    const plausible = view.getUint8(0) === 1 && length >= DIAMETER_HEADER && length % 4 === 0;
    if (!plausible || commandRow(command) === undefined) return;
    const whole = data.subarray(at, at + length);
    const decoded = decodeMessage(whole, diameterDictionary);
    if (decoded.message === undefined) return;
    const { avps, ...header } = decoded.message;
    const fields = whole.length < length ? { ...header, length } : { ...header, avps };
    layers.push({ protocol: 'Diameter', name: messageName(header), fields });
    at += length;
  }
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
