/**
 * Enterprise number of the Vendor Specific options: the one that RFC 5612 sets aside for examples.
 * A domain whose operator owns a number configures that instead.
 */
export const DEFAULT_ENTERPRISE = 32473;

/** Subtypes of our Vendor Specific options; docs/messages.md has the layouts. */
export const VENDOR_SUBTYPE = {
  registrationCounter: 1,
  homeLifetime: 2,
  correspondentCounter: 3,
  part: 4,
  role: 5,
} as const;

/** Value of the role option: the E bit of the draft where flags have no room for it. */
export const ROLE = { s: 0, d: 1 } as const;

/** Status codes that DBAs carry. The numbers are IANA's; where the meaning is narrowed, this is ours. */
export const STATUS = {
  /** The update was carried out. */
  accepted: 0,
  unspecified: 128,
  /** The MN is still attached here: it answered a probe. */
  stillHere: 129,
  /** No room for another binding. */
  resources: 130,
  /** No binding of this MN, or of these home addresses. */
  noBinding: 133,
  /** The sequence number of the DBA is the last one accepted. */
  sequence: 135,
  /** The MN, or the correspondent that a dDBU is for, has moved on: Serving MAAR names where to. */
  moved: 153,
  /** The sender is no MAAR of this domain, or not the one in charge. */
  unauthorised: 154,
  /** The timestamp is too far from this clock. */
  timestamp: 156,
  /** A higher registration counter of this MN has been seen. */
  counter: 157,
  /** The update names no MN. */
  missingMnId: 160,
} as const;

/**
 * Home addresses and correspondents together that one DBU or dDBA may name. With the longest MN-ID the IPv6 packet
 * then stays within 1,280 octets: 24 octets each, and 339 for all else.
 */
export const PREFIXES_PER_MESSAGE = 36;

/** Parts of one sDBA; at 17 correspondents a part this is room for a thousand. */
export const MAX_PARTS = 64;
