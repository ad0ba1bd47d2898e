import type { MessageKind } from './bodies.ts';

/** One row of the IANA mobility-parameters registry: the number, its name there, and the RFC that defines it. */
export interface Row {
  readonly number: number;
  readonly name: string;
  readonly rfc: number;
}

/** Mobility Header types. `kind` stands where the type is parsed here. */
export const MH_TYPES: readonly (Row & { readonly kind?: MessageKind })[] = [
  { number: 0, name: 'Binding Refresh Request', rfc: 6275, kind: 'BRR' },
  { number: 1, name: 'Home Test Init', rfc: 6275 },
  { number: 2, name: 'Care-of Test Init', rfc: 6275 },
  { number: 3, name: 'Home Test', rfc: 6275 },
  { number: 4, name: 'Care-of Test', rfc: 6275 },
  { number: 5, name: 'Binding Update', rfc: 6275, kind: 'BU' },
  { number: 6, name: 'Binding Acknowledgement', rfc: 6275, kind: 'BA' },
  { number: 7, name: 'Binding Error', rfc: 6275, kind: 'BE' },
  { number: 8, name: 'Fast Binding Update', rfc: 5568 },
  { number: 9, name: 'Fast Binding Acknowledgment', rfc: 5568 },
  { number: 10, name: 'Fast Neighbor Advertisement', rfc: 5568 },
  { number: 11, name: 'Experimental Mobility Header', rfc: 5096, kind: 'EXP' },
  { number: 12, name: 'Home Agent Switch', rfc: 5142 },
  { number: 13, name: 'Heartbeat', rfc: 5847 },
  { number: 14, name: 'Handover Initiate', rfc: 5568, kind: 'HI' },
  { number: 15, name: 'Handover Acknowledge', rfc: 5568, kind: 'HAck' },
  { number: 16, name: 'Binding Revocation', rfc: 5846 },
  { number: 17, name: 'Localized Routing Initiation', rfc: 6705, kind: 'LRI' },
  { number: 18, name: 'Localized Routing Acknowledgment', rfc: 6705, kind: 'LRA' },
  { number: 19, name: 'Update Notification', rfc: 7077, kind: 'UPN' },
  { number: 20, name: 'Update Notification Acknowledgement', rfc: 7077, kind: 'UPA' },
  { number: 21, name: 'Flow Binding', rfc: 7109 },
  { number: 22, name: 'Subscription Query', rfc: 7161 },
  { number: 23, name: 'Subscription Response', rfc: 7161 },
];

/** A flag, its bit, and what it says when set. */
interface FlagRow {
  readonly flag: string;
  readonly bit: number;
  readonly name: string;
  readonly rfc: number;
}

/** Flags of the Binding Update that the code asks for by name. */
export const BU_FLAG = { A: 0x8000, H: 0x4000, P: 0x0200 } as const;

/** Flags of the Binding Update, a field of 16 bits. */
export const BU_FLAGS: readonly FlagRow[] = [
  { flag: 'A', bit: BU_FLAG.A, name: 'acknowledge', rfc: 6275 },
  { flag: 'H', bit: BU_FLAG.H, name: 'home registration', rfc: 6275 },
  { flag: 'L', bit: 0x2000, name: 'link-local address compatibility', rfc: 6275 },
  { flag: 'K', bit: 0x1000, name: 'key management mobility capability', rfc: 6275 },
  { flag: 'M', bit: 0x0800, name: 'MAP registration', rfc: 4140 },
  { flag: 'R', bit: 0x0400, name: 'mobile router', rfc: 3963 },
  { flag: 'P', bit: BU_FLAG.P, name: 'proxy registration', rfc: 5213 },
  { flag: 'F', bit: 0x0100, name: 'forcing UDP encapsulation', rfc: 5555 },
  { flag: 'T', bit: 0x0080, name: 'type-length-value header', rfc: 5845 },
  { flag: 'B', bit: 0x0040, name: 'bulk binding update', rfc: 6602 },
  { flag: 'S', bit: 0x0020, name: 'static', rfc: 7161 },
  { flag: 'D', bit: 0x0010, name: 'distributed', rfc: 8885 },
];

