import { avp } from '../../../host/wire/diameter/avp.ts';
import type { Avp } from '../../../host/wire/diameter/avp.ts';
import { Dictionary } from '../../../host/wire/diameter/dictionary.ts';
import { APPLICATION, COMMAND, VALUE } from '../../../host/wire/diameter/generated.ts';
import { makeRequest } from '../../../host/wire/diameter/message.ts';
import type { Message } from '../../../host/wire/diameter/message.ts';

export const dictionary = new Dictionary();

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** The AVPs of a complete AAR. */
export const REQUEST: readonly Avp[] = [
  avp('Session-Id', 'maar1.example.org;1;2'),
  avp('Auth-Application-Id', APPLICATION.NASREQ),
  avp('Origin-Host', 'maar1.example.org'),
  avp('Origin-Realm', 'example.org'),
  avp('Destination-Realm', 'example.org'),
  avp('Auth-Request-Type', VALUE.AUTH_REQUEST_TYPE_AUTHORIZE_ONLY),
  avp('User-Name', '020000000001@example.org'),
  avp('MIP6-Agent-Info', [avp('MIP-Home-Agent-Address', '2001:db8::1')]),
];

/** A complete AAR, with more AVPs at its end. */
export function request(more: readonly Avp[] = []): Message {
  return makeRequest(COMMAND.AAR, 7, [...REQUEST, ...more]);
}
