import type { StoreAnswer, StoreRequest } from '../../../functions/lm/store.ts';
import { prefixOf, splitPrefix } from '../../../wire/address.ts';
import {
  KEY,
  LENGTH_RANGE,
  claimKey,
  claimsWithin,
  counterText,
  encode,
  lengthKey,
  mnKey,
  registrationOf,
  registrationValue,
} from './keys.ts';
import type { KeyRange } from './keys.ts';

/** What a transaction can carry out, and what the server knew when it wanted it. */
export interface Wanted {
  readonly request: Extract<StoreRequest, { type: 'ticket' | 'commit' | 'forget' }>;
  /** The revision of etcd that the server's table was equal to. */
  readonly basis: number;
  /** Lengths of claimed prefixes at that revision. */
  readonly lengths: ReadonlySet<number>;
}

type Comparison = KeyRange &
  (
    | { readonly target: 'MOD'; readonly result: 'LESS'; readonly mod_revision: number }
    | { readonly target: 'VERSION'; readonly result: 'EQUAL' | 'GREATER'; readonly version: number }
    | { readonly target: 'VALUE'; readonly result: 'LESS'; readonly value: string }
  );

type Operation =
  | { readonly request_put: { readonly key: string; readonly value: string; readonly lease?: string } }
  | { readonly request_delete_range: KeyRange }
  | { readonly request_range: KeyRange }
  | { readonly request_txn: Transaction };

export interface Transaction {
  readonly compare?: readonly Comparison[];
  readonly success: readonly Operation[];
  readonly failure?: readonly Operation[];
}

/** What is read of the answer to a transaction. */
export interface TransactionResult {
  readonly header?: { readonly revision?: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly {
    readonly response_txn?: TransactionResult;
    readonly response_range?: { readonly kvs?: readonly { readonly key: string; readonly value?: string }[] };
  }[];
}

/**
 * Requests in one transaction, one MNs to be forgotten in one request. etcd takes 128 operations and comparisons along each branch
 * of a transaction, of which a registration with 32 prefixes needs most.
 */
export const LIMITS = { requests: 32, mnIds: 32 } as const;

const FLOOR = { key: encode(KEY.floor) };

/**
 * All that is wanted in one transaction, each with its own comparisons. The outermost one writes `head`, so that its revision is
 * above that of every transaction before, and is seen by every watch.
 */
export function transactionOf(wanted: readonly Wanted[], lease: string): Transaction {
  const lengths = new Set<number>();
  for (const { request, lengths: known } of wanted) {
    if (request.type !== 'commit') continue;
    for (const prefix of request.claimed) {
      const { length } = splitPrefix(prefix);
      if (!known.has(length)) lengths.add(length);
    }
  }
  return {
    success: [
      put(encode(KEY.head), ''),
      ...wanted.flatMap((each) => operationOf(each, lease)),
      ...[...lengths].map((length) => put(lengthKey(length), '')),
    ],
  };
}

/** The answers, in order, and the revision at which they hold. */
export function answersOf(
  wanted: readonly Wanted[],
  { header, responses = [] }: TransactionResult,
): { readonly revision: number; readonly answers: readonly StoreAnswer[] } {
  const revision = Number(header?.revision);
  // After that of `head`, which every transaction begins with; a ticket needs no operation of its own.
  let next = 1;
  const answers = wanted.map(({ request }, index): StoreAnswer => {
    const { id } = request;
    if (request.type === 'ticket') return { type: 'ticket', id, counter: counterAt(revision, index) };
    const result = responses[next++]?.response_txn;
    if (request.type === 'forget') return { type: 'forgotten', id };
    const { mnId } = request.registration;
    if (result?.succeeded === true) return { type: 'committed', id };
    const value = result?.responses?.[0]?.response_range?.kvs?.[0]?.value;
    // Done by an earlier try, whose answer was lost.
    if (value === registrationValue(request.registration)) return { type: 'committed', id };
    if (value === undefined) return { type: 'conflict', id, current: undefined };
    const current = registrationOf(mnId, value);
    if (current === undefined) return { type: 'failed', id, reason: `"${mnId}" in etcd is no registration` };
    return { type: 'conflict', id, current };
  });
  return { revision, answers };
}

/** The highest counter that can have been handed out up to a revision. */
export function highestCounter(revision: number): number {
  return counterAt(revision, LIMITS.requests - 1);
}

/** Revisions rise with every transaction of the cluster, whichever server it comes from: so do counters. */
function counterAt(revision: number, index: number): number {
  return revision * LIMITS.requests + index;
}

function operationOf(wanted: Wanted, lease: string): readonly Operation[] {
  const { request } = wanted;
  switch (request.type) {
    case 'ticket':
      return [];
    case 'commit': {
      const { registration, claimed } = request;
      const key = mnKey(registration.mnId);
      return [
        {
          request_txn: {
            compare: comparisonsOf(wanted, request),
            success: [
              put(key, registrationValue(registration), lease),
              ...claimed.map((prefix) => put(claimKey(prefix), '', lease)),
            ],
            failure: [{ request_range: { key } }],
          },
        },
      ];
    }
    case 'forget': {
      const floor = encode(counterText(request.floor));
      return [
        {
          request_txn: {
            success: [
              when([{ ...FLOOR, target: 'VALUE', result: 'LESS', value: floor }], put(FLOOR.key, floor)),
              ...request.mnIds.map((mnId) => {
                const key = mnKey(mnId);
                return when([unchanged({ key }, wanted.basis)], { request_delete_range: { key } });
              }),
            ],
          },
        },
      ];
    }
  }
}

/** What must still be as the server knew it for a registration to be put. */
function comparisonsOf(
  { basis, lengths }: Wanted,
  { registration, expected, claimed }: Extract<StoreRequest, { type: 'commit' }>,
): readonly Comparison[] {
  const key = mnKey(registration.mnId);
  const own: readonly Comparison[] =
    expected === undefined
      ? [
          { key, target: 'VERSION', result: 'EQUAL', version: 0 },
          // One that came, went and was forgotten since then left its counter here.
          { ...FLOOR, target: 'VALUE', result: 'LESS', value: encode(counterText(registration.counter)) },
        ]
      : [unchanged({ key }, basis), { key, target: 'VERSION', result: 'GREATER', version: 0 }];
  if (claimed.length === 0) return own;
  const around = new Set<string>();
  for (const prefix of claimed) {
    const { address, length } = splitPrefix(prefix);
    for (const shorter of lengths) if (shorter < length) around.add(claimKey(prefixOf(address, shorter)));
  }
  const claims = [LENGTH_RANGE, ...claimed.map(claimsWithin), ...[...around].map((each) => ({ key: each }))];
  return [...own, ...claims.map((range) => unchanged(range, basis))];
}

function unchanged(range: KeyRange, basis: number): Comparison {
  return { ...range, target: 'MOD', result: 'LESS', mod_revision: basis + 1 };
}

function put(key: string, value: string, lease?: string): Operation {
  return { request_put: { key, value, ...(lease === undefined ? {} : { lease }) } };
}

function when(compare: readonly Comparison[], operation: Operation): Operation {
  return { request_txn: { compare, success: [operation] } };
}
