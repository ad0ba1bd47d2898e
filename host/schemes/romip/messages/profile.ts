import type { Address } from '../../../../bindings/entries.ts';
import type { MobilityMessage } from '../../../wire/mobility/message.ts';
import type { Parsed } from '../../../wire/result.ts';
import { DEFAULT_ENTERPRISE } from './constants.ts';
import { emitDistributed } from './emit.ts';
import { LAYOUTS } from './layout.ts';
import type { ProfileName, Wire } from './layout.ts';
import type { DDba, DistributedMessage, SDba } from './message.ts';
import { parseDistributed, refusalOf } from './parse.ts';

export type { ProfileName } from './layout.ts';
export const PROFILE_NAMES = Object.keys(LAYOUTS) as readonly ProfileName[];

/** One way to put the four distributed binding messages on the wire. Chosen by configuration, never by guess. */
export interface Profile {
  readonly name: ProfileName;
  /**
   * Writes a message as Mobility Headers, checksums filled: one, or for a long sDBA several, each within 1,280
   * octets as an IPv6 packet. An sDBU that names more than PREFIXES_PER_MESSAGE asks for everything instead.
   * Throws a RangeError for a dDBU or dDBA that names more, for an sDBA of more than MAX_PARTS, and for a field
   * that the wire cannot express.
   */
  emit(message: DistributedMessage, src: Address, dst: Address): Uint8Array[];
  /**
   * Reads a distributed message from a parsed Mobility Header. 'not-distributed' is anything but a BU or BA with D,
   * and, where E is an option, one with D that carries none. Offsets in faults are indices of options. Never throws.
   */
  parse(mobility: MobilityMessage): Parsed<DistributedMessage> | 'not-distributed';
  /** The DBA that refuses a DBU for which `parse` found a fault; undefined for anything but a DBU. */
  refuse(mobility: MobilityMessage): SDba | DDba | undefined;
}

/** @param enterprise of the Vendor Specific options; both ends must agree on it. */
export function createProfile(name: ProfileName, enterprise: number = DEFAULT_ENTERPRISE): Profile {
  const wire: Wire = { layout: LAYOUTS[name], enterprise };
  return {
    name,
    emit: (message, src, dst) => emitDistributed(wire, message, src, dst),
    parse: (mobility) => parseDistributed(wire, mobility),
    refuse: (mobility) => refusalOf(wire, mobility),
  };
}
