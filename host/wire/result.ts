/** Every way in which received octets can be wrong, by name. */
export const FAULTS = {
  truncated: 'ends inside a field',
  length: 'a length field contradicts what it measures',
  version: 'IP version is not 6',
  'ether-type': 'frame carries no IPv6 packet',
  'too-many': 'more headers, options or records than the parser accepts',
  checksum: 'checksum does not verify',
  'type-unknown': 'message type is not one that is parsed here',
  'payload-proto': 'Mobility Header is followed by another header',
  'hop-limit': 'hop limit is not the one demanded',
  code: 'code is not 0',
  source: 'source address is not one that may send this',
  destination: 'destination address does not fit the message',
  target: 'target address is multicast',
  flag: 'a flag contradicts the message or its addresses',
  'option-length': 'option has a length that its type does not allow',
  'option-value': 'option carries a value outside its range',
  'option-missing': 'an option without which the message has no meaning is absent',
  'option-repeated': 'an option that may stand once stands twice',
  'option-order': 'option stands before the one that it belongs to',
} as const;

export type FaultReason = keyof typeof FAULTS;

/** What a parser found first. */
export interface Fault {
  readonly reason: FaultReason;
  /** Octet at fault, from the first one given to the parser; a parser of already parsed options says otherwise. */
  readonly offset: number;
  /** Field or option at fault, with the value where it helps. */
  readonly what: string;
}

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function faulty(reason: FaultReason, offset: number, what: string): Parsed<never> {
  return { ok: false, fault: { reason, offset, what } };
}
