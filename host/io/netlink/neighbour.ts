import { addressBytes, readAddress, readMac, writeMac } from '../../wire/address.ts';
import type { Address, Mac } from '../../wire/address.ts';
import { AF } from '../linux.ts';
import { NDA, NLM_F, NUD, PROTOCOL_MAAR, RTM } from './constants.ts';
import { MessageWriter, attributeU32, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

const NDMSG = 12;

export interface Neighbour {
  readonly ifindex: number;
  readonly address: Address;
}

function ndmsg(family: number, ifindex: number, state: number): Uint8Array {
  const fixed = new Uint8Array(NDMSG);
  const view = new DataView(fixed.buffer);
  fixed[0] = family;
  view.setInt32(4, ifindex, true);
  view.setUint16(8, state, true);
  return fixed;
}

/** A permanent entry: the kernel neither probes it nor forgets it. Replaces whatever it had learnt. */
export function putNeighbour(neighbour: Neighbour, mac: Mac): MessageWriter {
  const lladdr = new Uint8Array(6);
  writeMac(lladdr, 0, mac);
  const flags = NLM_F.request | NLM_F.ack | NLM_F.create | NLM_F.replace;
  return new MessageWriter(RTM.newneigh, flags, ndmsg(AF.inet6, neighbour.ifindex, NUD.permanent))
    .attribute(NDA.dst, addressBytes(neighbour.address))
    .attribute(NDA.lladdr, lladdr)
    .u8(NDA.protocol, PROTOCOL_MAAR);
}

export function deleteNeighbour(neighbour: Neighbour): MessageWriter {
  return new MessageWriter(
    RTM.delneigh,
    NLM_F.request | NLM_F.ack,
    ndmsg(AF.inet6, neighbour.ifindex, 0),
  ).attribute(NDA.dst, addressBytes(neighbour.address));
}

export function listNeighbours(): MessageWriter {
  return new MessageWriter(RTM.getneigh, NLM_F.request | NLM_F.dump, ndmsg(AF.inet6, 0, 0));
}

/** Our own entries out of a dump of `listNeighbours`. */
export function ownNeighbours(answers: readonly NetlinkMessage[]): Neighbour[] {
  const neighbours: Neighbour[] = [];
  for (const { type, body } of answers) {
    if (type !== RTM.newneigh || body.length < NDMSG) continue;
    const attributes = parseAttributes(body, NDMSG);
    const dst = attributes.get(NDA.dst);
    if (attributes.get(NDA.protocol)?.[0] !== PROTOCOL_MAAR || dst?.length !== 16) continue;
    neighbours.push({ ifindex: ifindexOf(body), address: readAddress(dst) });
  }
  return neighbours;
}

function ifindexOf(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset).getInt32(4, true);
}

/** The forwarding entries of all bridges. */
export function listBridgeStations(): MessageWriter {
  // With an ifinfomsg's worth of octets the kernel takes the request as one for forwarding entries.
  return new MessageWriter(RTM.getneigh, NLM_F.request | NLM_F.dump, ndmsg(AF.bridge, 0, 0));
}

/** A station that a bridge has learnt, or forgotten, on one of its ports. */
export interface BridgeStation {
  readonly port: number;
  readonly bridge: number;
  readonly mac: Mac;
  readonly present: boolean;
}

/** Reads a bridge's RTM_NEWNEIGH or RTM_DELNEIGH; undefined for anything else, and for a port's own permanent address. */
export function bridgeStation({ type, body }: NetlinkMessage): BridgeStation | undefined {
  if ((type !== RTM.newneigh && type !== RTM.delneigh) || body.length < NDMSG || body[0] !== AF.bridge)
    return undefined;
  const attributes = parseAttributes(body, NDMSG);
  const lladdr = attributes.get(NDA.lladdr);
  const bridge = attributeU32(attributes, NDA.master);
  const state = new DataView(body.buffer, body.byteOffset).getUint16(8, true);
  if (lladdr?.length !== 6 || bridge === undefined || (state & (NUD.permanent | NUD.noarp)) !== 0)
    return undefined;
  return { port: ifindexOf(body), bridge, mac: readMac(lladdr), present: type === RTM.newneigh };
}
