/** Packets of the benchmarks of whole packets: copies of one whose addresses are set as `setAddresses` says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressBytes, readPrefix, splitPrefix } from '../../wire/address.ts';
import { neutralLocator } from '../../wire/neutral.ts';

export const PATHS = [
  'encapsulate',
  'decapsulate',
  're-tunnel',
  'hold',
  'flow',
  'buffer',
  'rewrite',
] as const;
export type PathBench = (typeof PATHS)[number];

/** What the destinations of a bench lead to; with `flow`, a flow entry for each beside the tunnel. */
export type Lead = 'tunnel' | 'deliver' | 'rewrite' | 'flow';

export function leadOf(bench: PathBench): Lead {
  if (bench === 'decapsulate') return 'deliver';
  return bench === 'rewrite' || bench === 'flow' ? bench : 'tunnel';
}

export interface Template {
  readonly bench: PathBench;
  readonly packet: Buffer;
  /** Where the destination to be looked up stands. */
  readonly destinationAt: number;
  /** True for packets that come from the core. */
  readonly core: boolean;
  readonly path: string;
}

const HEADER = 40;
const PAYLOAD = 208;
/** 2001:db8:ff::1 */
export const LOCATOR = Buffer.from('20010db800ff00000000000000000001', 'hex');
/** 2001:db9::5; octet 7 tells the stations apart. */
const SOURCE = Buffer.from('20010db9000000000000000000000005', 'hex');
const STATION_AT = 7;
/** Stations, each with a source entry of a /64. */
export const STATIONS = 256;
export const STATION_LENGTH = 64;
const PEERS = 16;
const FIRST_PEER = 2;
const OUTER_SOURCE_AT = 8;
/** UDP payload, and so both ports. */
const FILLING = 0x5a;
export const PORTS = FILLING * 0x101;

export function stationPrefix(station: number): Buffer {
  const prefix = stationAddress(station);
  prefix.fill(0, STATION_LENGTH / 8);
  return prefix;
}

/** The source of packets from a station, whose number is the last octet of the destination. */
export function stationAddress(station: number): Buffer {
  const address = Buffer.from(SOURCE);
  address[STATION_AT] = station;
  return address;
}

/**
 * Sets the destination of the packet that begins at `packet`, and by the last octet of it one of 256 stations as its
 * source and one of 16 peers as the outer one: random ones, and yet so that no destination has two, as the flows known
 * are 4 for each. Native engines do the same.
 */
export function setAddresses(
  octets: Uint8Array,
  packet: number,
  { destinationAt, core }: Template,
  destination: Uint8Array,
): void {
  const last = destination[15]!;
  octets.set(destination, packet + destinationAt);
  octets[packet + destinationAt - 16 + STATION_AT] = last;
  if (core) octets[packet + OUTER_SOURCE_AT + 15] = FIRST_PEER + (last % PEERS);
}

/** 2003::/16, where the prefixes of rewrite entries lead. */
const BLOCK = readPrefix(Buffer.from('20030000000000000000000000000000', 'hex'), 0, 16);

/** What takes the place of a prefix of `length` in the destinations of packets to the core. */
export function coreAddress(prefix: Uint8Array, length: number): Uint8Array {
  const locator = neutralLocator(BLOCK, readPrefix(prefix, 0, length))!;
  return addressBytes(splitPrefix(locator).address);
}

/** 2000::2 and on: peers, locators and next hops. */
export function neighbour(index: number): Buffer {
  const address = Buffer.alloc(16);
  address[0] = 0x20;
  address[15] = FIRST_PEER + index;
  return address;
}

function header(nextHeader: number, payload: number, source: Buffer, destination: Buffer): Buffer {
  const octets = Buffer.alloc(HEADER);
  octets[0] = 0x60;
  octets.writeUInt16BE(payload, 4);
  octets[6] = nextHeader;
  octets[7] = 64;
  source.copy(octets, 8);
  destination.copy(octets, 24);
  return octets;
}

/** A packet of 248 octets with UDP's next header, for decapsulation and tunnelling on with an outer header before it. */
export function makeTemplate(directory: string, bench: PathBench): Template {
  const core = bench === 'decapsulate' || bench === 're-tunnel';
  const inner = Buffer.concat([header(17, PAYLOAD, SOURCE, LOCATOR), Buffer.alloc(PAYLOAD, FILLING)]);
  const packet = core ? Buffer.concat([header(41, inner.length, neighbour(0), LOCATOR), inner]) : inner;
  const destinationAt = (core ? HEADER : 0) + 24;
  const head = Buffer.alloc(4);
  head.writeUInt16BE(packet.length, 0);
  head.writeUInt16BE(destinationAt, 2);
  const path = join(directory, `packet-${bench}`);
  writeFileSync(path, Buffer.concat([head, packet]));
  return { bench, packet, destinationAt, core, path };
}
