/** Packets of the tunnel benchmarks. Each bench sends copies of one packet whose destination is a key. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const PATHS = ['encapsulate', 'decapsulate', 're-tunnel', 'hold'] as const;
export type PathBench = (typeof PATHS)[number];

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
/** 2001:db9::5, within the /32 of the source entry. */
const SOURCE = Buffer.from('20010db9000000000000000000000005', 'hex');

/** 2000::2 and on: peers, locators and next hops. */
export function neighbour(index: number): Buffer {
  const address = Buffer.alloc(16);
  address[0] = 0x20;
  address[15] = 2 + index;
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
  const inner = Buffer.concat([header(17, PAYLOAD, SOURCE, LOCATOR), Buffer.alloc(PAYLOAD, 0x5a)]);
  const packet = core ? Buffer.concat([header(41, inner.length, neighbour(0), LOCATOR), inner]) : inner;
  const destinationAt = (core ? HEADER : 0) + 24;
  const head = Buffer.alloc(4);
  head.writeUInt16BE(packet.length, 0);
  head.writeUInt16BE(destinationAt, 2);
  const path = join(directory, `packet-${bench}`);
  writeFileSync(path, Buffer.concat([head, packet]));
  return { bench, packet, destinationAt, core, path };
}
