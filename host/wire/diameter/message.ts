import { avp, decodeAvps, emptyAvp, encodeAvps, get } from './avp.ts';
import type { Avp, DiameterFault } from './avp.ts';
import { commandName, commandRow } from './dictionary.ts';
import type { Dictionary, Rule } from './dictionary.ts';
import { APPLICATION, ERROR_RULES, RESULT } from './generated.ts';

/** RFC 6733 section 3, without what follows from the rest. */
export interface Header {
  readonly request: boolean;
  readonly proxiable: boolean;
  readonly error: boolean;
  /** The T flag: this request may have been sent before. */
  readonly retransmitted: boolean;
  readonly command: number;
  readonly application: number;
  readonly hopByHop: number;
  readonly endToEnd: number;
}

export interface Message extends Header {
  readonly avps: readonly Avp[];
}

export const VERSION = 1;
export const HEADER_LENGTH = 20;
/** Longest message that is accepted: the largest command here takes some hundred octets, relays add a few AVPs. */
export const MAX_MESSAGE = 65_536;

const FLAG_REQUEST = 0x80;
const FLAG_PROXIABLE = 0x40;
const FLAG_ERROR = 0x20;
const FLAG_RETRANSMITTED = 0x10;

/** "AAR", "DWA" ... for logs. */
export function messageName(message: Header): string {
  return commandName(message.command, message.request);
}

/** Encodes a message; throws a RangeError for a value that its AVP cannot hold, a mistake of the caller. */
export function encodeMessage(message: Message, dictionary: Dictionary): Uint8Array {
  const body = encodeAvps(message.avps, dictionary);
  const out = new Uint8Array(HEADER_LENGTH + body.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, out.length);
  view.setUint8(0, VERSION);
  view.setUint32(4, message.command);
  view.setUint8(
    4,
    (message.request ? FLAG_REQUEST : 0) |
      (message.proxiable ? FLAG_PROXIABLE : 0) |
      (message.error ? FLAG_ERROR : 0) |
      (message.retransmitted ? FLAG_RETRANSMITTED : 0),
  );
  view.setUint32(8, message.application);
  view.setUint32(12, message.hopByHop);
  view.setUint32(16, message.endToEnd);
  out.set(body, HEADER_LENGTH);
  return out;
}

export type DecodedMessage =
  | { readonly ok: true; readonly message: Message }
  /** `message` is the header with what was decoded before the fault, enough to answer; absent if even that is broken. */
  | { readonly ok: false; readonly fault: DiameterFault; readonly message?: Message };