/** The flag of the Binding Acknowledgement that the code asks for by name. */
export const BA_FLAG = { P: 0x20 } as const;

/** Flags of the Binding Acknowledgement, a field of 8 bits. */
export const BA_FLAGS: readonly FlagRow[] = [
  { flag: 'K', bit: 0x80, name: 'key management mobility capability', rfc: 6275 },
  { flag: 'R', bit: 0x40, name: 'mobile router', rfc: 3963 },
  { flag: 'P', bit: BA_FLAG.P, name: 'proxy registration', rfc: 5213 },
  { flag: 'T', bit: 0x10, name: 'type-length-value header', rfc: 5845 },
  { flag: 'B', bit: 0x08, name: 'bulk binding update', rfc: 6602 },
  { flag: 'S', bit: 0x04, name: 'static', rfc: 7161 },
  { flag: 'D', bit: 0x02, name: 'distributed', rfc: 8885 },
];

/** The flag of the Handover Initiate, and that of its Acknowledge, that the code asks for by name. */
export const HI_FLAG = { P: 0x20 } as const;
export const HACK_FLAG = { P: 0x40 } as const;

/** Flags of the Handover Initiate, a field of 8 bits. */
export const HI_FLAGS: readonly FlagRow[] = [
  { flag: 'S', bit: 0x80, name: 'assigned address configuration', rfc: 5568 },
  { flag: 'U', bit: 0x40, name: 'buffer', rfc: 5568 },
  { flag: 'P', bit: HI_FLAG.P, name: 'proxy', rfc: 5949 },
  { flag: 'F', bit: 0x10, name: 'forwarding', rfc: 5949 },
];

/** Flags of the Handover Acknowledge, a field of 8 bits. */
export const HACK_FLAGS: readonly FlagRow[] = [
  { flag: 'U', bit: 0x80, name: 'buffer', rfc: 5949 },
  { flag: 'P', bit: HACK_FLAG.P, name: 'proxy', rfc: 5949 },
  { flag: 'F', bit: 0x20, name: 'forwarding', rfc: 5949 },
];

/** Reasons of the Update Notification. */
export const UPN_REASON = { updateSessionParameters: 2 } as const;

export const UPN_REASONS: readonly Row[] = [
  { number: 1, name: 'FORCE-REREGISTRATION', rfc: 7077 },
  { number: UPN_REASON.updateSessionParameters, name: 'UPDATE-SESSION-PARAMETERS', rfc: 7077 },
  { number: 3, name: 'VENDOR-SPECIFIC-REASON', rfc: 7077 },
];

const UPA_STATUS: readonly Row[] = [
  { number: 0, name: 'success', rfc: 7077 },
  { number: 128, name: 'FAILED-TO-UPDATE-SESSION-PARAMETERS', rfc: 7077 },
  { number: 129, name: 'MISSING-VENDOR-SPECIFIC-OPTION', rfc: 7077 },
];

const LRA_STATUS: readonly Row[] = [
  { number: 0, name: 'success', rfc: 6705 },
  { number: 128, name: 'localized routing not allowed', rfc: 6705 },
  { number: 129, name: 'MN not attached', rfc: 6705 },
];

