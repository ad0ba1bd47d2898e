/**
 * What an unmodified Linux host does by default: the figures measured on kernel 6.18 (see docs/simulation.md),
 * and the kernel's defaults for the protocol constants. Milliseconds where nothing else is said.
 */
export const LINUX = {
  /** Carrier regained -> MLD report for the groups of its addresses, which stay. */
  carrierToReport: 15,
  /** After a carrier flap a Solicitation comes late or never; the model draws one of the two, then this range. */
  carrierSolicitChance: 0.5,
  carrierSolicitMin: 4_000,
  carrierSolicitMax: 20_000,
  /** Administratively up -> first DAD probe of the link-local address, so that the Solicitation comes after 2.2 s on average. */
  adminToReady: 700,
  /** Random delay before the first probe of an address, RFC 4862 section 5.4.2. */
  dadDelayMax: 1_000,
  /** RETRANS_TIMER; one probe unanswered for this long makes an address valid. */
  retransTimer: 1_000,
  /** RFC 4861 section 6.3.7. */
  solicitInterval: 4_000,
  solicitCount: 3,
  reachableTime: 30_000,
  delayFirstProbe: 5_000,
  probes: 3,
  /** Packets kept for a neighbour that is being resolved. */
  unresolvedQueue: 100,
  /** Frames kept while the carrier is away. */
  transmitQueue: 1_000,
  hopLimit: 64,
  linkMtu: 1_500,
} as const;
