import { readAddress, writeAddress } from '../address.ts';
import type { Address } from '../address.ts';
import { copyOctets } from '../octets.ts';

/** Fields of every message between the checksum and the options, by kind; registry.ts has the types. */
export interface BodyFields {
  BRR: object;
  BU: {
    readonly sequence: number;
    /** 16 bits, see BU_FLAGS. */
    readonly flags: number;
    /** In units of LIFETIME_UNIT seconds; 0 de-registers. */
    readonly lifetime: number;
  };
  BA: {
    readonly status: number;
    /** 8 bits, see BA_FLAGS. */
    readonly flags: number;
    readonly sequence: number;
    /** In units of LIFETIME_UNIT seconds. */
    readonly lifetime: number;
  };
  /** `status` as in BE_STATUS. */
  BE: { readonly status: number; readonly home: Address };
  /** All that follows the checksum, in the sender's own format; it has no options that anybody else could tell. */
  EXP: { readonly data: Uint8Array };
  /** `flags` as in HI_FLAGS. */
  HI: { readonly sequence: number; readonly flags: number; readonly code: number };
  /** `flags` as in HACK_FLAGS. */
  HAck: { readonly sequence: number; readonly flags: number; readonly code: number };
  /** `lifetime` in seconds. */
  LRI: { readonly sequence: number; readonly lifetime: number };
  LRA: {
    readonly sequence: number;
    readonly unsolicited: boolean;
    readonly status: number;
    /** In seconds. */
    readonly lifetime: number;
  };
  UPN: {
    readonly sequence: number;
    /** See UPN_REASON. */
    readonly reason: number;
    /** A: an Update Notification Acknowledgement is asked for. */
    readonly acknowledge: boolean;
    /** D: sent again, with the sequence number of the first time. */
    readonly retransmission: boolean;
  };
  UPA: { readonly sequence: number; readonly status: number };
}

export type MessageKind = keyof BodyFields;

/** How the fields of one kind are read and written; offsets count from the Mobility Header's first octet. */
export interface BodyCodec<Fields> {
  /** Where the options begin; for EXP, which has none, the least length of the header. */
  readonly optionsAt: number;
  /** The length has been checked to reach `optionsAt`. */
  read(data: Uint8Array, view: DataView): Fields;
  write(fields: Fields, data: Uint8Array, view: DataView): void;
}

const TOP_BIT_OF_16 = 0x8000;
const SECOND_BIT_OF_16 = 0x4000;
const TOP_BIT_OF_8 = 0x80;
/** First octet after the checksum. */
export const MESSAGE_DATA = 6;

/** HI and HAck: RFC 5568 sections 6.2.1.1 and 6.2.1.2, flags of RFC 5949 section 6.1. */
const handoverCodec: BodyCodec<BodyFields['HI']> = {
  optionsAt: 10,
  read: (data, view) => ({ sequence: view.getUint16(MESSAGE_DATA), flags: data[8]!, code: data[9]! }),
  write: ({ sequence, flags, code }, data, view) => {
    view.setUint16(MESSAGE_DATA, sequence);
    data[8] = flags;
    data[9] = code;
  },
};

/** RFC 6275 sections 6.1.2 and 6.1.7 to 6.1.9, then those named. */
export const BODIES: { readonly [K in MessageKind]: BodyCodec<BodyFields[K]> } = {
  BRR: { optionsAt: 8, read: () => ({}), write: () => undefined },
  BU: {
    optionsAt: 12,
    read: (_, view) => ({
      sequence: view.getUint16(MESSAGE_DATA),
      flags: view.getUint16(8),
      lifetime: view.getUint16(10),
    }),
    write: ({ sequence, flags, lifetime }, _, view) => {
      view.setUint16(MESSAGE_DATA, sequence);
      view.setUint16(8, flags);
      view.setUint16(10, lifetime);
    },
  },
  BA: {
    optionsAt: 12,
    read: (data, view) => ({
      status: data[MESSAGE_DATA]!,
      flags: data[7]!,
      sequence: view.getUint16(8),
      lifetime: view.getUint16(10),
    }),
    write: ({ status, flags, sequence, lifetime }, data, view) => {
      data[MESSAGE_DATA] = status;
      data[7] = flags;
      view.setUint16(8, sequence);
      view.setUint16(10, lifetime);
    },
  },
  BE: {
    optionsAt: 24,
    read: (data) => ({ status: data[MESSAGE_DATA]!, home: readAddress(data, 8) }),
    write: ({ status, home }, data) => {
      data[MESSAGE_DATA] = status;
      writeAddress(data, 8, home);
    },
  },
  /** RFC 5096 section 3. */
  EXP: {
    optionsAt: 8,
    read: (data) => ({ data: copyOctets(data, MESSAGE_DATA) }),
    write: (fields, data) => data.set(fields.data, MESSAGE_DATA),
  },
  HI: handoverCodec,
  HAck: handoverCodec,
  /** RFC 6705 section 10.1. */
  LRI: {
    optionsAt: 12,
    read: (_, view) => ({ sequence: view.getUint16(MESSAGE_DATA), lifetime: view.getUint16(10) }),
    write: ({ sequence, lifetime }, _, view) => {
      view.setUint16(MESSAGE_DATA, sequence);
      view.setUint16(10, lifetime);
    },
  },
  /** RFC 6705 section 10.2. */
  LRA: {
    optionsAt: 12,
    read: (data, view) => ({
      sequence: view.getUint16(MESSAGE_DATA),
      unsolicited: (data[8]! & TOP_BIT_OF_8) !== 0,
      status: data[9]!,
      lifetime: view.getUint16(10),
    }),
    write: ({ sequence, unsolicited, status, lifetime }, data, view) => {
      view.setUint16(MESSAGE_DATA, sequence);
      data[8] = unsolicited ? TOP_BIT_OF_8 : 0;
      data[9] = status;
      view.setUint16(10, lifetime);
    },
  },
  /** RFC 7077 section 4.1. */
  UPN: {
    optionsAt: 12,
    read: (_, view) => ({
      sequence: view.getUint16(MESSAGE_DATA),
      reason: view.getUint16(8),
      acknowledge: (view.getUint16(10) & TOP_BIT_OF_16) !== 0,
      retransmission: (view.getUint16(10) & SECOND_BIT_OF_16) !== 0,
    }),
    write: ({ sequence, reason, acknowledge, retransmission }, _, view) => {
      view.setUint16(MESSAGE_DATA, sequence);
      view.setUint16(8, reason);
      view.setUint16(10, (acknowledge ? TOP_BIT_OF_16 : 0) | (retransmission ? SECOND_BIT_OF_16 : 0));
    },
  },
  /** RFC 7077 section 4.2. */
  UPA: {
    optionsAt: 12,
    read: (data, view) => ({ sequence: view.getUint16(MESSAGE_DATA), status: data[8]! }),
    write: ({ sequence, status }, data, view) => {
      view.setUint16(MESSAGE_DATA, sequence);
      data[8] = status;
    },
  },
};
