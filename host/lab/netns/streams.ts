import { NEXT_HEADER, IPV6_HEADER } from '../../wire/ipv6.ts';
import { addressBytes } from '../../wire/address.ts';
import { ICMPV6_TYPE } from '../../wire/icmpv6/registry.ts';
import { Arrivals } from '../../sim/arrivals.ts';
import type { CapturedPacket, EndName, Stream, StreamReport, StreamSpec } from '../lab.ts';
import { silences } from './silences.ts';
import { DATAGRAM, gapThreshold, portOf } from './traffic-protocol.ts';
import type { PartReport } from './traffic-protocol.ts';
import type { TrafficProcess } from './traffic.ts';

const DEFAULT_INTERVAL = 10;
const DEFAULT_BYTES = 1 << 20;
/** Longest wait for packets under way when a stream ends: longer than any may be held. */
const DRAIN = 2_500;
/** A transfer without progress for this long has failed: a back-off of TCP's retransmission timer fits in. */
const TRANSFER_STALL = 60_000;
const POLL = 20;
const FRAGMENT_HEADER = 8;

export interface StreamEnvironment {
  readonly id: number;
  readonly from: { readonly address: string; readonly traffic: TrafficProcess };
  readonly to: { readonly address: string; readonly traffic: TrafficProcess };
  captured(): Promise<readonly CapturedPacket[]>;
}

/** Starts a stream; it is on its way when the promise resolves. */
export async function startStream(spec: StreamSpec, environment: StreamEnvironment): Promise<Stream> {
  const { id, from, to } = environment;
  const ends = { id, from: from.address, to: to.address };
  const intervalMs = spec.intervalMs ?? DEFAULT_INTERVAL;
  switch (spec.kind) {
    case 'ping':
      await from.traffic.order({ op: 'ping', ...ends, intervalMs });
      break;
    case 'udp':
      await to.traffic.order({ op: 'udp-receive', id, address: to.address, intervalMs });
      await from.traffic.order({ op: 'udp-send', ...ends, intervalMs, octets: spec.octets ?? DATAGRAM });
      break;
    case 'tcp': {
      const pace = spec.intervalMs === undefined ? {} : { intervalMs: spec.intervalMs };
      await to.traffic.order({
        op: 'tcp-receive',
        id,
        address: to.address,
        intervalMs: spec.intervalMs ?? 0,
      });
      await from.traffic.order({ op: 'tcp-send', ...ends, bytes: spec.bytes ?? DEFAULT_BYTES, ...pace });
      break;
    }
  }
  return {
    addresses: () => ({ from: from.address, to: to.address }),
    finish: () =>
      spec.kind === 'tcp' ? finishTransfer(spec, environment) : finishPackets(spec, environment),
  };
}

async function finishPackets(spec: StreamSpec, environment: StreamEnvironment): Promise<StreamReport> {
  const { id, from, to } = environment;
  const receiving = spec.kind === 'ping' ? from.traffic : to.traffic;
  if (spec.kind === 'udp') await from.traffic.order({ op: 'silence', id, last: 0 });
  const left = frames(await environment.captured(), spec.from, 'from', spec.kind, environment);
  const last = Math.max(0, ...left.map((packet) => sequenceOf(packet, spec.kind)));
  await receiving.order({ op: 'silence', id, last });
  const sent = new Set(left.map((packet) => sequenceOf(packet, spec.kind))).size;
  const deadline = performance.now() + DRAIN;
  let report = await receiving.order({ op: 'count', id });
  while ((report.received ?? 0) < sent && performance.now() < deadline) {
    await sleep(POLL);
    report = await receiving.order({ op: 'count', id });
  }
  await Promise.all([...new Set([from.traffic, receiving])].map((end) => end.order({ op: 'stop', id })));
  const received = report.received ?? 0;
  return {
    ...counts(spec, report),
    sent,
    received,
    lost: sent - received,
    ...(spec.kind === 'udp' ? atPorts(left, await environment.captured(), spec, environment) : {}),
  };
}

/** What only the ports of both ends tell: the ends themselves may come late to what arrives. */
function atPorts(
  left: readonly CapturedPacket[],
  packets: readonly CapturedPacket[],
  spec: StreamSpec,
  environment: StreamEnvironment,
): Pick<StreamReport, 'gaps'> & { readonly reorderedAtPort: number } {
  const departures = left.map(({ at }) => at);
  const arrivals = frames(packets, spec.to, 'to', 'udp', environment).map(({ at }) => at);
  const threshold = gapThreshold(spec.intervalMs ?? DEFAULT_INTERVAL);
  return {
    gaps: silences(departures, arrivals, threshold, departures.at(-1) ?? 0),
    reorderedAtPort: reorderedIn(left),
  };
}

