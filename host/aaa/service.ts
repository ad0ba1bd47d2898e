import type { TraceEffect } from '../core/machine.ts';
import { avp, emptyAvp, get, getAll } from '../wire/diameter/avp.ts';
import type { Avp } from '../wire/diameter/avp.ts';
import type { Dictionary } from '../wire/diameter/dictionary.ts';
import { APPLICATION, COMMAND, RESULT, VALUE } from '../wire/diameter/generated.ts';
import type { Identity, Message } from '../wire/diameter/message.ts';
import type { Reply } from './duplicates.ts';
import { register, release } from './registrations.ts';
import type { Store } from './store.ts';
import { canonicalMnId } from './subscribers.ts';
import type { Profiles } from './subscribers.ts';

/** A Diameter node that may talk to the server. */
export interface AllowedPeer {
  /** Its Origin-Host. */
  readonly host: string;
  /** A relay may bring requests of others; a MAAR may register MNs, at its own address if that is given. */
  readonly role: 'maar' | 'relay';
  readonly address?: string;
}

/** What the AAA server decides with. */
export interface ServiceOptions {
  readonly identity: Identity;
  readonly dictionary: Dictionary;
  readonly peers: readonly AllowedPeer[];
  readonly subscribers: Profiles;
  readonly store: Store;
  /** How long a registration outlives its STR, in milliseconds. */
  readonly hold: number;
}

export interface Served {
  readonly reply: Reply;
  readonly trace?: TraceEffect;
}

/** The application on top of the peers: what to answer to AAR and STR. It holds no state but the store's. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #peers: ReadonlyMap<string, AllowedPeer>;

  constructor(options: ServiceOptions) {
    this.#options = options;
    // DiameterIdentity is compared as a domain name, without regard to case.
    this.#peers = new Map(options.peers.map((peer) => [peer.host.toLowerCase(), peer]));
  }

  peer(host: string): AllowedPeer | undefined {
    return this.#peers.get(host.toLowerCase());
  }

  /** Serves a well-formed request that came over the connection to `from`. */
  serve(request: Message, from: Identity, now: number): Served {
    const misrouted = this.#misrouted(request, from);
    if (misrouted !== undefined) return misrouted;
    switch (request.command) {
      case COMMAND.AAR:
        return this.#authorize(request, now);
      case COMMAND.STR:
        return this.#terminate(request, now);
      default:
        return refuse(RESULT.COMMAND_UNSUPPORTED, 'a request for access devices');
    }
  }

  #misrouted(request: Message, from: Identity): Served | undefined {
    const { identity } = this.#options;
    const { avps } = request;
    const host = get(avps, 'Destination-Host');
    if (host !== undefined && !sameName(host, identity.originHost)) {
      return refuse(RESULT.UNABLE_TO_DELIVER, `Destination-Host ${host} is not reached through this server`);
    }
    const realm = get(avps, 'Destination-Realm') ?? '';
    if (!sameName(realm, identity.originRealm)) {
      return refuse(RESULT.REALM_NOT_SERVED, `realm ${realm} is not served here`);
    }
    if (getAll(avps, 'Route-Record').some((hop) => sameName(hop, identity.originHost))) {
      return refuse(RESULT.LOOP_DETECTED, 'this server is in Route-Record');
    }
    const source = get(avps, 'Origin-Host') ?? '';
    if (!sameName(source, from.originHost) && this.peer(from.originHost)?.role !== 'relay') {
      return refuse(RESULT.AUTHORIZATION_REJECTED, `${from.originHost} may not relay for ${source}`);
    }
    return undefined;
  }

  #authorize(request: Message, now: number): Served {
    const { store, subscribers, hold, dictionary } = this.#options;
    const { avps } = request;
    const host = get(avps, 'Origin-Host') ?? '';
    const sessionId = get(avps, 'Session-Id') ?? '';
    const type = get(avps, 'Auth-Request-Type') ?? VALUE.AUTH_REQUEST_TYPE_AUTHORIZE_ONLY;
    const echo = [avp('Auth-Application-Id', APPLICATION.NASREQ), avp('Auth-Request-Type', type)];
    const no = (code: number, text: string, failed?: Avp): Served => {
      const content = [...echo, avp('Error-Message', text)];
      if (failed !== undefined) content.push(avp('Failed-AVP', [failed]));
      return refusal(code, content, { sessionId, host, reason: text });
    };
    if (type !== VALUE.AUTH_REQUEST_TYPE_AUTHORIZE_ONLY) {
      return no(RESULT.INVALID_AVP_VALUE, 'only AUTHORIZE_ONLY is served', avp('Auth-Request-Type', type));
    }
    const userName = get(avps, 'User-Name');
    if (userName === undefined) {
      return no(RESULT.MISSING_AVP, 'User-Name is missing', emptyAvp('User-Name', dictionary));
    }
    const agent = get(avps, 'MIP6-Agent-Info');
    const maar = agent === undefined ? undefined : get(agent, 'MIP-Home-Agent-Address');
    if (maar === undefined) {
      const missing = agent === undefined ? 'MIP6-Agent-Info' : 'MIP-Home-Agent-Address';
      return no(RESULT.MISSING_AVP, `${missing} is missing`, emptyAvp(missing, dictionary));
    }
    const entry = this.peer(host);
    if (entry?.role !== 'maar') return no(RESULT.AUTHORIZATION_REJECTED, `${host} is no MAAR of this domain`);
    if (!maar.includes(':') || (entry.address !== undefined && entry.address !== maar)) {
      return no(RESULT.AUTHORIZATION_REJECTED, `${host} may not register MNs at ${maar}`);
    }
    const mnId = canonicalMnId(userName);
    const subscriber = subscribers.find(mnId);
    if (subscriber === undefined) return no(RESULT.USER_UNKNOWN, `${mnId} is not a subscriber`);
    if (!subscriber.allowed) return no(RESULT.AUTHORIZATION_REJECTED, `${mnId} may not attach`);
    const registered = register(store, { sessionId, mnId, maar, host }, now, hold);
    if (!registered.ok) {
      return no(
        RESULT.INVALID_AVP_VALUE,
        'the Session-Id belongs to another registration',
        avp('Session-Id', sessionId),
      );
    }
    const { record, repeated } = registered;
    return {
      reply: {
        code: RESULT.SUCCESS,
        content: [
          ...echo,
          avp('User-Name', userName),
          avp('Previous-MAAR', record.previous),
          avp('Registration-Counter', record.counter),
        ],
      },
      trace: {
        type: 'trace',
        what: 'register',
        detail: { mnId, maar, previous: record.previous, counter: record.counter, sessionId, repeated },
      },
    };
  }

  #terminate(request: Message, now: number): Served {
    const host = get(request.avps, 'Origin-Host') ?? '';
    const sessionId = get(request.avps, 'Session-Id') ?? '';
    if (!release(this.#options.store, sessionId, host, now)) {
      return refuse(RESULT.UNKNOWN_SESSION_ID, 'no such session of this MAAR');
    }
    return {
      reply: { code: RESULT.SUCCESS, content: [] },
      trace: { type: 'trace', what: 'release', detail: { sessionId, host } },
    };
  }
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function refuse(code: number, text: string): Served {
  return refusal(code, [avp('Error-Message', text)], { reason: text });
}

function refusal(code: number, content: readonly Avp[], detail: Readonly<Record<string, unknown>>): Served {
  return { reply: { code, content }, trace: { type: 'trace', what: 'refuse', detail: { code, ...detail } } };
}
