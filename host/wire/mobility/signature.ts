import type { MessageKind } from './bodies.ts';

/** A field of a Vendor Specific option's data: a big-endian number of so many octets, or an IPv6 address (16). */
export interface VendorField {
  readonly name: string;
  readonly octets: 1 | 2 | 4 | 8 | 16;
  readonly values?: Readonly<Record<number, string>>;
}

/** A Vendor Specific option as rows: its fields follow each other and fill the data. */
export interface VendorRow {
  readonly subtype: number;
  readonly name: string;
  readonly fields: readonly VendorField[];
  /** The fields come again and again until the data ends. */
  readonly repeated?: true;
}

/** How a message that shares its Mobility Header type with others is told from them. */
export interface MessageSignature {
  readonly kind: string;
  readonly name: string;
  readonly type: MessageKind;
  /** Of the flags of a Binding Update or Acknowledgement, those in `mask` are as in `value`. */
  readonly flags?: { readonly mask: number; readonly value: number };
  /** Vendor Specific options that it has, with this number as their first field where one is given. */
  readonly options: readonly { readonly subtype: number; readonly value?: number }[];
}

/**
 * What a reader of captures in another language needs to name messages and options as the parsers here do; the first
 * signature that fits counts.
 */
export interface Signatures {
  readonly messages: readonly MessageSignature[];
  readonly vendor: readonly VendorRow[];
}
