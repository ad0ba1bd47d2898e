import type {
  BindingAcknowledgement,
  BindingUpdate,
  MobilityMessage,
} from '../../../wire/mobility/message.ts';
import { BU_FLAG, LIFETIME_UNIT } from '../../../wire/mobility/registry.ts';
import { faulty, parsed } from '../../../wire/result.ts';
import type { Parsed } from '../../../wire/result.ts';
import { STATUS } from './constants.ts';
import { roleOf } from './layout.ts';
import type { Role, Wire } from './layout.ts';
import type { DDba, DDbu, DistributedMessage, SDba, SDbu } from './message.ts';
import { readFlat, readGrouped } from './read.ts';

/** See `Profile.parse`. */
export function parseDistributed(
  wire: Wire,
  mobility: MobilityMessage,
): Parsed<DistributedMessage> | 'not-distributed' {
  if (mobility.kind !== 'BU' && mobility.kind !== 'BA') return 'not-distributed';
  const role = roleOf(wire, mobility);
  if (role === undefined) return 'not-distributed';
  if (mobility.kind === 'BU') return parseUpdate(wire, role, mobility);
  return role === 's' ? parseSDba(wire, mobility) : parseDDba(wire, mobility);
}

function parseUpdate(wire: Wire, role: Role, bu: BindingUpdate): Parsed<SDbu | DDbu> {
  const kind = `${role}DBU` as const;
  const end = bu.options.length;
  const missing = (what: string): Parsed<never> => faulty('option-missing', end, `${kind} without ${what}`);
  // Every DBU is answered; one that asks for no answer cannot be of this protocol.
  if ((bu.flags & BU_FLAG.A) === 0) return faulty('flag', end, `${kind} without A`);
  const content = readFlat(bu.options, wire.enterprise);
  if (!content.ok) return content;
  const { mnId, counter, timestamp, maar, homes, correspondents } = content.value;
  if (mnId === undefined || mnId === '') return missing('Mobile Node Identifier');
  if (counter === undefined) return missing('registration counter');
  if (timestamp === undefined) return missing('Timestamp');
  const common = { ...sequenceAndLifetime(bu), mnId, counter, timestamp };
  if (kind === 'sDBU') return parsed({ kind, ...common, homes, correspondents });
  if (maar === undefined) return missing('Serving MAAR');
  return parsed({ kind, ...common, homes, maar, correspondents });
}

function parseSDba(wire: Wire, ba: BindingAcknowledgement): Parsed<SDba> {
  const content = readGrouped(ba.options, wire.enterprise);
  if (!content.ok) return content;
  const { mnId = '', counter, part, homes } = content.value;
  const end = ba.options.length;
  if (counter === undefined) return faulty('option-missing', end, 'sDBA without registration counter');
  if (part === undefined) return faulty('option-missing', end, 'sDBA without part number');
  const common = { ...sequenceAndLifetime(ba), mnId, counter };
  return parsed({ kind: 'sDBA', status: ba.status, ...common, part: part.part, parts: part.parts, homes });
}

function parseDDba(wire: Wire, ba: BindingAcknowledgement): Parsed<DDba> {
  const content = readFlat(ba.options, wire.enterprise);
  if (!content.ok) return content;
  const { mnId = '', counter, homes, correspondents, maar } = content.value;
  if (counter === undefined) {
    return faulty('option-missing', ba.options.length, 'dDBA without registration counter');
  }
  const moved = maar === undefined ? {} : { moved: maar };
  const common = { ...sequenceAndLifetime(ba), mnId, counter };
  return parsed({ kind: 'dDBA', status: ba.status, ...common, homes, correspondents, ...moved });
}

function sequenceAndLifetime(message: BindingUpdate | BindingAcknowledgement): {
  readonly sequence: number;
  readonly lifetimeSeconds: number;
} {
  return { sequence: message.sequence, lifetimeSeconds: message.lifetime * LIFETIME_UNIT };
}

/** See `Profile.refuse`. */
export function refusalOf(wire: Wire, mobility: MobilityMessage): SDba | DDba | undefined {
  const role = mobility.kind === 'BU' ? roleOf(wire, mobility) : undefined;
  if (mobility.kind !== 'BU' || role === undefined) return undefined;
  const mnId = mobility.options.find((option) => option.kind === 'mn-id')?.id ?? '';
  const common = {
    status: mnId === '' ? STATUS.missingMnId : STATUS.unspecified,
    sequence: mobility.sequence,
    lifetimeSeconds: 0,
    mnId,
    counter: 0,
  };
  if (role === 's') return { kind: 'sDBA', ...common, part: 1, parts: 1, homes: [] };
  return { kind: 'dDBA', ...common, homes: [], correspondents: [] };
}
