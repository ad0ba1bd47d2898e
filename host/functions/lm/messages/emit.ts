import { emitMobilityOptions } from '../../../wire/mobility/options.ts';
import type { MobilityOption } from '../../../wire/mobility/options.ts';
import type { MobilityMessage } from '../../../wire/mobility/message.ts';
import {
  BA_FLAG,
  BU_FLAG,
  HACK_FLAG,
  HI_FLAG,
  LIFETIME_UNIT,
  UPN_REASON,
} from '../../../wire/mobility/registry.ts';
import { writeAddress } from '../../../wire/address.ts';
import {
  CONTEXT_WANTED,
  ENTERPRISE,
  EXPERIMENT,
  EXPERIMENT_AT,
  MAX_ROUTING_SECONDS,
  QUERY_REGISTER,
  SESSION_AT,
  SESSION_OCTETS,
  VENDOR_SUBTYPE,
} from './constants.ts';
import type { NumberItem } from './constants.ts';
import { isAnswer } from './message.ts';
import type { Binding, HandedHome, HandedSession, LocationMessage } from './message.ts';

/**
 * The Mobility Header of a message. `last` are options to stand behind all others.
 * Throws a RangeError for what its fields cannot hold.
 */
export function toMobility(message: LocationMessage, last: readonly MobilityOption[] = []): MobilityMessage {
  const { sequence } = message;
  const options = [
    ...optionsOf(message),
    ...(isAnswer(message) && message.clock !== undefined ? [numberOption('clock', message.clock)] : []),
    { kind: 'timestamp', millis: message.timestamp } as const,
    ...last,
  ];
  switch (message.kind) {
    case 'PBU':
      return {
        kind: 'BU',
        sequence,
        flags: BU_FLAG.A | BU_FLAG.P,
        lifetime: units(message.lifetimeSeconds),
        options,
      };
    case 'PBA': {
      const { status } = message;
      return {
        kind: 'BA',
        status,
        flags: BA_FLAG.P,
        sequence,
        lifetime: units(message.lifetimeSeconds),
        options,
      };
    }
    case 'UPN': {
      const { retransmission } = message;
      const reason = UPN_REASON.updateSessionParameters;
      return { kind: 'UPN', sequence, reason, acknowledge: true, retransmission, options };
    }
    case 'UPA':
      return { kind: 'UPA', sequence, status: message.status, options };
    case 'LRI': {
      const lifetime = Math.min(message.binding.lifetimeSeconds, MAX_ROUTING_SECONDS);
      return { kind: 'LRI', sequence, lifetime, options };
    }
    case 'LRA': {
      const { status, lifetimeSeconds } = message;
      return { kind: 'LRA', sequence, unsolicited: false, status, lifetime: lifetimeSeconds, options };
    }
    case 'HI':
      return { kind: 'HI', sequence, flags: HI_FLAG.P, code: 0, options };
    case 'HAck':
      return { kind: 'HAck', sequence, flags: HACK_FLAG.P, code: message.status, options };
    case 'PBQ':
      return experiment(message, message.register ? QUERY_REGISTER : 0, options);
    case 'LPJ':
      return experiment(message, 0, options);
    case 'PQA':
    case 'LPA':
      return experiment(message, message.status, options);
  }
}

/** In units of the lifetime fields, rounded up: less than a unit must not become a de-registration. */
function units(seconds: number): number {
  return Math.ceil(seconds / LIFETIME_UNIT);
}

function experiment(
  message: Extract<LocationMessage, { kind: keyof typeof EXPERIMENT }>,
  flags: number,
  options: readonly MobilityOption[],
): MobilityMessage {
  const tail = emitMobilityOptions(options, EXPERIMENT_AT.options);
  const header = new Uint8Array(EXPERIMENT_AT.options + tail.length);
  const view = new DataView(header.buffer);
  view.setUint16(EXPERIMENT_AT.sequence, message.sequence);
  view.setUint32(EXPERIMENT_AT.enterprise, ENTERPRISE);
  view.setUint8(EXPERIMENT_AT.code, EXPERIMENT[message.kind]);
  view.setUint8(EXPERIMENT_AT.flags, flags);
  view.setUint16(EXPERIMENT_AT.lifetime, units(message.lifetimeSeconds));
  header.set(tail, EXPERIMENT_AT.options);
  return { kind: 'EXP', data: header.slice(EXPERIMENT_AT.sequence), options: [] };
}

