import type { Address } from '../../../bindings/entries.ts';
import { addressBytes } from '../../wire/address.ts';
import { fillChecksum } from '../../wire/checksum.ts';
import { NEXT_HEADER } from '../../wire/ipv6.ts';
import { emitMobility, parseMobility } from '../../wire/mobility/message.ts';
import type { MobilityOption } from '../../wire/mobility/options.ts';
import { LM_STATUS } from './messages/constants.ts';
import { toMobility } from './messages/emit.ts';
import { isAnswer } from './messages/message.ts';
import type { LocationAnswer, LocationMessage, LocationRequest } from './messages/message.ts';
import { parseLocation } from './messages/parse.ts';

/** Keyed hash of one association: HMAC-SHA-256, 32 octets. Comes from outside, since the core has no cryptography. */
export type Hmac = (data: Uint8Array) => Uint8Array;

/** What two nodes share. */
export interface Key {
  /** Names the key; 0 to 255 are reserved (RFC 4285 section 5). */
  readonly spi: number;
  readonly hmac: Hmac;
}

export interface AssociationSettings {
  readonly self: Address;
  readonly peer: Address;
  /** Undefined where IPsec protects the packets instead. */
  readonly key: Key | undefined;
  /** How far the two clocks may be apart, in milliseconds. */
  readonly window: number;
  /** Requests stamped earlier are refused: what was seen before a restart is forgotten. */
  readonly since: number;
}

/** Why a message changes nothing; names of counters. */
export type Refusal =
  | 'malformed'
  | 'other-message'
  | 'unauthenticated'
  /** Its timestamp is too far from this clock; a request of this kind is answered with status 156. */
  | 'out-of-time'
  /** Seen before. */
  | 'replayed'
  /** An answer to nothing that was asked. */
  | 'unasked';

export type Opened =
  | {
      readonly ok: true;
      readonly message: LocationMessage;
      /** Milliseconds since the request that an answer is to was sent; 0 for a request. */
      readonly age: number;
    }
  | { readonly ok: false; readonly why: Refusal; readonly message?: LocationMessage };

/** RFC 4285 section 5.1: between a mobile node and its home agent, whose places client and server take. */
const MN_HA = 1;
/** HMAC-SHA-256 is cut to 128 bits, as RFC 4868 section 2.3 does. */
const AUTHENTICATOR = 16;
/** Type, length, subtype, SPI and authenticator: the last octets of every header that is authenticated. */
const OPTION_OCTETS = 2 + 1 + 4 + AUTHENTICATOR;
const CHECKSUM = 4;
/** Requests remembered at once; a peer that sends more within two windows has to wait. */
const MAX_SEEN = 65_536;

/** Signs what goes to one peer, and tells of what comes from it whether it is the peer's, and new. */
export class Association {
  readonly #settings: AssociationSettings;
  /** When each request of the last two windows came, by timestamp, kind and sequence number; in order of coming. */
  readonly #seen = new Map<string, number>();
  /** Timestamps of requests sent, and when that was by this clock, by sequence number. */
  readonly #asked = new Map<number, { readonly timestamp: number; readonly at: number }>();
  /**
   * What to add to this clock for the peer to take it for its own. Only for what is sent: were requests of the peer measured by
   * it too, two nodes that correct each other at the same time would refuse each other for ever.
   */
  #offset = 0;

  constructor(settings: AssociationSettings) {
    this.#settings = settings;
  }

