import { NFNL, NFPROTO, NFTA, NFT_MSG, NLM_F } from './constants.ts';
import { MessageWriter } from './message.ts';

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

/** Changes of interval sets of one `inet` table as one transaction: all or none take effect, each is acknowledged. */
export function setChanges(table: string, changes: readonly SetChange[]): MessageWriter[] {
  return [
    batchLimit(NFNL.batchBegin),
    ...changes.map((change) => element(table, change)),
    batchLimit(NFNL.batchEnd),
  ];
}
