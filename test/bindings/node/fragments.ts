import { LOCATOR, PEER, packet } from './support.ts';

export interface FragmentFields {
  /** Octets of the inner packet; all of them unless told otherwise. */
  readonly from?: number;
  readonly to?: number;
  /** Whether others follow: unless told otherwise, where octets do. */
  readonly more?: boolean;
  readonly identification?: number;
  /** Next header of the fragment header. */
  readonly next?: number;
  readonly src?: string;
  readonly hops?: number;
  readonly ecn?: number;
}

/** An outer fragment from a peer to us that carries a part of an inner packet. */
export function fragment(inner: Uint8Array, fields: FragmentFields = {}): Uint8Array {
  const { from = 0, to = inner.length, more = to < inner.length } = fields;
  const payload = new Uint8Array(8 + to - from);
  const view = new DataView(payload.buffer);
  view.setUint8(0, fields.next ?? 41);
  view.setUint16(2, from | Number(more));
  view.setUint32(4, fields.identification ?? 1);
  payload.set(inner.subarray(from, to), 8);
  const flow = (fields.ecn ?? 0) << 20;
  return packet({ src: fields.src ?? PEER, dst: LOCATOR, next: 44, hops: fields.hops ?? 64, flow, payload });
}
