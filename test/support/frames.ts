/** Frames of many captures, each kind once, in the eyes of our parsers, of scapy and of tshark. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CapturedPacket } from '../../host/lab/lab.ts';
import { LINKTYPE_IPV6 } from '../../host/wire/capture.ts';
import { upperLayerChecksum } from '../../host/wire/checksum.ts';
import { parseIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import type { Icmpv6Message } from '../../host/wire/icmpv6/message.ts';
import { emitNdOptions } from '../../host/wire/icmpv6/options.ts';
import type { NdOption } from '../../host/wire/icmpv6/options.ts';
import { NEXT_HEADER, parseIpv6, walkExtensions } from '../../host/wire/ipv6.ts';
import { BODIES } from '../../host/wire/mobility/bodies.ts';
import { parseMobility } from '../../host/wire/mobility/message.ts';
import type { MobilityMessage } from '../../host/wire/mobility/message.ts';
import { emitMobilityOptions, parseMobilityOptions } from '../../host/wire/mobility/options.ts';
import type { MobilityOption } from '../../host/wire/mobility/options.ts';
import { MOBILITY_OPTIONS } from '../../host/wire/mobility/registry.ts';
import { writePcapng } from '../../host/wire/pcapng.ts';
import { output } from './tools.ts';
import { assertAgreement } from './wireshark.ts';

const SCRIPT = fileURLToPath(new URL('../golden/decode.py', import.meta.url));

const DIAMETER = 3868;
const ECHO = [128, 129];
/** Offsets in a packet whose IPv6 header is the last one. */
const NEXT = 6;
const HOPS = 7;
const PAYLOAD = 40;

/** Whether a packet is a message, not one of many that carry data; `at` is its last IPv6 header. */
function isSignalling(data: Uint8Array, at: number): boolean {
  const port = (offset: number): number => (data[at + offset]! << 8) | data[at + offset + 1]!;
  switch (data[at + NEXT]) {
    case NEXT_HEADER.mobility:
      return true;
    case NEXT_HEADER.icmpv6:
      return !ECHO.includes(data[at + PAYLOAD]!);
    case NEXT_HEADER.tcp:
      return port(PAYLOAD) === DIAMETER || port(PAYLOAD + 2) === DIAMETER;
    default:
      return data[at + NEXT] !== NEXT_HEADER.udp;
  }
}

/**
 * Every message of the captures, once however many links it crossed, and of packets that carry data one for each stack of
 * addresses and ports.
 */
export class Frames {
  readonly packets: Uint8Array[] = [];
  readonly #messages = new Set<string>();
  /** Hashes: a collision leaves out one frame of a kind. */
  readonly #kinds = new Set<number>();

  add(captured: readonly Pick<CapturedPacket, 'data'>[]): void {
    for (const { data } of captured) {
      let at = 0;
      while (data[at + NEXT] === NEXT_HEADER.ipv6 && data.length >= at + 2 * PAYLOAD) at += PAYLOAD;
      if (isSignalling(data, at) ? this.#isNewMessage(data) : this.#isNewKind(data, at))
        this.packets.push(data);
    }
  }

  #isNewMessage(data: Uint8Array): boolean {
    const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
    const key = text.slice(0, HOPS) + text.slice(HOPS + 1);
    return this.#messages.size < this.#messages.add(key).size;
  }

  /** Next header and addresses of every IPv6 header, then ports, or the type of ICMPv6. */
  #isNewKind(data: Uint8Array, last: number): boolean {
    let hash = 0;
    const take = (from: number, to: number): void => {
      for (let octet = from; octet < to; octet++) hash = (Math.imul(hash, 31) + data[octet]!) | 0;
    };
    for (let at = 0; at <= last; at += PAYLOAD) {
      take(at + NEXT, at + NEXT + 1);
      take(at + HOPS + 1, at + PAYLOAD);
    }
    take(last + PAYLOAD, last + PAYLOAD + (data[last + NEXT] === NEXT_HEADER.icmpv6 ? 1 : 4));
    return this.#kinds.size < this.#kinds.add(hash).size;
  }
}

/** Fails unless scapy sees in every packet what our parsers see; `python` is one that has scapy. */
export function assertScapyAgrees(python: string, packets: readonly Uint8Array[]): void {
  const lines = output(python, [SCRIPT], packets.map((data) => `${hex(data)}\n`).join(''));
  const seen = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Seen[]);
  assert.equal(seen.length, packets.length);
  for (const [index, data] of packets.entries()) assert.deepEqual(seen[index], layersOf(data), hex(data));
}

