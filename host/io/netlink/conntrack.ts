import { readAddress } from '../../wire/address.ts';
import type { Address } from '../../wire/address.ts';
import { AF } from '../linux.ts';
import { CTA, IPCTNL, NFNL, NLM_F } from './constants.ts';
import { MessageWriter, attributeU32, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

const NFGENMSG = 4;

/** One IPv6 connection, by its original direction. */
export interface Connection {
  readonly src: Address;
  readonly dst: Address;
  /** Identifies the entry while it lives. */
  readonly id: number;
  /** Of both directions together; 0 without accounting. */
  readonly packets: number;
}

export function listConnections(): MessageWriter {
  const type = (NFNL.conntrack << 8) | IPCTNL.get;
  return new MessageWriter(type, NLM_F.request | NLM_F.dump, Uint8Array.of(AF.inet6, 0, 0, 0));
}

/** Reads a message of the conntrack subsystem that tells of an entry; undefined for anything else, and for IPv4. */
export function parseConnection({ type, body }: NetlinkMessage): Connection | undefined {
  if (type !== ((NFNL.conntrack << 8) | IPCTNL.new) || body.length < NFGENMSG || body[0] !== AF.inet6)
    return undefined;
  const attributes = parseAttributes(body, NFGENMSG);
  const tuple = attributes.get(CTA.tupleOrig);
  const ip = tuple === undefined ? undefined : parseAttributes(tuple).get(CTA.tupleIp);
  if (ip === undefined) return undefined;
  const addresses = parseAttributes(ip);
  const src = addresses.get(CTA.ipv6Src);
  const dst = addresses.get(CTA.ipv6Dst);
  if (src?.length !== 16 || dst?.length !== 16) return undefined;
  return {
    src: readAddress(src),
    dst: readAddress(dst),
    id: attributeU32(attributes, CTA.id) ?? 0,
    packets: packets(attributes.get(CTA.countersOrig)) + packets(attributes.get(CTA.countersReply)),
  };
}

function packets(counters: Uint8Array | undefined): number {
  const value = counters === undefined ? undefined : parseAttributes(counters).get(CTA.countersPackets);
  if (value?.length !== 8) return 0;
  return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, false));
}
