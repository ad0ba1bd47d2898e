import { get } from '../wire/diameter/avp.ts';
import type { DiameterFault } from '../wire/diameter/avp.ts';
import { COMMAND, RESULT } from '../wire/diameter/generated.ts';
import type { Message } from '../wire/diameter/message.ts';

/** Previous-MAAR of an MN that no MAAR serves [draft section 3.1]. */
export const FIRST_ATTACHMENT = '::';

/** What an answer from the AAA server means to its client. */
export type Verdict =
  | { readonly type: 'registered'; readonly previous: string; readonly counter: number }
  | { readonly type: 'ended' }
  /** The server, or a relay on the way, cannot serve it now. */
  | { readonly type: 'retry' }
  | { readonly type: 'refused'; readonly code: number; readonly reason: string };

/** Protocol errors that another server, or the same one later, may not have; all of 4xxx are transient as well. */
const PASSING: ReadonlySet<number> = new Set([
  RESULT.UNABLE_TO_DELIVER,
  RESULT.REALM_NOT_SERVED,
  RESULT.TOO_BUSY,
]);

const NAMES = new Map<number, string>(Object.entries(RESULT).map(([name, code]) => [code, name]));

/** "USER_UNKNOWN (5030)" for logs and errors. */
export function resultName(code: number): string {
  return `${NAMES.get(code) ?? 'Result-Code'} (${code})`;
}

/** Reads an answer to AAR or STR; `fault` is what our own check of it found. */
export function verdictOf(answer: Message, fault: DiameterFault | undefined): Verdict {
  if (fault !== undefined) {
    return { type: 'refused', code: fault.code, reason: `the answer is malformed: ${fault.text}` };
  }
  const code = get(answer.avps, 'Result-Code') ?? RESULT.UNABLE_TO_COMPLY;
  if (PASSING.has(code) || (code >= 4000 && code < 5000)) return { type: 'retry' };
  if (code !== RESULT.SUCCESS) {
    const text = get(answer.avps, 'Error-Message');
    const from = get(answer.avps, 'Origin-Host') ?? 'the AAA server';
    return {
      type: 'refused',
      code,
      reason: `${resultName(code)} from ${from}${text === undefined ? '' : `: ${text}`}`,
    };
  }
  if (answer.command !== COMMAND.AAR) return { type: 'ended' };
  const previous = get(answer.avps, 'Previous-MAAR');
  const counter = get(answer.avps, 'Registration-Counter');
  if (previous === undefined || counter === undefined) {
    return {
      type: 'refused',
      code: RESULT.MISSING_AVP,
      reason:
        'the answer lacks Previous-MAAR or Registration-Counter: is the Vendor-Id the same on both sides?',
    };
  }
  return { type: 'registered', previous, counter };
}
