import { NFNL, NFPROTO, NFTA, NFT_MSG, NLM_F } from './constants.ts';
import { MessageWriter, parseAttributeList, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

/** A range of keys of an nftables interval set: first and last, both inclusive, fields padded to four octets. */
export interface KeyRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

export interface SetChange {
  readonly op: 'add' | 'delete';
  readonly set: string;
  readonly key: KeyRange;
}

/** struct nfgenmsg. */
const NFGEN_OCTETS = 4;

function batchLimit(type: number): MessageWriter {
  // The subsystem of a batch stands in res_id, network order.
  return new MessageWriter(type, NLM_F.request, Uint8Array.of(0, 0, 0, NFNL.nftables));
}

function element(table: string, { op, set, key }: SetChange): MessageWriter {
  const type = (NFNL.nftables << 8) | (op === 'add' ? NFT_MSG.newSetElem : NFT_MSG.delSetElem);
  const flags = NLM_F.request | NLM_F.ack | (op === 'add' ? NLM_F.create : 0);
  return new MessageWriter(type, flags, Uint8Array.of(NFPROTO.inet, 0, 0, 0))
    .string(NFTA.listTable, table)
    .string(NFTA.listSet, set)
    .nested(NFTA.listElements, (list) =>
      list.nested(NFTA.listElem, (item) =>
        item
          .nested(NFTA.elemKey, (data) => data.attribute(NFTA.dataValue, key.first))
          .nested(NFTA.elemKeyEnd, (data) => data.attribute(NFTA.dataValue, key.last)),
      ),
    );
}

/** Whether an event tells that a table has been deleted. */
export function deletesTable({ type }: NetlinkMessage): boolean {
  return type === ((NFNL.nftables << 8) | NFT_MSG.delTable);
}

/** Changes of interval sets of one `inet` table as one transaction: all or none take effect, each is acknowledged. */
export function setChanges(table: string, changes: readonly SetChange[]): MessageWriter[] {
  return [
    batchLimit(NFNL.batchBegin),
    ...changes.map((change) => element(table, change)),
    batchLimit(NFNL.batchEnd),
  ];
}

export function listElements(table: string, set: string): MessageWriter {
  const type = (NFNL.nftables << 8) | NFT_MSG.getSetElem;
  return new MessageWriter(type, NLM_F.request | NLM_F.dump, Uint8Array.of(NFPROTO.inet, 0, 0, 0))
    .string(NFTA.listTable, table)
    .string(NFTA.listSet, set);
}

/** The first key of each element in one answer to `listElements`, and its counter; elements without one are left out. */
export function countedElements({ body }: NetlinkMessage): { first: Uint8Array; packets: number }[] {
  const elements: { first: Uint8Array; packets: number }[] = [];
  const list = parseAttributes(body, NFGEN_OCTETS).get(NFTA.listElements);
  for (const { value } of list === undefined ? [] : parseAttributeList(list)) {
    const element = parseAttributes(value);
    const first = inner(element.get(NFTA.elemKey), NFTA.dataValue);
    const counter = inner(element.get(NFTA.elemExpression), NFTA.exprData);
    const packets = inner(counter, NFTA.counterPackets);
    if (first === undefined || packets?.length !== 8) continue;
    elements.push({
      first,
      packets: Number(new DataView(packets.buffer, packets.byteOffset).getBigUint64(0, false)),
    });
  }
  return elements;
}

function inner(nest: Uint8Array | undefined, type: number): Uint8Array | undefined {
  return nest === undefined ? undefined : parseAttributes(nest).get(type);
}
