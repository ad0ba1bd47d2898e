import { readMac, writeMac } from '../../wire/address.ts';
import type { Mac } from '../../wire/address.ts';
import { AF } from '../linux.ts';
import { IFF, IFLA, NLM_F, RTM } from './constants.ts';
import { MessageWriter, attributeString, attributeU32, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

const IFINFOMSG = 16;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** Absent for interfaces without an EUI-48 (TUN). */
  readonly mac?: Mac;
  /** Index of the bridge that it is a port of. */
  readonly master?: number;
  /** Kind of virtual device: "bridge", "veth", "tun"; absent for hardware. */
  readonly kind?: string;
  readonly up: boolean;
  /** Up with carrier. */
  readonly running: boolean;
  /** False in the message that tells of its removal. */
  readonly present: boolean;
}

function ifinfomsg(index: number, flags = 0, change = 0): Uint8Array {
  const fixed = new Uint8Array(IFINFOMSG);
  const view = new DataView(fixed.buffer);
  fixed[0] = AF.unspec;
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, change, true);
  return fixed;
}

export function listLinks(): MessageWriter {
  return new MessageWriter(RTM.getlink, NLM_F.request | NLM_F.dump, ifinfomsg(0));
}

/** Reads an RTM_NEWLINK or RTM_DELLINK about the interface itself (not about a bridge's view of its port). */
export function parseLink({ type, body }: NetlinkMessage): Link | undefined {
  if ((type !== RTM.newlink && type !== RTM.dellink) || body.length < IFINFOMSG || body[0] !== AF.unspec)
    return undefined;
  const view = new DataView(body.buffer, body.byteOffset);
  const attributes = parseAttributes(body, IFINFOMSG);
  const flags = view.getUint32(8, true);
  const address = attributes.get(IFLA.address);
  const master = attributeU32(attributes, IFLA.master);
  const info = attributes.get(IFLA.linkinfo);
  const kind = info === undefined ? undefined : attributeString(parseAttributes(info), IFLA.infoKind);
  return {
    index: view.getInt32(4, true),
    name: attributeString(attributes, IFLA.ifname) ?? '',
    mtu: attributeU32(attributes, IFLA.mtu) ?? 0,
    ...(address?.length === 6 ? { mac: readMac(address) } : {}),
    ...(master === undefined ? {} : { master }),
    ...(kind === undefined ? {} : { kind }),
    up: (flags & IFF.up) !== 0,
    running: (flags & IFF.running) !== 0 && (flags & IFF.up) !== 0,
    present: type === RTM.newlink,
  };
}

export function setLinkMac(index: number, mac: Mac): MessageWriter {
  const address = new Uint8Array(6);
  writeMac(address, 0, mac);
  return new MessageWriter(RTM.setlink, NLM_F.request | NLM_F.ack, ifinfomsg(index)).attribute(
    IFLA.address,
    address,
  );
}

/** `queue`: packets that may wait to be sent. */
export function setLinkUp(index: number, mtu: number, queue: number): MessageWriter {
  return new MessageWriter(RTM.setlink, NLM_F.request | NLM_F.ack, ifinfomsg(index, IFF.up, IFF.up))
    .u32(IFLA.mtu, mtu)
    .u32(IFLA.txqlen, queue);
}