/** Status of the Binding Acknowledgement; below 128 the update was accepted. */
const BA_STATUS: readonly Row[] = [
  { number: 0, name: 'accepted', rfc: 6275 },
  { number: 1, name: 'accepted, prefix discovery necessary', rfc: 6275 },
  { number: 128, name: 'reason unspecified', rfc: 6275 },
  { number: 129, name: 'administratively prohibited', rfc: 6275 },
  { number: 130, name: 'insufficient resources', rfc: 6275 },
  { number: 131, name: 'home registration not supported', rfc: 6275 },
  { number: 132, name: 'not home subnet', rfc: 6275 },
  { number: 133, name: 'not home agent for this mobile node', rfc: 6275 },
  { number: 134, name: 'duplicate address detection failed', rfc: 6275 },
  { number: 135, name: 'sequence number out of window', rfc: 6275 },
  { number: 136, name: 'expired home nonce index', rfc: 6275 },
  { number: 137, name: 'expired care-of nonce index', rfc: 6275 },
  { number: 138, name: 'expired nonces', rfc: 6275 },
  { number: 139, name: 'registration type change disallowed', rfc: 6275 },
  { number: 140, name: 'mobile router operation not permitted', rfc: 3963 },
  { number: 141, name: 'invalid prefix', rfc: 3963 },
  { number: 142, name: 'not authorized for prefix', rfc: 3963 },
  { number: 143, name: 'forwarding setup failed', rfc: 3963 },
  { number: 144, name: 'MIPV6-ID-MISMATCH', rfc: 4285 },
  { number: 152, name: 'PROXY_REG_NOT_ENABLED', rfc: 5213 },
  { number: 153, name: 'NOT_LMA_FOR_THIS_MOBILE_NODE', rfc: 5213 },
  { number: 154, name: 'MAG_NOT_AUTHORIZED_FOR_PROXY_REG', rfc: 5213 },
  { number: 155, name: 'NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX', rfc: 5213 },
  { number: 156, name: 'TIMESTAMP_MISMATCH', rfc: 5213 },
  { number: 157, name: 'TIMESTAMP_LOWER_THAN_PREV_ACCEPTED', rfc: 5213 },
  { number: 158, name: 'MISSING_HOME_NETWORK_PREFIX_OPTION', rfc: 5213 },
  { number: 159, name: 'BCE_PBU_PREFIX_SET_DO_NOT_MATCH', rfc: 5213 },
  { number: 160, name: 'MISSING_MN_IDENTIFIER_OPTION', rfc: 5213 },
  { number: 161, name: 'MISSING_HANDOFF_INDICATOR_OPTION', rfc: 5213 },
  { number: 162, name: 'MISSING_ACCESS_TECH_TYPE_OPTION', rfc: 5213 },
];

/** Status of the Binding Error, RFC 6275 section 6.1.9. */
export const BE_STATUS = { unknownBinding: 1, unknownType: 2 } as const;

/** An option with its alignment: its type field stands at `modulus` * n + `remainder` of the Mobility Header. */
interface OptionRow extends Row {
  readonly modulus: number;
  readonly remainder: number;
}

/** Mobility options that are parsed and emitted here, by the kind that they carry in messages. */
export const MOBILITY_OPTIONS = {
  'refresh-advice': { number: 2, name: 'Binding Refresh Advice', rfc: 6275, modulus: 2, remainder: 0 },
  'alternate-coa': { number: 3, name: 'Alternate Care-of Address', rfc: 6275, modulus: 8, remainder: 6 },
  'nonce-indices': { number: 4, name: 'Nonce Indices', rfc: 6275, modulus: 2, remainder: 0 },
  'authorization-data': {
    number: 5,
    name: 'Binding Authorization Data',
    rfc: 6275,
    modulus: 8,
    remainder: 2,
  },
  'mobile-network-prefix': { number: 6, name: 'Mobile Network Prefix', rfc: 3963, modulus: 8, remainder: 4 },
  'mn-id': { number: 8, name: 'Mobile Node Identifier', rfc: 4283, modulus: 1, remainder: 0 },
  // RFC 4285 section 5 asks for 4n + 1 and for the last place; at 8n + 1 an authenticator of 16 octets ends the header.
  authentication: { number: 9, name: 'Mobility Message Authentication', rfc: 4285, modulus: 8, remainder: 1 },
  vendor: { number: 19, name: 'Vendor Specific', rfc: 5094, modulus: 4, remainder: 2 },
  'home-network-prefix': { number: 22, name: 'Home Network Prefix', rfc: 5213, modulus: 8, remainder: 4 },
  'handoff-indicator': { number: 23, name: 'Handoff Indicator', rfc: 5213, modulus: 4, remainder: 0 },
  'access-technology': { number: 24, name: 'Access Technology Type', rfc: 5213, modulus: 4, remainder: 0 },
  'mn-link-layer-id': {
    number: 25,
    name: 'Mobile Node Link-layer Identifier',
    rfc: 5213,
    modulus: 8,
    remainder: 0,
  },
  'link-local-address': { number: 26, name: 'Link-local Address', rfc: 5213, modulus: 8, remainder: 6 },
  timestamp: { number: 27, name: 'Timestamp', rfc: 5213, modulus: 8, remainder: 2 },
  'context-request': { number: 40, name: 'Context Request', rfc: 5949, modulus: 4, remainder: 0 },
  'lma-address': { number: 41, name: 'Local Mobility Anchor Address', rfc: 5949, modulus: 8, remainder: 4 },
  'mag-address': { number: 51, name: 'MAG IPv6 Address', rfc: 6705, modulus: 8, remainder: 4 },
  'delegated-prefix': {
    number: 55,
    name: 'Delegated Mobile Network Prefix',
    rfc: 7148,
    modulus: 8,
    remainder: 4,
  },
  'anchored-prefix': { number: 65, name: 'Anchored Prefix', rfc: 8885, modulus: 8, remainder: 4 },
  'local-prefix': { number: 66, name: 'Local Prefix', rfc: 8885, modulus: 8, remainder: 4 },
  'previous-maar': { number: 67, name: 'Previous MAAR', rfc: 8885, modulus: 8, remainder: 4 },
  'serving-maar': { number: 68, name: 'Serving MAAR', rfc: 8885, modulus: 8, remainder: 6 },
  'dlif-link-local': { number: 69, name: 'DLIF Link-local Address', rfc: 8885, modulus: 8, remainder: 6 },
  'dlif-link-layer': { number: 70, name: 'DLIF Link-layer Address', rfc: 8885, modulus: 1, remainder: 0 },
} as const satisfies Readonly<Record<string, OptionRow>>;