/** As `assertAgreement`, of packets. */
export function assertTsharkAgrees(packets: readonly Uint8Array[]): Map<string, boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'maar-frames-'));
  try {
    const file = join(folder, 'frames.pcapng');
    writeFileSync(
      file,
      writePcapng({
        interfaces: [{ linkType: LINKTYPE_IPV6, snapLength: 0, name: 'all links' }],
        packets: packets.map((data, index) => ({
          interface: 0,
          time: BigInt(index),
          data,
          length: data.length,
        })),
      }),
    );
    return assertAgreement(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One layer in the words of test/golden/decode.py. */
type Seen = Readonly<Record<string, unknown>>;

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

/** What our parsers see in a packet, layer by layer from the outside in. */
function layersOf(data: Uint8Array): Seen[] {
  const layers: Seen[] = [];
  let inner: Uint8Array | undefined = data;
  while (inner !== undefined) {
    const packet = parseIpv6(inner);
    if (!packet.ok) return [...layers, { fault: packet.fault.what }];
    const { src, dst, hopLimit } = packet.value;
    layers.push({ layer: 'IPv6', src, dst, hops: hopLimit });
    const upper = walkExtensions(packet.value);
    if (!upper.ok) return [...layers, { fault: upper.fault.what }];
    const { fragment, nextHeader, payload } = upper.value;
    if (fragment !== undefined) {
      const { offset, more, identification } = fragment;
      layers.push({ layer: 'fragment', offset, more: Number(more), id: identification });
      if (offset > 0 || more) return layers;
    }
    inner = nextHeader === NEXT_HEADER.ipv6 ? payload : undefined;
    const layer = upperLayer(nextHeader, payload, src, dst);
    if (layer !== undefined) layers.push(layer);
  }
  return layers;
}

function upperLayer(nextHeader: number, payload: Uint8Array, src: string, dst: string): Seen | undefined {
  const names: Record<number, string> = {
    [NEXT_HEADER.mobility]: 'mobility',
    [NEXT_HEADER.icmpv6]: 'ICMPv6',
    [NEXT_HEADER.tcp]: 'TCP',
    [NEXT_HEADER.udp]: 'UDP',
  };
  const layer = names[nextHeader];
  if (layer === undefined) return undefined;
  const sound = upperLayerChecksum(src, dst, nextHeader, payload) === 0;
  if (layer === 'mobility') return { layer, sound, ...(sound ? mobility(payload, src, dst) : {}) };
  if (layer === 'ICMPv6') return { layer, sound, ...(sound ? icmpv6(payload, src, dst) : {}) };
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const head = layer === 'TCP' ? (payload[12]! >> 4) * 4 : 8;
  const ports = { from: view.getUint16(0), to: view.getUint16(2) };
  return { layer, sound, ...ports, octets: payload.length - head };
}

/** Octets of the option as it is emitted, its padding left out. */
function optionOf(option: MobilityOption): [type: number, data: string] {
  const start = option.kind === 'unknown' ? 0 : MOBILITY_OPTIONS[option.kind].remainder;
  const octets = emitMobilityOptions([option], start);
  return [octets[0]!, hex(octets.subarray(2, 2 + octets[1]!))];
}

/** Where the options of an Experimental Mobility Header of ours begin. */
const EXPERIMENT_OPTIONS = 16;

function mobility(data: Uint8Array, src: string, dst: string): Seen {
  const message = parseMobility(data, src, dst);
  if (!message.ok) return { fault: message.fault.what };
  const { value } = message;
  const at = value.kind === 'EXP' ? EXPERIMENT_OPTIONS : BODIES[value.kind].optionsAt;
  const list = parseMobilityOptions(data, at);
  if (!list.ok) return { fault: list.fault.what };
  const isKnown = value.kind === 'BRR' || value.kind === 'BU' || value.kind === 'BA';
  return {
    type: data[2],
    ...('lifetime' in value && isKnown ? numbersOf(value) : {}),
    head: isKnown ? null : hex(data.subarray(6, at)),
    options: list.value.map(optionOf),
  };
}

function numbersOf(message: Extract<MobilityMessage, { kind: 'BU' | 'BA' }>): Seen {
  const { sequence, lifetime, flags } = message;
  return { sequence, lifetime, flags, ...(message.kind === 'BA' ? { status: message.status } : {}) };
}

const ndOptionOf = (option: NdOption): [type: number, octets: string] => {
  const octets = emitNdOptions([option]);
  return [octets[0]!, hex(octets)];
};

function icmpv6(data: Uint8Array, src: string, dst: string): Seen {
  const message = parseIcmpv6(data, src, dst);
  return {
    type: data[0],
    code: data[1],
    ...(message.ok ? bodyOf(message.value) : { fault: message.fault.what }),
  };
}

function bodyOf(message: Icmpv6Message): Seen {
  switch (message.kind) {
    case 'echo-request':
    case 'echo-reply':
      return { id: message.identifier, seq: message.sequence };
    case 'RS':
      return { options: message.options.map(ndOptionOf) };
    case 'RA':
      return {
        chlim: message.curHopLimit,
        M: Number(message.managed),
        O: Number(message.other),
        prf: message.preference,
        routerlifetime: message.routerLifetimeSeconds,
        reachabletime: message.reachableTime,
        retranstimer: message.retransTimer,
        options: message.options.map(ndOptionOf),
      };
    case 'NS':
      return { target: message.target, options: message.options.map(ndOptionOf) };
    case 'NA':
      return {
        R: Number(message.router),
        S: Number(message.solicited),
        O: Number(message.override),
        target: message.target,
        options: message.options.map(ndOptionOf),
      };
    case 'mld2-report':
      return { records: message.records.map(({ type, group, sources }) => [type, group, sources]) };
    case 'mld1-report':
    case 'mld1-done':
      return {};
    case 'packet-too-big':
      return { mtu: message.parameter };
    case 'parameter-problem':
      return { ptr: message.parameter };
    default:
      return { unused: message.parameter };
  }
}
