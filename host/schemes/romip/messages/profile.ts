import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { IPV6_HEADER, IPV6_MINIMUM_MTU } from '../../../wire/ipv6.ts';
import { emitMobility } from '../../../wire/mobility/message.ts';
import type {
  BindingAcknowledgement,
  BindingUpdate,
  MobilityMessage,
} from '../../../wire/mobility/message.ts';
import { emitMobilityOptions } from '../../../wire/mobility/options.ts';
import type { MobilityOption } from '../../../wire/mobility/options.ts';
import { LIFETIME_UNIT } from '../../../wire/mobility/registry.ts';
import { faulty, parsed } from '../../../wire/result.ts';
import type { Parsed } from '../../../wire/result.ts';
import { DEFAULT_ENTERPRISE, PREFIXES_PER_MESSAGE, STATUS } from './constants.ts';
import type { DDba, DDbu, DistributedMessage, SDba, SDbu } from './message.ts';
import { splitHomes } from './parts.ts';
import { readFlat, readGrouped } from './read.ts';
import type { FlatContent } from './read.ts';
import { vendorOption } from './vendor.ts';
import type { VendorItem } from './vendor.ts';

/** Where a profile keeps the draft's D and E. Without `e`, E is the role option. */
interface FlagLayout {
  readonly update: { readonly d: number; readonly e?: number };
  readonly acknowledgement: { readonly d: number; readonly e?: number };
}

const LAYOUTS = {
  /** The bits as the draft draws them; in a PMIPv6 node they read as P and F, P and T. */
  'romip-00': { update: { d: 0x0200, e: 0x0100 }, acknowledgement: { d: 0x20, e: 0x10 } },
  /** The D flag of RFC 8885, which collides with nothing. */
  'romip-iana': { update: { d: 0x0010 }, acknowledgement: { d: 0x02 } },
} as const satisfies Readonly<Record<string, FlagLayout>>;

export type ProfileName = keyof typeof LAYOUTS;
export const PROFILE_NAMES = Object.keys(LAYOUTS) as readonly ProfileName[];

/** One way to put the four distributed binding messages on the wire. Chosen by configuration, never by guess. */
export interface Profile {
  readonly name: ProfileName;
  /**
   * Writes a message as Mobility Headers, checksums filled: one, or for a long sDBA several, each within 1,280
   * octets as an IPv6 packet. An sDBU that names more than PREFIXES_PER_MESSAGE asks for everything instead.
   * Throws a RangeError for a dDBU or dDBA that names more, or a field that the wire cannot express.
   */
  emit(message: DistributedMessage, src: Address, dst: Address): Uint8Array[];
  /**
   * Reads a distributed message from a parsed Mobility Header. 'not-distributed' is anything but a BU or BA with D,
   * and, where E is an option, one with D that carries none. Offsets in faults are indices of options. Never throws.
   */
  parse(mobility: MobilityMessage): Parsed<DistributedMessage> | 'not-distributed';
  /** The DBA that refuses a DBU for which `parse` found a fault; undefined for anything else. */
  refuse(mobility: MobilityMessage): SDba | DDba | undefined;
}

const FLAG_A = 0x8000;
const MAX_LIFETIME_UNITS = 0xffff;
/** Fixed part of BU and BA. */
const OPTIONS_AT = 12;

