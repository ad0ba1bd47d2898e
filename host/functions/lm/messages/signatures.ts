import { BA_FLAG, BU_FLAG } from '../../../wire/mobility/registry.ts';
import type { Signatures, VendorRow } from '../../../wire/mobility/signature.ts';
import { type EXPERIMENT, VENDOR_SUBTYPE } from './constants.ts';

/** The messages that go in the Experimental Mobility Header: names, and what the octet behind the code holds. */
export const EXPERIMENT_ROWS: Readonly<
  Record<keyof typeof EXPERIMENT, { readonly name: string; readonly holds: 'flags' | 'status' }>
> = {
  PBQ: { name: 'Proxy Binding Query', holds: 'flags' },
  PQA: { name: 'Proxy Query Answer', holds: 'status' },
  LPJ: { name: 'LM Pool Join', holds: 'flags' },
  LPA: { name: 'LM Pool Answer', holds: 'status' },
};

const VENDOR: Readonly<Record<keyof typeof VENDOR_SUBTYPE, Omit<VendorRow, 'subtype'>>> = {
  counter: { name: 'registration counter', fields: [{ name: 'counter', octets: 8 }] },
  remaining: { name: 'remaining lifetime', fields: [{ name: 'remaining', octets: 4 }] },
  valid: {
    name: 'valid lifetimes of homes',
    fields: [{ name: 'home_lifetime', octets: 4 }],
    repeated: true,
  },
  session: {
    name: 'session',
    fields: [
      { name: 'correspondent', octets: 16 },
      { name: 'correspondent_maar', octets: 16 },
      { name: 'correspondent_counter', octets: 8 },
      { name: 'correspondent_homes', octets: 4 },
    ],
  },
  ticket: { name: 'registration counter handed out', fields: [{ name: 'ticket', octets: 8 }] },
  clock: { name: 'clock of the answerer', fields: [{ name: 'clock', octets: 8 }] },
};

/** Location management's part of docs/wireshark/maar.lua. */
export const locationSignatures: Signatures = {
  messages: [
    {
      kind: 'PBU',
      name: 'Proxy Binding Update',
      type: 'BU',
      flags: { mask: BU_FLAG.P, value: BU_FLAG.P },
      options: [{ subtype: VENDOR_SUBTYPE.counter }],
    },
    {
      kind: 'PBA',
      name: 'Proxy Binding Acknowledgement',
      type: 'BA',
      flags: { mask: BA_FLAG.P, value: BA_FLAG.P },
      options: [{ subtype: VENDOR_SUBTYPE.counter }],
    },
  ],
  vendor: Object.entries(VENDOR_SUBTYPE).map(([item, subtype]) => ({
    subtype,
    ...VENDOR[item as keyof typeof VENDOR_SUBTYPE],
  })),
};