function reorderedIn(packets: readonly CapturedPacket[]): number {
  const order = new Arrivals(0, Infinity);
  for (const packet of packets) order.add(sequenceOf(packet, 'udp'), packet.at);
  return order.counts().reordered;
}

async function finishTransfer(spec: StreamSpec, environment: StreamEnvironment): Promise<StreamReport> {
  const { id, from, to } = environment;
  let receiver = await to.traffic.order({ op: 'count', id });
  let progress = performance.now();
  while (receiver.ended !== true && performance.now() - progress < TRANSFER_STALL) {
    await sleep(POLL);
    const next = await to.traffic.order({ op: 'count', id });
    if (next.bytes !== receiver.bytes) progress = performance.now();
    receiver = next;
  }
  const sender = await from.traffic.order({ op: 'stop', id });
  await to.traffic.order({ op: 'stop', id });
  const packets = await environment.captured();
  const left = frames(packets, spec.from, 'from', 'tcp', environment);
  const arrived = frames(packets, spec.to, 'to', 'tcp', environment);
  const distinct = new Set(arrived.map((packet) => sequenceOf(packet, 'tcp'))).size;
  return {
    ...counts(spec, receiver),
    sent: left.length,
    received: arrived.length,
    lost: left.length - arrived.length,
    duplicated: arrived.length - distinct,
    intact: receiver.ended === true && receiver.bytes === sender.bytes && receiver.hash === sender.hash,
  };
}

function counts(
  spec: StreamSpec,
  report: PartReport,
): Pick<StreamReport, 'spec' | 'duplicated' | 'reordered' | 'lateness' | 'gaps'> {
  return {
    spec,
    duplicated: report.duplicated ?? 0,
    reordered: spec.kind === 'tcp' ? 0 : (report.reordered ?? 0),
    ...(spec.kind === 'tcp' || report.lateness === undefined ? {} : { lateness: report.lateness }),
    gaps: report.gaps ?? [],
  };
}

/** Packets of the stream, in its direction and with payload, that passed the port of one of its ends. */
function frames(
  packets: readonly CapturedPacket[],
  end: EndName,
  side: 'from' | 'to',
  kind: StreamSpec['kind'],
  { id, from, to }: StreamEnvironment,
): CapturedPacket[] {
  const link = end === 'cn' ? 'core-cn' : `host-${end}`;
  const source = addressBytes(from.address);
  const destination = addressBytes(to.address);
  return packets.filter(
    ({ link: where, sender, data }) =>
      where === link &&
      (sender === end) === (side === 'from') &&
      equalAt(data, 8, source) &&
      equalAt(data, 24, destination) &&
      isOfStream(data, kind, portOf(id)),
  );
}

function equalAt(data: Uint8Array, offset: number, octets: Uint8Array): boolean {
  return octets.every((octet, index) => data[offset + index] === octet);
}

function isOfStream(data: Uint8Array, kind: StreamSpec['kind'], port: number): boolean {
  const { protocol, at } = upperLayer(data);
  if (data.length < at + 8) return false;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (kind) {
    case 'ping':
      return (
        protocol === NEXT_HEADER.icmpv6 &&
        data[at] === ICMPV6_TYPE['echo-request'] &&
        view.getUint16(at + 4) === port
      );
    case 'udp':
      return protocol === NEXT_HEADER.udp && view.getUint16(at) === port;
    case 'tcp': {
      if (protocol !== NEXT_HEADER.tcp || view.getUint16(at) !== port) return false;
      const header = (data[at + 12]! >> 4) * 4;
      return view.getUint16(4) > header;
    }
  }
}

/** Where the packet's own protocol begins: behind the header of a first fragment too. Of later fragments it is unknown. */
function upperLayer(data: Uint8Array): { protocol: number | undefined; at: number } {
  const at = IPV6_HEADER;
  if (data[6] !== NEXT_HEADER.fragment) return { protocol: data[6], at };
  const first = data[at + 2] === 0 && (data[at + 3]! & 0xf8) === 0;
  return { protocol: first ? data[at] : undefined, at: at + FRAGMENT_HEADER };
}

function sequenceOf({ data }: CapturedPacket, kind: StreamSpec['kind']): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const { at } = upperLayer(data);
  switch (kind) {
    case 'ping':
      return view.getUint16(at + 6);
    case 'udp':
      return view.getUint32(at + 8);
    case 'tcp':
      return view.getUint32(at + 4);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
