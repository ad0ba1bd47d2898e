import { EXPERIMENT, EXPERIMENT_AT, QUERY_REGISTER } from '../../functions/lm/messages/constants.ts';
import { MH_TYPES } from '../../wire/mobility/registry.ts';

/** Exchanges of docs/lm-messages.md: a request, and the answer that each has. `counter` is a query for a new registration. */
export const EXCHANGES = ['query', 'counter', 'update', 'push', 'redirect', 'pool'] as const;
export type Exchange = (typeof EXCHANGES)[number];
/** Whether a MAAR is one of the two ends. */
export type Span = 'maar' | 'servers';

export type Counts = Record<`${Span}-${Exchange}`, number>;

const BY_TYPE: Readonly<Partial<Record<string, Exchange>>> = { BU: 'update', UPN: 'push', LRI: 'redirect' };
/** Of a Mobility Header, RFC 6275 section 6.1.1. */
const TYPE = 2;

/** Counts the messages that are sent, by their octets. */
export class Tally {
  #messages = 0;
  #octets = 0;
  readonly #counts = Object.fromEntries(
    (['maar', 'servers'] as const).flatMap((span) => EXCHANGES.map((exchange) => [`${span}-${exchange}`, 0])),
  ) as Counts;

  count(data: Uint8Array, span: Span): void {
    this.#messages++;
    this.#octets += data.length;
    const exchange = exchangeOf(data);
    if (exchange !== undefined) this.#counts[`${span}-${exchange}`]++;
  }

  /** Requests by kind so far, and the octets of all messages without IPv6 headers. */
  take(): { readonly exchanges: Counts; readonly messages: number; readonly octets: number } {
    return { exchanges: { ...this.#counts }, messages: this.#messages, octets: this.#octets };
  }
}

/** Undefined: an answer. */
function exchangeOf(data: Uint8Array): Exchange | undefined {
  const kind = MH_TYPES.find((row) => row.number === data[TYPE])?.kind;
  if (kind !== 'EXP') return kind === undefined ? undefined : BY_TYPE[kind];
  switch (data[EXPERIMENT_AT.code]) {
    case EXPERIMENT.PBQ:
      return (data[EXPERIMENT_AT.flags]! & QUERY_REGISTER) === 0 ? 'query' : 'counter';
    case EXPERIMENT.LPJ:
      return 'pool';
    default:
      return undefined;
  }
}