  /** The octets of a request, stamped and signed. */
  request(message: Omit<LocationRequest, 'timestamp'>, now: number): Uint8Array {
    const timestamp = Math.floor(now + this.#offset);
    this.#asked.set(message.sequence, { timestamp, at: now });
    return this.#sign({ ...message, timestamp } as LocationRequest);
  }

  /** The octets of an answer, signed; its timestamp is the request's (RFC 5213 section 5.5). */
  answer(message: LocationAnswer): Uint8Array {
    return this.#sign(message);
  }

  /** Reads a Mobility Header that came from the peer. What is not `ok` must change nothing. */
  open(data: Uint8Array, now: number): Opened {
    const { self, peer, key } = this.#settings;
    const mobility = parseMobility(data, peer, self);
    if (!mobility.ok) return { ok: false, why: 'malformed' };
    if (key !== undefined && !this.#isSigned(data, key)) return { ok: false, why: 'unauthenticated' };
    const result = parseLocation(mobility.value);
    if (result === 'other') return { ok: false, why: 'other-message' };
    if (!result.ok) return { ok: false, why: 'malformed' };
    const message = result.value;
    const age = isAnswer(message) ? now - (this.#asked.get(message.sequence)?.at ?? now) : 0;
    const why = isAnswer(message) ? this.#answerFault(message, now) : this.#requestFault(message, now);
    return why === undefined ? { ok: true, message, age } : { ok: false, why, message };
  }

  #sign(message: LocationMessage): Uint8Array {
    const { self, peer, key } = this.#settings;
    if (key === undefined) return emitMobility(toMobility(message), self, peer);
    const authenticator = new Uint8Array(AUTHENTICATOR);
    const option: MobilityOption = { kind: 'authentication', subtype: MN_HA, spi: key.spi, authenticator };
    const data = emitMobility(toMobility(message, [option]), self, peer);
    data.set(authenticate(data, self, peer, key.hmac), data.length - AUTHENTICATOR);
    fillChecksum(data, CHECKSUM, self, peer, NEXT_HEADER.mobility);
    return data;
  }

  #isSigned(data: Uint8Array, { spi, hmac }: Key): boolean {
    const at = data.length - OPTION_OCTETS;
    if (at < 0) return false;
    const view = new DataView(data.buffer, data.byteOffset + at, OPTION_OCTETS);
    const header = [9, OPTION_OCTETS - 2, MN_HA];
    if (header.some((octet, index) => view.getUint8(index) !== octet) || view.getUint32(3) !== spi)
      return false;
    const expected = authenticate(data, this.#settings.peer, this.#settings.self, hmac);
    // Every octet is compared, so that the time taken tells a forger nothing.
    let difference = 0;
    expected.forEach(
      (octet, index) => (difference |= octet ^ data[at + OPTION_OCTETS - AUTHENTICATOR + index]!),
    );
    return difference === 0;
  }

  #requestFault(message: LocationRequest, now: number): Refusal | undefined {
    const { window, since } = this.#settings;
    const { timestamp } = message;
    if (Math.abs(timestamp - now) > window || timestamp < since) return 'out-of-time';
    // Older ones could not pass the check above any more, whatever their timestamp was.
    for (const [key, came] of this.#seen) {
      if (came + 2 * window >= now) break;
      this.#seen.delete(key);
    }
    const key = `${timestamp} ${message.kind} ${message.sequence}`;
    if (this.#seen.has(key) || this.#seen.size >= MAX_SEEN) return 'replayed';
    this.#seen.set(key, now);
    return undefined;
  }

  #answerFault(message: LocationAnswer, now: number): Refusal | undefined {
    const asked = this.#asked.get(message.sequence);
    if (message.timestamp !== asked?.timestamp) return 'unasked';
    if (message.status === LM_STATUS.timestamp && message.clock !== undefined)
      this.#offset = message.clock - now;
    this.#asked.delete(message.sequence);
    return undefined;
  }
}

/**
 * First 128 bits of the keyed hash over source, destination and the header up to and including the SPI, its checksum
 * taken as zero (RFC 4285 section 5.1, where the care-of and home address stand in place of source and destination).
 */
function authenticate(data: Uint8Array, src: Address, dst: Address, hmac: Hmac): Uint8Array {
  const covered = Uint8Array.of(
    ...addressBytes(src),
    ...addressBytes(dst),
    ...data.subarray(0, data.length - AUTHENTICATOR),
  );
  covered.fill(0, 2 * 16 + CHECKSUM, 2 * 16 + CHECKSUM + 2);
  return hmac(covered).subarray(0, AUTHENTICATOR);
}
