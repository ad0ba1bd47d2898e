import { avp, get, getAll } from '../wire/diameter/avp.ts';
import type { Avp } from '../wire/diameter/avp.ts';
import type { Dictionary } from '../wire/diameter/dictionary.ts';
import { APPLICATION, RESULT } from '../wire/diameter/generated.ts';
import { origin } from '../wire/diameter/message.ts';
import type { Identity } from '../wire/diameter/message.ts';

/** A Diameter node as its peers see it. */
export interface LocalNode {
  readonly identity: Identity;
  /** Host-IP-Address of the capabilities exchange. */
  readonly address: string;
  readonly dictionary: Dictionary;
  /** Grows with every start of a node that loses its sessions then, RFC 6733 section 8.16. */
  readonly originStateId: number;
}

/** Inband-Security-Id: no TLS negotiated inside the connection. */
const NO_INBAND_SECURITY = 0;

/** The AVPs of CER, and of CEA after its Result-Code. */
export function capabilities(node: LocalNode): Avp[] {
  return [
    avp('Host-IP-Address', node.address),
    avp('Vendor-Id', node.dictionary.vendorId),
    avp('Product-Name', 'maar'),
    avp('Origin-State-Id', node.originStateId),
    avp('Supported-Vendor-Id', node.dictionary.vendorId),
    avp('Auth-Application-Id', APPLICATION.NASREQ),
    avp('Firmware-Revision', 1),
  ];
}

/** The AVPs that every request to a peer carries, DWR for instance. */
export function announce(node: LocalNode): Avp[] {
  return [...origin(node.identity), avp('Origin-State-Id', node.originStateId)];
}

/** Result-Code for the peer's capabilities: SUCCESS, or why nothing can be done together (RFC 6733 section 5.3). */
export function judgeCapabilities(avps: readonly Avp[]): number {
  const groups = getAll(avps, 'Vendor-Specific-Application-Id');
  const applications = [avps, ...groups].flatMap((list) => getAll(list, 'Auth-Application-Id'));
  const common = applications.some((id) => id === APPLICATION.NASREQ || id === APPLICATION.RELAY);
  if (!common) return RESULT.NO_COMMON_APPLICATION;
  const security = getAll(avps, 'Inband-Security-Id');
  if (security.length > 0 && !security.includes(NO_INBAND_SECURITY)) return RESULT.NO_COMMON_SECURITY;
  return RESULT.SUCCESS;
}

export function identityOf(avps: readonly Avp[]): Identity {
  return { originHost: get(avps, 'Origin-Host') ?? '', originRealm: get(avps, 'Origin-Realm') ?? '' };
}