/** Padding has no alignment and never leaves the parser: RFC 6275 sections 6.2.2 and 6.2.3. */
export const PAD1 = 0;
export const PADN = 1;

/** Types that are skipped and kept, for those who read a capture. */
const OTHER_OPTIONS: readonly Row[] = [
  { number: 7, name: 'Mobility Header Link-Layer Address', rfc: 5568 },
  { number: 10, name: 'Replay Protection', rfc: 4285 },
  { number: 18, name: 'Experimental Mobility Option', rfc: 5096 },
  { number: 20, name: 'Service Selection', rfc: 5149 },
  { number: 28, name: 'Restart Counter', rfc: 5847 },
  { number: 33, name: 'GRE Key', rfc: 5845 },
  { number: 34, name: 'Mobility Header IPv6 Address/Prefix', rfc: 5568 },
  { number: 35, name: 'Binding Identifier', rfc: 5648 },
  { number: 45, name: 'Flow Identification', rfc: 6089 },
  { number: 46, name: 'Redirect-Capability', rfc: 6463 },
  { number: 47, name: 'Redirect', rfc: 6463 },
  { number: 48, name: 'Load Information', rfc: 6463 },
];

/** MN-ID subtype: a Network Access Identifier, RFC 4283 section 3. */
export const MN_ID_NAI = 1;

/** Unit of the lifetime field of BU and BA in seconds, RFC 6275 section 6.1.7. */
export const LIFETIME_UNIT = 4;

function nameOf(rows: readonly Row[], number: number, what: string): string {
  return rows.find((row) => row.number === number)?.name ?? `${what} ${number}`;
}

export function mobilityTypeName(type: number): string {
  return nameOf(MH_TYPES, type, 'Mobility Header type');
}

export function bindingStatusName(status: number): string {
  return nameOf(BA_STATUS, status, 'status');
}

export function updateReasonName(reason: number): string {
  return nameOf(UPN_REASONS, reason, 'reason');
}

/** Statuses by message; others have none. */
export const STATUSES = { BA: BA_STATUS, LRA: LRA_STATUS, UPA: UPA_STATUS } as const;

/** Names of statuses by message; undefined where it has none. */
export function statusName(kind: MessageKind, status: number): string | undefined {
  return kind in STATUSES ? nameOf(STATUSES[kind as keyof typeof STATUSES], status, 'status') : undefined;
}

export function mobilityOptionName(type: number): string {
  return nameOf([...Object.values(MOBILITY_OPTIONS), ...OTHER_OPTIONS], type, 'option');
}

/** The letters of the flags that are set: "AHK". */
export function flagLetters(rows: readonly FlagRow[], flags: number): string {
  return rows
    .filter((row) => (flags & row.bit) !== 0)
    .map((row) => row.flag)
    .join('');
}