export function createProfile(name: ProfileName, enterprise: number = DEFAULT_ENTERPRISE): Profile {
  const layout: FlagLayout = LAYOUTS[name];
  const vendor = (item: VendorItem): MobilityOption => vendorOption(enterprise, item);

  function headOptions(message: DistributedMessage): MobilityOption[] {
    const role = message.kind === 'dDBU' || message.kind === 'dDBA' ? 'd' : 's';
    const { e } = message.kind.endsWith('U') ? layout.update : layout.acknowledgement;
    return [
      // A refused update may have named no MN, and its DBA then names none either.
      ...(message.mnId === '' ? [] : [{ kind: 'mn-id', id: message.mnId } as const]),
      vendor({ item: 'registrationCounter', counter: message.counter }),
      ...(e === undefined ? [vendor({ item: 'role', role })] : []),
    ];
  }

  function emitUpdate(message: SDbu | DDbu, src: Address, dst: Address): Uint8Array {
    const everything = message.kind === 'sDBU' && exceeds(message);
    const { homes, correspondents } = everything ? { homes: [], correspondents: [] } : checked(message);
    const { d, e = 0 } = layout.update;
    const options: MobilityOption[] = [
      ...headOptions(message),
      { kind: 'timestamp', millis: message.timestamp },
      ...homeOptions(homes),
      ...(message.kind === 'dDBU' ? [{ kind: 'serving-maar', address: message.maar } as const] : []),
      ...correspondentOptions(correspondents),
    ];
    const bu: BindingUpdate = {
      kind: 'BU',
      sequence: message.sequence,
      flags: FLAG_A | d | (message.kind === 'dDBU' ? e : 0),
      lifetime: lifetimeUnits(message.lifetimeSeconds),
      options,
    };
    return emitMobility(bu, src, dst);
  }

  function emitAcknowledgement(
    message: SDba | DDba,
    options: readonly MobilityOption[],
    src: Address,
    dst: Address,
  ): Uint8Array {
    const { d, e = 0 } = layout.acknowledgement;
    const ba: BindingAcknowledgement = {
      kind: 'BA',
      status: message.status,
      flags: d | (message.kind === 'dDBA' ? e : 0),
      sequence: message.sequence,
      lifetime: lifetimeUnits(message.lifetimeSeconds),
      options,
    };
    return emitMobility(ba, src, dst);
  }

  function emitSDba(message: SDba, src: Address, dst: Address): Uint8Array[] {
    const head = (part: number, parts: number): MobilityOption[] => [
      ...headOptions(message),
      vendor({ item: 'part', part, parts }),
    ];
    const fixed = OPTIONS_AT + emitMobilityOptions(head(1, 1), OPTIONS_AT).length;
    const split = splitHomes(message.homes, IPV6_MINIMUM_MTU - IPV6_HEADER - fixed - 8);
    return split.map((homes, index) => {
      const groups = homes.flatMap((home) => [
        { kind: 'home-network-prefix', prefix: home.hoa } as const,
        vendor({ item: 'homeLifetime', seconds: home.validSeconds }),
        ...home.correspondents.flatMap((correspondent) => [
          { kind: 'anchored-prefix', prefix: correspondent.hoa } as const,
          { kind: 'serving-maar', address: correspondent.maar } as const,
          vendor({ item: 'correspondentCounter', counter: correspondent.counter }),
        ]),
      ]);
      return emitAcknowledgement(message, [...head(index + 1, split.length), ...groups], src, dst);
    });
  }

  /** 's', 'd', or undefined for a message that is not distributed; the options have been read. */
  function roleOf(
    mobility: BindingUpdate | BindingAcknowledgement,
    option: 's' | 'd' | undefined,
  ): 's' | 'd' | undefined {
    const { d, e } = mobility.kind === 'BU' ? layout.update : layout.acknowledgement;
    if ((mobility.flags & d) === 0) return undefined;
    if (e === undefined) return option;
    return (mobility.flags & e) === 0 ? 's' : 'd';
  }

  function parseUpdate(bu: BindingUpdate): Parsed<DistributedMessage> | 'not-distributed' {
    const content = readFlat(bu.options, enterprise);
    if (!content.ok) return content;
    const { mnId, counter, timestamp, maar, homes, correspondents } = content.value;
    const role = roleOf(bu, content.value.role);
    if (role === undefined) return 'not-distributed';
    const kind = `${role}DBU` as const;
    const end = bu.options.length;
    // Every DBU is answered; one that asks for no answer cannot be of this protocol.
    if ((bu.flags & FLAG_A) === 0) return faulty('flag', end, `${kind} without A`);
    if (mnId === undefined) return faulty('option-missing', end, `${kind} without Mobile Node Identifier`);
    if (counter === undefined) return faulty('option-missing', end, `${kind} without registration counter`);
    if (timestamp === undefined) return faulty('option-missing', end, `${kind} without Timestamp`);
    const common = {
      sequence: bu.sequence,
      lifetimeSeconds: bu.lifetime * LIFETIME_UNIT,
      mnId,
      counter,
      timestamp,
    };
    if (kind === 'sDBU') return parsed({ kind, ...common, homes, correspondents });
    if (maar === undefined) return faulty('option-missing', end, 'dDBU without Serving MAAR');
    return parsed({ kind, ...common, homes, maar, correspondents });
  }

  function parseAcknowledgement(ba: BindingAcknowledgement): Parsed<DistributedMessage> | 'not-distributed' {
    const role = roleOf(ba, roleOption(ba.options));
    if (role === undefined) return 'not-distributed';
    return role === 's' ? parseSDba(ba) : parseDDba(ba);
  }

  /** The role must be known before the options of an acknowledgement can be read as a whole. */
  function roleOption(options: readonly MobilityOption[]): 's' | 'd' | undefined {
    const roles = readFlat(
      options.filter((option) => option.kind === 'vendor'),
      enterprise,
    );
    return roles.ok ? roles.value.role : undefined;
  }

  function parseSDba(ba: BindingAcknowledgement): Parsed<SDba> {
    const content = readGrouped(ba.options, enterprise);
    if (!content.ok) return content;
    const { mnId = '', counter, part, homes } = content.value;
    const end = ba.options.length;
    if (counter === undefined) return faulty('option-missing', end, 'sDBA without registration counter');
    if (part === undefined) return faulty('option-missing', end, 'sDBA without part number');
    return parsed({
      kind: 'sDBA',
      status: ba.status,
      sequence: ba.sequence,
      lifetimeSeconds: ba.lifetime * LIFETIME_UNIT,
      mnId,
      counter,
      part: part.part,
      parts: part.parts,
      homes,
    });
  }

  function parseDDba(ba: BindingAcknowledgement): Parsed<DDba> {
    const content = readFlat(ba.options, enterprise);
    if (!content.ok) return content;
    const { mnId = '', counter, homes, correspondents, maar }: FlatContent = content.value;
    if (counter === undefined) {
      return faulty('option-missing', ba.options.length, 'dDBA without registration counter');
    }
    return parsed({
      kind: 'dDBA',
      status: ba.status,
      sequence: ba.sequence,
      lifetimeSeconds: ba.lifetime * LIFETIME_UNIT,
      mnId,
      counter,
      homes,
      correspondents,
      ...(maar === undefined ? {} : { moved: maar }),
    });
  }

  return {
    name,
    emit(message, src, dst) {
      switch (message.kind) {
        case 'sDBU':
        case 'dDBU':
          return [emitUpdate(message, src, dst)];
        case 'sDBA':
          return emitSDba(message, src, dst);
        case 'dDBA': {
          const { homes, correspondents } = checked(message);
          const options: MobilityOption[] = [
            ...headOptions(message),
            ...homeOptions(homes),
            ...(message.moved === undefined
              ? []
              : [{ kind: 'serving-maar', address: message.moved } as const]),
            ...correspondentOptions(correspondents),
          ];
          return [emitAcknowledgement(message, options, src, dst)];
        }
      }
    },
    parse(mobility) {
      if (mobility.kind === 'BU') {
        return (mobility.flags & layout.update.d) === 0 ? 'not-distributed' : parseUpdate(mobility);
      }
      return mobility.kind === 'BA' ? parseAcknowledgement(mobility) : 'not-distributed';
    },
    refuse(mobility) {
      if (mobility.kind !== 'BU') return undefined;
      const role = roleOf(mobility, roleOption(mobility.options));
      if (role === undefined) return undefined;
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
    },
  };
}

type Lists = { readonly homes: readonly Prefix[]; readonly correspondents: readonly Prefix[] };

function exceeds({ homes, correspondents }: Lists): boolean {
  return homes.length + correspondents.length > PREFIXES_PER_MESSAGE;
}

function checked(message: Lists & { readonly kind: string }): Lists {
  if (!exceeds(message)) return message;
  throw new RangeError(`a ${message.kind} names at most ${PREFIXES_PER_MESSAGE} prefixes`);
}

function homeOptions(prefixes: readonly Prefix[]): MobilityOption[] {
  return prefixes.map((prefix) => ({ kind: 'home-network-prefix', prefix }));
}

function correspondentOptions(prefixes: readonly Prefix[]): MobilityOption[] {
  return prefixes.map((prefix) => ({ kind: 'anchored-prefix', prefix }));
}

/** Rounded up, so that less than a unit does not become the 0 of a de-registration. */
function lifetimeUnits(seconds: number): number {
  return Math.min(Math.ceil(seconds / LIFETIME_UNIT), MAX_LIFETIME_UNITS);
}
