import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { IPV6_HEADER, IPV6_MINIMUM_MTU } from '../../../wire/ipv6.ts';
import { emitMobility } from '../../../wire/mobility/message.ts';
import { emitMobilityOptions } from '../../../wire/mobility/options.ts';
import type { MobilityOption } from '../../../wire/mobility/options.ts';
import { BU_FLAG, LIFETIME_UNIT } from '../../../wire/mobility/registry.ts';
import { PREFIXES_PER_MESSAGE } from './constants.ts';
import type { Wire } from './layout.ts';
import type { DDba, DDbu, DistributedMessage, HomeBinding, SDba, SDbu } from './message.ts';
import { splitHomes } from './parts.ts';
import { vendorOption } from './vendor.ts';

const MAX_LIFETIME_UNITS = 0xffff;
/** Fixed part of BU and BA, octets. */
const OPTIONS_AT = 12;
/** Padding between the options of the whole message and those of its first home, at most. */
const SLACK = 8;

/** Writes a message as one or more Mobility Headers; see `Profile.emit`. The order of options is normative. */
export function emitDistributed(
  wire: Wire,
  message: DistributedMessage,
  src: Address,
  dst: Address,
): Uint8Array[] {
  switch (message.kind) {
    case 'sDBU':
    case 'dDBU':
      return [emitUpdate(wire, message, src, dst)];
    case 'sDBA':
      return emitSDba(wire, message, src, dst);
    case 'dDBA': {
      const options = [...headOptions(wire, message), ...listOptions(message, message.moved)];
      return [emitAcknowledgement(wire, message, options, src, dst)];
    }
  }
}

function emitUpdate(wire: Wire, message: SDbu | DDbu, src: Address, dst: Address): Uint8Array {
  const toCorrespondent = message.kind === 'dDBU';
  const everything = !toCorrespondent && exceeds(message);
  const { d, e = 0 } = wire.layout.update;
  const options: MobilityOption[] = [
    ...headOptions(wire, message),
    { kind: 'timestamp', millis: message.timestamp },
    ...(everything ? [] : listOptions(message, toCorrespondent ? message.maar : undefined)),
  ];
  const flags = BU_FLAG.A | d | (toCorrespondent ? e : 0);
  const lifetime = lifetimeUnits(message.lifetimeSeconds);
  return emitMobility({ kind: 'BU', sequence: message.sequence, flags, lifetime, options }, src, dst);
}

function emitSDba(wire: Wire, message: SDba, src: Address, dst: Address): Uint8Array[] {
  const head = (part: number, parts: number): MobilityOption[] => [
    ...headOptions(wire, message),
    vendorOption(wire.enterprise, { item: 'part', part, parts }),
  ];
  const fixed = OPTIONS_AT + emitMobilityOptions(head(1, 1), OPTIONS_AT).length;
  const split = splitHomes(message.homes, IPV6_MINIMUM_MTU - IPV6_HEADER - fixed - SLACK);
  return split.map((homes, index) => {
    const groups = homes.flatMap((home) => groupOptions(wire, home));
    return emitAcknowledgement(wire, message, [...head(index + 1, split.length), ...groups], src, dst);
  });
}

function emitAcknowledgement(
  wire: Wire,
  message: SDba | DDba,
  options: readonly MobilityOption[],
  src: Address,
  dst: Address,
): Uint8Array {
  const { status, sequence } = message;
  const { d, e = 0 } = wire.layout.acknowledgement;
  const flags = d | (message.kind === 'dDBA' ? e : 0);
  const lifetime = lifetimeUnits(message.lifetimeSeconds);
  return emitMobility({ kind: 'BA', status, flags, sequence, lifetime, options }, src, dst);
}

/** What says whose message this is, first in every one of them. */
function headOptions(wire: Wire, message: DistributedMessage): MobilityOption[] {
  const update = message.kind === 'sDBU' || message.kind === 'dDBU';
  const { e } = update ? wire.layout.update : wire.layout.acknowledgement;
  const role = message.kind === 'sDBU' || message.kind === 'sDBA' ? 's' : 'd';
  const counter = message.counter;
  return [
    // A refused update may have named no MN, and its DBA then names none either.
    ...(message.mnId === '' ? [] : [{ kind: 'mn-id', id: message.mnId } as const]),
    vendorOption(wire.enterprise, { item: 'registrationCounter', counter }),
    ...(e === undefined ? [vendorOption(wire.enterprise, { item: 'role', role })] : []),
  ];
}

function groupOptions(wire: Wire, home: HomeBinding): MobilityOption[] {
  return [
    { kind: 'home-network-prefix', prefix: home.hoa },
    vendorOption(wire.enterprise, { item: 'homeLifetime', seconds: home.validSeconds }),
    ...home.correspondents.flatMap(({ hoa, maar, counter }): MobilityOption[] => [
      { kind: 'anchored-prefix', prefix: hoa },
      { kind: 'serving-maar', address: maar },
      vendorOption(wire.enterprise, { item: 'correspondentCounter', counter }),
    ]),
  ];
}

interface Lists {
  readonly kind: string;
  readonly homes: readonly Prefix[];
  readonly correspondents: readonly Prefix[];
}

function exceeds({ homes, correspondents }: Lists): boolean {
  return homes.length + correspondents.length > PREFIXES_PER_MESSAGE;
}

function listOptions(message: Lists, maar: Address | undefined): MobilityOption[] {
  if (exceeds(message)) {
    throw new RangeError(`a ${message.kind} names at most ${PREFIXES_PER_MESSAGE} prefixes`);
  }
  return [
    ...message.homes.map((prefix) => ({ kind: 'home-network-prefix', prefix }) as const),
    ...(maar === undefined ? [] : [{ kind: 'serving-maar', address: maar } as const]),
    ...message.correspondents.map((prefix) => ({ kind: 'anchored-prefix', prefix }) as const),
  ];
}

/** Rounded up, so that less than a unit does not become the 0 of a de-registration. */
function lifetimeUnits(seconds: number): number {
  return Math.min(Math.ceil(seconds / LIFETIME_UNIT), MAX_LIFETIME_UNITS);
}
