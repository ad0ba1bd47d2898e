/** Whose formats these are, where a message or option says so: the number for examples, RFC 5612. */
export const ENTERPRISE = 32473;

/** What an Experimental Mobility Header of ours is, by its code (docs/lm-messages.md). */
export const EXPERIMENT = { PBQ: 1, PQA: 2, LPJ: 3, LPA: 4 } as const;

/** Offsets of the fields of an Experimental Mobility Header of ours, from the header's first octet. */
export const EXPERIMENT_AT = {
  sequence: 6,
  enterprise: 8,
  code: 12,
  /** Flags of a request, status of an answer. */
  flags: 13,
  lifetime: 14,
  options: 16,
} as const;

/** R of a Proxy Binding Query: an MN of this identity has come, hand out its next registration counter. */
export const QUERY_REGISTER = 0x80;

/** Subtypes of our Vendor Specific options; those of other parts of the project are below 16. */
export const VENDOR_SUBTYPE = {
  ...{ counter: 16, remaining: 17, ticket: 18, clock: 19 },
  ...{ valid: 20, session: 21 },
} as const;
/** Those whose data is one number. */
export type NumberItem = Exclude<keyof typeof VENDOR_SUBTYPE, 'valid' | 'session'>;

/** Prefixes in one message: with every other option they stay within 1,280 octets. */
export const MAX_PREFIXES = 32;

/** Statuses of answers, numbers and names of the Binding Acknowledgement. */
export const LM_STATUS = {
  accepted: 0,
  unspecified: 128,
  noResources: 130,
  unknown: 133,
  notPrimary: 153,
  notAuthorised: 154,
  prefixOfAnother: 155,
  timestamp: 156,
  superseded: 157,
} as const;

/** The longest lifetime of a Localized Routing message in seconds; 65,535, for ever, is never sent, and taken for this. */
export const MAX_ROUTING_SECONDS = 0xfffe;

/** Codes of the Handover Acknowledge: RFC 5568 section 6.2.1.2, RFC 5949 section 6.1.2. */
export const HACK_STATUS = { accepted: 0, notAccepted: 128, contextUnavailable: 131 } as const;

/** What the Context Request of a Handover Initiate asks for: Home Network Prefix (22) and our options (19). */
export const CONTEXT_WANTED = [22, 19] as const;

/** Of one session in a Handover Acknowledge: offsets in its option's data, and its length. */
export const SESSION_AT = { cn: 0, maar: 16, counter: 32, homes: 40 } as const;
export const SESSION_OCTETS = 44;

/** Statuses of the Localized Routing Acknowledgement. */
export const LRA_STATUS = { success: 0, notAllowed: 128 } as const;

/** Value of the option Handoff Indicator, RFC 5213 section 8.4. */
export const HANDOFF = { newInterface: 1, betweenRouters: 3, unchanged: 5 } as const;
