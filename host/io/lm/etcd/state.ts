import type { Registration } from '../../../functions/lm/store.ts';
import type { EtcdClient } from './client.ts';
import { STATE_RANGE, decode, encode, registrationOf, stateKey } from './keys.ts';

/** A key and its value, as the gateway shows them; an absent value is empty. */
export interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision?: string;
}

/** What all servers have in memory, as it was at one revision. */
export interface Snapshot {
  readonly revision: number;
  readonly registrations: readonly Registration[];
  readonly floor: number;
  readonly lengths: ReadonlySet<number>;
}

interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
}

/** Keys of one answer: some 300 octets each. */
const PAGE = 1_000;

/** Reads all of the state. Rejects with an EtcdError, or for a registration that is none. */
export async function readState(client: EtcdClient, deadline: number): Promise<Snapshot> {
  const registrations: Registration[] = [];
  const lengths = new Set<number>();
  let floor = 0;
  let revision: number | undefined;
  let range = STATE_RANGE;
  for (let more = true; more;) {
    const at = revision === undefined ? {} : { revision };
    const answer = (await client.call(
      '/v3/kv/range',
      { ...range, ...at, limit: PAGE },
      deadline,
    )) as RangeAnswer;
    revision ??= Number(answer.header.revision);
    const { kvs = [] } = answer;
    for (const { key, value = '' } of kvs) {
      const what = stateKey(key);
      if (what.kind === 'floor') floor = counterOf(value);
      else if (what.kind === 'length') lengths.add(what.length);
      else if (what.kind === 'mn') {
        const registration = registrationOf(what.mnId, value);
        if (registration === undefined) throw new Error(`"${decode(key)}" in etcd is no registration`);
        registrations.push(registration);
      }
    }
    const last = kvs.at(-1);
    more = answer.more === true && last !== undefined;
    // The next key after a key is that key and a zero octet.
    if (last !== undefined) range = { ...range, key: encode(`${decode(last.key)}\0`) };
  }
  return { revision: revision ?? 0, registrations, floor, lengths };
}

/** Of the value of `floor`. */
export function counterOf(base64: string): number {
  return parseInt(decode(base64), 16);
}
