import { AVPS, COMMANDS } from './generated.ts';
import type { AvpName } from './generated.ts';

/** Enterprise number for documentation (RFC 5612): the default owner of our AVPs. */
export const DOCUMENTATION_VENDOR = 32473;

export type AvpType =
  | 'OctetString'
  | 'Unsigned32'
  | 'Unsigned64'
  | 'Enumerated'
  | 'UTF8String'
  | 'DiameterIdentity'
  | 'Address'
  | 'Grouped';

/** One row of the dictionary. `vendor` marks ours, whose Vendor-Id is configured. */
export interface AvpRow {
  readonly name: AvpName;
  readonly code: number;
  readonly vendor: boolean;
  readonly type: AvpType;
  /** The M bit with which we send it. */
  readonly mandatory: boolean;
  /** The values an Enumerated may take, where others make the message meaningless. */
  readonly values: readonly number[] | undefined;
}

/** How often an AVP may occur in a command. */
export interface Rule {
  readonly avp: AvpName;
  readonly least: number;
  readonly most: number;
}

export interface CommandRow {
  readonly code: number;
  readonly request: string;
  readonly answer: string;
  readonly application: number;
  readonly proxiable: boolean;
  readonly requestRules: readonly Rule[];
  readonly answerRules: readonly Rule[];
}

const commands = new Map(COMMANDS.map((row) => [row.code, row]));
const byName = new Map(AVPS.map((row) => [row.name, row]));
const ietf = new Map(AVPS.filter((row) => !row.vendor).map((row) => [row.code, row]));
const own = new Map(AVPS.filter((row) => row.vendor).map((row) => [row.code, row]));

export function commandRow(code: number): CommandRow | undefined {
  return commands.get(code);
}

/** "AAR" or "AAA"; the bare code for a command that the dictionary lacks. */
export function commandName(code: number, request: boolean): string {
  const row = commands.get(code);
  return row === undefined ? `command ${code}` : request ? row.request : row.answer;
}

/** The AVPs as one deployment sees them: the table, and the Vendor-Id that our own AVPs carry. */
export class Dictionary {
  readonly vendorId: number;

  constructor(vendorId: number = DOCUMENTATION_VENDOR) {
    this.vendorId = vendorId;
  }

  byName(name: AvpName): AvpRow {
    return byName.get(name)!;
  }

  /** `vendor` is 0 for AVPs without the V bit. */
  byCode(code: number, vendor: number): AvpRow | undefined {
    if (vendor === 0) return ietf.get(code);
    return vendor === this.vendorId ? own.get(code) : undefined;
  }
}