/** Decodes one whole message as the framer cuts it. Never throws. */
export function decodeMessage(data: Uint8Array, dictionary: Dictionary): DecodedMessage {
  if (data.length < HEADER_LENGTH) {
    return {
      ok: false,
      fault: { code: RESULT.INVALID_MESSAGE_LENGTH, text: `${data.length} octets are less than a header` },
    };
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const flags = view.getUint8(4);
  const header: Header = {
    request: (flags & FLAG_REQUEST) !== 0,
    proxiable: (flags & FLAG_PROXIABLE) !== 0,
    error: (flags & FLAG_ERROR) !== 0,
    retransmitted: (flags & FLAG_RETRANSMITTED) !== 0,
    command: view.getUint32(4) & 0xffffff,
    application: view.getUint32(8),
    hopByHop: view.getUint32(12),
    endToEnd: view.getUint32(16),
  };
  const wrong = (fault: DiameterFault): DecodedMessage => ({
    ok: false,
    fault,
    message: { ...header, avps: [] },
  });
  if (view.getUint8(0) !== VERSION) {
    return wrong({ code: RESULT.UNSUPPORTED_VERSION, text: `version ${view.getUint8(0)}` });
  }
  const length = view.getUint32(0) & 0xffffff;
  if (length !== data.length || length % 4 !== 0) {
    return wrong({
      code: RESULT.INVALID_MESSAGE_LENGTH,
      text: `length ${length} of a message of ${data.length} octets`,
    });
  }
  // Section 3: E never in a request, T never in an answer. The four reserved bits are ignored.
  if (header.request ? header.error : header.retransmitted) {
    return wrong({ code: RESULT.INVALID_HDR_BITS, text: `flags 0x${flags.toString(16)}` });
  }
  const { avps, fault } = decodeAvps(data.subarray(HEADER_LENGTH), dictionary);
  const message: Message = { ...header, avps };
  return fault === undefined ? { ok: true, message } : { ok: false, fault, message };
}

/**
 * Checks a message against the grammar of its command: which command and application we serve, which AVPs
 * must occur and how often. Returns the fault with the Result-Code of RFC 6733 section 7.1, or undefined.
 */
export function checkMessage(message: Message, dictionary: Dictionary): DiameterFault | undefined {
  const row = commandRow(message.command);
  if (row === undefined) {
    return { code: RESULT.COMMAND_UNSUPPORTED, text: `command ${message.command} is not supported` };
  }
  if (message.application !== row.application) {
    return {
      code: RESULT.APPLICATION_UNSUPPORTED,
      text: `${messageName(message)} of application ${message.application}, not ${row.application}`,
    };
  }
  if (message.request && message.proxiable !== row.proxiable) {
    return {
      code: RESULT.INVALID_HDR_BITS,
      text: `${row.request} with P bit ${message.proxiable ? 'set' : 'clear'}`,
    };
  }
  if (message.error) return occurrences(message.avps, ERROR_RULES, dictionary);
  return occurrences(message.avps, message.request ? row.requestRules : row.answerRules, dictionary);
}

function occurrences(
  avps: readonly Avp[],
  rules: readonly Rule[],
  dictionary: Dictionary,
): DiameterFault | undefined {
  for (const { avp: name, least, most } of rules) {
    const found = avps.filter((each) => each.name === name);
    if (found.length < least) {
      return {
        code: RESULT.MISSING_AVP,
        text: `${name} is missing`,
        failed: emptyAvp(name, dictionary),
      };
    }
    // Section 7.1.5: Failed-AVP shows the first one too many.
    if (found.length > most) {
      return {
        code: RESULT.AVP_OCCURS_TOO_MANY_TIMES,
        text: `${name} occurs ${found.length} times`,
        failed: found[most]!,
      };
    }
  }
  return undefined;
}

/** Who we are, in every message. */
export interface Identity {
  readonly originHost: string;
  readonly originRealm: string;
}

export function origin(identity: Identity): Avp[] {
  return [avp('Origin-Host', identity.originHost), avp('Origin-Realm', identity.originRealm)];
}

/**
 * The answer to a request, RFC 6733 section 6.2: same identifiers, Session-Id first, Proxy-Info returned in order;
 * the E bit goes with the protocol errors, Result-Code 3xxx.
 */
export function answerTo(
  request: Message,
  identity: Identity,
  code: number,
  content: readonly Avp[] = [],
): Message {
  const sessionId = get(request.avps, 'Session-Id');
  return {
    ...request,
    request: false,
    error: code >= 3000 && code < 4000,
    retransmitted: false,
    avps: [
      ...(sessionId === undefined ? [] : [avp('Session-Id', sessionId)]),
      avp('Result-Code', code),
      ...origin(identity),
      ...content,
      ...request.avps.filter((each) => each.name === 'Proxy-Info'),
    ],
  };
}

/**
 * The answer that reports a fault in the request, with Error-Message and Failed-AVP. It has the E bit for permanent
 * failures too, as section 7.1.5 allows: what the grammar of the command wants may not be at hand.
 */
export function faultAnswer(request: Message, identity: Identity, fault: DiameterFault): Message {
  const content: Avp[] = [avp('Error-Message', fault.text)];
  if (fault.failed !== undefined) content.push(avp('Failed-AVP', [fault.failed]));
  return { ...answerTo(request, identity, fault.code, content), error: true };
}

/** A request of one of our commands. The identifiers are set by whoever sends it. */
export function makeRequest(command: number, endToEnd: number, avps: readonly Avp[]): Message {
  const row = commandRow(command);
  return {
    request: true,
    proxiable: row?.proxiable ?? false,
    error: false,
    retransmitted: false,
    command,
    application: row?.application ?? APPLICATION.BASE,
    hopByHop: 0,
    endToEnd,
    avps,
  };
}