function optionsOf(message: LocationMessage): MobilityOption[] {
  switch (message.kind) {
    case 'PBU':
    case 'PBA': {
      const { mnId, handoff, accessTechnology, counter } = message;
      return [
        { kind: 'mn-id', id: mnId },
        { kind: 'handoff-indicator', value: handoff },
        { kind: 'access-technology', value: accessTechnology },
        ...prefixOptions(message),
        ...(message.kind === 'PBU' ? [{ kind: 'alternate-coa', address: message.locator } as const] : []),
        numberOption('counter', counter),
      ];
    }
    case 'PBQ':
      return [
        ...(message.mnId === undefined ? [] : [{ kind: 'mn-id', id: message.mnId } as const]),
        ...(message.where === undefined
          ? []
          : [{ kind: 'home-network-prefix', prefix: message.where } as const]),
      ];
    case 'PQA':
      return [
        ...(message.ticket === undefined ? [] : [numberOption('ticket', message.ticket)]),
        ...(message.binding === undefined ? [] : bindingOptions(message.binding)),
      ];
    case 'UPN':
      return bindingOptions(message.binding);
    case 'LRI': {
      const { locator, counter } = message.binding;
      return [
        ...prefixOptions(message.binding),
        { kind: 'mag-address', address: locator },
        numberOption('counter', counter),
      ];
    }
    case 'HI': {
      const requests = CONTEXT_WANTED.map((type) => ({ type, data: Uint8Array.of() }));
      return [
        { kind: 'mn-id', id: message.mnId },
        { kind: 'context-request', requests },
        numberOption('counter', message.counter),
      ];
    }
    case 'HAck': {
      const { mnId, homes, sessions, counter } = message;
      return [
        { kind: 'mn-id', id: mnId },
        ...homes.map(({ prefix }) => ({ kind: 'home-network-prefix', prefix }) as const),
        ...(homes.length === 0 ? [] : [validOption(homes)]),
        ...sessions.map(sessionOption),
        numberOption('counter', counter),
      ];
    }
    case 'UPA':
    case 'LRA':
      return [];
    case 'LPJ':
    case 'LPA':
      return message.primary.map((prefix) => ({ kind: 'mobile-network-prefix', prefix }) as const);
  }
}

function prefixOptions({ prefixes, delegated }: Pick<Binding, 'prefixes' | 'delegated'>): MobilityOption[] {
  return [
    ...prefixes.map((prefix) => ({ kind: 'home-network-prefix', prefix }) as const),
    ...delegated.map((prefix) => ({ kind: 'delegated-prefix', prefix }) as const),
  ];
}

function bindingOptions(binding: Binding): MobilityOption[] {
  return [
    ...prefixOptions(binding),
    { kind: 'serving-maar', address: binding.locator },
    numberOption('counter', binding.counter),
    numberOption('remaining', binding.lifetimeSeconds),
  ];
}

/** 4 octets for each home, in the order of their Home Network Prefixes. */
function validOption(homes: readonly HandedHome[]): MobilityOption {
  const data = new Uint8Array(4 * homes.length);
  const view = new DataView(data.buffer);
  homes.forEach(({ validSeconds }, index) => view.setUint32(4 * index, validSeconds));
  return { kind: 'vendor', enterprise: ENTERPRISE, subtype: VENDOR_SUBTYPE.valid, data };
}

function sessionOption({ cn, maar, counter, homes }: HandedSession): MobilityOption {
  const data = new Uint8Array(SESSION_OCTETS);
  const view = new DataView(data.buffer);
  writeAddress(data, SESSION_AT.cn, cn);
  writeAddress(data, SESSION_AT.maar, maar);
  view.setBigUint64(SESSION_AT.counter, BigInt(counter));
  const bits = homes.reduce((set, home) => set | (1 << home), 0);
  view.setUint32(SESSION_AT.homes, bits);
  return { kind: 'vendor', enterprise: ENTERPRISE, subtype: VENDOR_SUBTYPE.session, data };
}

/** Counters and times of day take 8 octets, seconds 4. */
function numberOption(item: NumberItem, value: number): MobilityOption {
  const data = new Uint8Array(item === 'remaining' ? 4 : 8);
  const view = new DataView(data.buffer);
  if (item === 'remaining') view.setUint32(0, value);
  else view.setBigUint64(0, BigInt(value));
  return { kind: 'vendor', enterprise: ENTERPRISE, subtype: VENDOR_SUBTYPE[item], data };
}
