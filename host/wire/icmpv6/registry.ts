/** ICMPv6 types that are parsed and emitted here, by the names that messages carry. */
export const ICMPV6_TYPE = {
  'destination-unreachable': 1,
  'packet-too-big': 2,
  'time-exceeded': 3,
  'parameter-problem': 4,
  'echo-request': 128,
  'echo-reply': 129,
  'mld1-report': 131,
  'mld1-done': 132,
  RS: 133,
  RA: 134,
  NS: 135,
  NA: 136,
  'mld2-report': 143,
} as const;

export type Icmpv6Kind = keyof typeof ICMPV6_TYPE;

const KIND_OF = new Map<number, Icmpv6Kind>(
  Object.entries(ICMPV6_TYPE).map(([kind, type]) => [type, kind as Icmpv6Kind]),
);

export function icmpv6Kind(type: number): Icmpv6Kind | undefined {
  return KIND_OF.get(type);
}

/** Codes of Parameter Problem, RFC 4443 section 3.4. */
export const PARAMETER_PROBLEM = { erroneousField: 0, unknownNextHeader: 1, unknownOption: 2 } as const;

/** Neighbour discovery options: RFC 4861 section 4.6; 253 is for experiments, RFC 4727 section 5.1. */
export const ND_OPTION = {
  'source-link-layer': 1,
  'target-link-layer': 2,
  'prefix-information': 3,
  mtu: 5,
  'address-list': 253,
} as const;

/**
 * First field of our experimental option, so that it is not taken for somebody else's experiment with type 253:
 * the private enterprise number that RFC 5612 sets aside for examples.
 */
export const ADDRESS_LIST_ENTERPRISE = 32473;

/** Demanded of every neighbour discovery packet: it has crossed no router, RFC 4861 section 3.1. */
export const ND_HOP_LIMIT = 255;
/** RFC 3810 section 5. */
export const MLD_HOP_LIMIT = 1;
