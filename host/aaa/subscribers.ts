import { parseMac } from '../wire/address.ts';

/** An MN-ID, or a pattern of them with one "*", and whether such MNs may attach. */
export interface Subscriber {
  readonly mnId: string;
  readonly allowed: boolean;
}

/**
 * One spelling for one MN: a MAC (colons, hyphens, dots or bare) in the user part becomes 12 hexadecimal digits,
 * and the realm, which is a domain name, lower case.
 */
export function canonicalMnId(text: string): string {
  const at = text.lastIndexOf('@');
  const user = at < 0 ? text : text.slice(0, at);
  const realm = at < 0 ? '' : text.slice(at).toLowerCase();
  return (macDigits(user) ?? user) + realm;
}

function macDigits(user: string): string | undefined {
  if (/^[0-9a-f]{4}(\.?[0-9a-f]{4}){2}$/i.test(user)) return user.replaceAll('.', '').toLowerCase();
  return parseMac(user)?.replaceAll(':', '');
}

/** A pattern for the beginning of MACs is written like one: "02:00:5e:*@example.org". */
function canonicalPattern(text: string): string {
  const star = text.indexOf('*');
  const head = text.slice(0, star);
  const tail = text.slice(star).toLowerCase();
  return (
    (/^([0-9a-f]{2}[:-])*([0-9a-f]{2})?$/i.test(head) ? head.replaceAll(/[:-]/g, '').toLowerCase() : head) +
    tail
  );
}

/** What the AAA server knows of its users. */
export interface Profiles {
  /** The subscriber of a canonical MN-ID; undefined for an unknown user. */
  find(mnId: string): Subscriber | undefined;
}

/** A list of users, by MN-ID and by pattern. */
export class Subscribers implements Profiles {
  readonly #exact = new Map<string, Subscriber>();
  /** The longest pattern first: the most specific one decides. */
  readonly #patterns: { readonly head: string; readonly tail: string; readonly subscriber: Subscriber }[] =
    [];

  constructor(subscribers: readonly Subscriber[]) {
    for (const subscriber of subscribers) {
      if (!subscriber.mnId.includes('*')) {
        this.#exact.set(canonicalMnId(subscriber.mnId), subscriber);
        continue;
      }
      const [head, tail] = canonicalPattern(subscriber.mnId).split('*', 2) as [string, string];
      this.#patterns.push({ head, tail, subscriber });
    }
    this.#patterns.sort((a, b) => b.head.length + b.tail.length - a.head.length - a.tail.length);
  }

  find(mnId: string): Subscriber | undefined {
    const exact = this.#exact.get(mnId);
    if (exact !== undefined) return exact;
    return this.#patterns.find(
      ({ head, tail }) =>
        mnId.length >= head.length + tail.length && mnId.startsWith(head) && mnId.endsWith(tail),
    )?.subscriber;
  }
}
