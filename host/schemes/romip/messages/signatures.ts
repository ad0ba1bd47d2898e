import type { MessageSignature, Signatures, VendorRow } from '../../../wire/mobility/signature.ts';
import { ROLE, VENDOR_SUBTYPE } from './constants.ts';
import { LAYOUTS } from './layout.ts';
import type { Role } from './layout.ts';

const ROLES = { [ROLE.s]: 's', [ROLE.d]: 'd' };

const VENDOR: Readonly<Record<keyof typeof VENDOR_SUBTYPE, Omit<VendorRow, 'subtype'>>> = {
  registrationCounter: { name: 'registration counter', fields: [{ name: 'counter', octets: 8 }] },
  homeLifetime: { name: 'lifetime of the home before', fields: [{ name: 'home_lifetime', octets: 4 }] },
  correspondentCounter: {
    name: 'registration counter of the correspondent before',
    fields: [{ name: 'correspondent_counter', octets: 8 }],
  },
  part: {
    name: 'part',
    fields: [
      { name: 'part', octets: 2 },
      { name: 'parts', octets: 2 },
    ],
  },
  role: { name: 'role', fields: [{ name: 'role', octets: 1, values: ROLES }] },
};

/** Signatures of one message in every profile; a role option says more than a flag, and is looked for first. */
function signaturesOf(role: Role, type: 'BU' | 'BA'): MessageSignature[] {
  const kind = type === 'BU' ? `${role}DBU` : `${role}DBA`;
  const name = `Distributed Binding ${type === 'BU' ? 'Update' : 'Acknowledgement'} (${role})`;
  const counter = { subtype: VENDOR_SUBTYPE.registrationCounter };
  return Object.values(LAYOUTS)
    .toSorted((a, b) => Number('e' in a.update) - Number('e' in b.update))
    .map((layout) => {
      const { d, e }: { d: number; e?: number } = type === 'BU' ? layout.update : layout.acknowledgement;
      const mask = d | (e ?? 0);
      const value = d | (role === 'd' ? (e ?? 0) : 0);
      const options =
        e === undefined ? [counter, { subtype: VENDOR_SUBTYPE.role, value: ROLE[role] }] : [counter];
      return { kind, name, type, flags: { mask, value }, options };
    });
}

/** This scheme's part of docs/wireshark/maar.lua. */
export const distributedSignatures: Signatures = {
  messages: (['BU', 'BA'] as const).flatMap((type) =>
    (['s', 'd'] as const).flatMap((role) => signaturesOf(role, type)),
  ),
  vendor: Object.entries(VENDOR_SUBTYPE).map(([item, subtype]) => ({
    subtype,
    ...VENDOR[item as keyof typeof VENDOR_SUBTYPE],
  })),
};
