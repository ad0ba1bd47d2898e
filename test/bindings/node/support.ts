/** A data plane with small capacities, and packets built by hand. */
import { readFileSync } from 'node:fs';
import type { DataPlane, DataPlaneOptions, PacketIn, PacketOut } from '../../../bindings/dataplane.ts';
import type { Command, CommandStatus, Entry } from '../../../bindings/entries.ts';
import { wasmDataPlane } from '../../../bindings/node/dataplane.ts';
import { writeAddress } from '../../../bindings/node/text.ts';

export const LOCATOR = '2001:db8:ff::1';
export const PEER = '2001:db8:ff::2';
export const THIRD = '2001:db8:ff::3';
export const MN = '2001:db8:1:1::10';
export const CN = '2001:db8:2:2::20';
export const MAC = '02:00:00:00:00:10';

export const BUILDS = ['maar.wasm', 'maar-scalar.wasm'] as const;

export function wasm(build: string = BUILDS[0]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../../build/${build}`, import.meta.url)));
}

export const OPTIONS: DataPlaneOptions = {
  capacities: { batch: 8, destinations: 16, sources: 16, peers: 4, flows: 64, held: 6, flowEntries: 4 },
  locator: LOCATOR,
  seed: 0x1122334455667788n,
  coreMtu: 1500,
  hopLimitDone: false,
};

export function dataPlane(options: Partial<DataPlaneOptions> = {}, build?: string): DataPlane {
  return wasmDataPlane(wasm(build), { ...OPTIONS, ...options });
}

export interface PacketFields {
  readonly src?: string;
  readonly dst?: string;
  readonly next?: number;
  readonly hops?: number;
  /** Traffic class and flow label. */
  readonly flow?: number;
  readonly payload?: Uint8Array;
}

/** An IPv6 packet from the MN to the CN, unless told otherwise. */
export function packet(fields: PacketFields = {}): Uint8Array {
  const payload = fields.payload ?? new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  const data = new Uint8Array(40 + payload.length);
  const view = new DataView(data.buffer);
  view.setUint32(0, 0x60000000 + (fields.flow ?? 0));
  view.setUint16(4, payload.length);
  data[6] = fields.next ?? 59;
  data[7] = fields.hops ?? 64;
  if (!writeAddress(data, 8, fields.src ?? MN)) throw new Error(`no address: ${fields.src}`);
  if (!writeAddress(data, 24, fields.dst ?? CN)) throw new Error(`no address: ${fields.dst}`);
  data.set(payload, 40);
  return data;
}

/** A packet in a tunnel from a peer to us; fields are those of the outer header. */
export function tunnelled(inner: Uint8Array, fields: PacketFields = {}): Uint8Array {
  return packet({ src: PEER, dst: LOCATOR, next: 41, payload: inner, ...fields });
}

export function fromAccess(data: Uint8Array, mac?: string, link = 0): PacketIn {
  return { data, port: { side: 'access', link }, ...(mac === undefined ? {} : { mac }) };
}

export function fromCore(data: Uint8Array): PacketIn {
  return { data, port: { side: 'core' } };
}

export function apply(plane: DataPlane, commands: readonly Command[]): CommandStatus[] {
  return plane.apply(commands, 0);
}

export function put(entry: Entry): Command {
  return { op: 'put', entry };
}

export const SOURCE = put({ kind: 'source', prefix: `${MN}/128`, link: 0, mac: MAC });
export const DELIVER = put({
  kind: 'deliver',
  prefix: `${MN}/128`,
  link: 0,
  nextHop: 'fe80::10',
  mac: MAC,
});
export const TUNNEL = put({ kind: 'tunnel', prefix: '2001:db8:2:2::/64', locator: PEER });
export const PEERING = put({ kind: 'peer', address: PEER });

/** What became of a packet, in a word: the action, or the reason of the drop. */
export function outcome(out: PacketOut): string {
  return out.verdict.action === 'drop' ? out.verdict.reason : out.verdict.action;
}

export function outcomes(plane: DataPlane, batch: readonly PacketIn[], now = 0): string[] {
  return plane.process(batch, now).map(outcome);
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}
