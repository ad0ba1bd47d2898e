import fc from 'fast-check';
import type { DistributedMessage } from '../../../../host/schemes/romip/messages/message.ts';
import { address, mnId, prefix, record, uint16, uint32, uint8 } from '../../../wire/arbitraries.ts';

const counter = fc.maxSafeNat();
const prefixes = fc.array(prefix, { maxLength: 18 });
const common = {
  sequence: uint16,
  lifetimeSeconds: uint16.map((units) => units * 4),
  mnId,
  counter,
};

export const homeBindings = fc.uniqueArray(
  record({
    hoa: prefix,
    validSeconds: uint32,
    correspondents: fc.array(record({ hoa: prefix, maar: address, counter }), { maxLength: 40 }),
  }),
  { maxLength: 8, selector: (home) => home.hoa },
);

/** Messages as their senders give them: an sDBA whole, and none that names too many prefixes. */
export const distributedMessage: fc.Arbitrary<DistributedMessage> = fc.oneof(
  record({
    kind: fc.constant('sDBU' as const),
    ...common,
    timestamp: counter,
    homes: prefixes,
    correspondents: prefixes,
  }),
  record({
    kind: fc.constant('sDBA' as const),
    status: uint8,
    ...common,
    part: fc.constant(1),
    parts: fc.constant(1),
    homes: homeBindings,
  }),
  record({
    kind: fc.constant('dDBU' as const),
    ...common,
    timestamp: counter,
    homes: prefixes,
    maar: address,
    correspondents: prefixes,
  }),
  record({
    kind: fc.constant('dDBA' as const),
    status: uint8,
    ...common,
    homes: prefixes,
    correspondents: prefixes,
  }),
  record({
    kind: fc.constant('dDBA' as const),
    status: fc.constant(153),
    ...common,
    homes: prefixes,
    correspondents: prefixes,
    moved: address,
  }),
);
