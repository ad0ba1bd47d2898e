import type { Address, Prefix } from '../../../../bindings/entries.ts';
import { readAddress } from '../../../wire/address.ts';
import type { MobilityMessage } from '../../../wire/mobility/message.ts';
import { parseMobilityOptions } from '../../../wire/mobility/options.ts';
import type { MobilityOption } from '../../../wire/mobility/options.ts';
import {
  BA_FLAG,
  BU_FLAG,
  HACK_FLAG,
  HI_FLAG,
  LIFETIME_UNIT,
  UPN_REASON,
} from '../../../wire/mobility/registry.ts';
import { faulty, parsed } from '../../../wire/result.ts';
import type { Parsed } from '../../../wire/result.ts';
import {
  ENTERPRISE,
  EXPERIMENT,
  EXPERIMENT_AT,
  MAX_PREFIXES,
  MAX_ROUTING_SECONDS,
  QUERY_REGISTER,
  SESSION_AT,
  SESSION_OCTETS,
  VENDOR_SUBTYPE,
} from './constants.ts';
import type { NumberItem } from './constants.ts';
import { isAnswer } from './message.ts';
import type { Binding, HandedHome, HandedSession, LocationMessage } from './message.ts';

/** What the options of a message say: lists in their order, all else at most once. */
interface Content {
  mnId?: string;
  timestamp?: number;
  locator?: Address;
  counter?: number;
  remaining?: number;
  ticket?: number;
  clock?: number;
  handoff?: number;
  accessTechnology?: number;
  /** Valid lifetimes of the Home Network Prefixes, in their order. */
  valid?: readonly number[];
  readonly sessions: HandedSession[];
  readonly prefixes: Prefix[];
  readonly delegated: Prefix[];
  readonly primary: Prefix[];
}

/** Fields of an Experimental Mobility Header of ours. */
interface Experiment {
  readonly kind: keyof typeof EXPERIMENT;
  readonly sequence: number;
  readonly flags: number;
  readonly lifetime: number;
}

/**
 * Reads a Mobility Header as a message of location management; 'other' if it is none: another type, a Binding Update
 * or Acknowledgement without P, a notification for another reason, somebody else's experiment. Never throws.
 * Offsets in faults are indices of options.
 */
export function parseLocation(mobility: MobilityMessage): Parsed<LocationMessage> | 'other' {
  let { options } = mobility;
  let experiment: Experiment | undefined;
  if (mobility.kind === 'EXP') {
    experiment = readExperiment(mobility.data);
    if (experiment === undefined) return 'other';
    const list = parseMobilityOptions(mobility.data, EXPERIMENT_AT.options - EXPERIMENT_AT.sequence);
    if (!list.ok) return list;
    options = list.value;
  }
  if (mobility.kind === 'UPN' && mobility.reason !== UPN_REASON.updateSessionParameters) return 'other';
  const content = readOptions(options);
  if (!content.ok) return content;
  const { timestamp } = content.value;
  if (timestamp === undefined) return missing('Timestamp', options);
  const message = messageOf(mobility, experiment, { ...content.value, timestamp });
  if (message === 'other') return message;
  if ('lacks' in message) return missing(message.lacks, options);
  const { clock } = content.value;
  return parsed(clock !== undefined && isAnswer(message) ? { ...message, clock } : message);
}

/** In place of a message: the option without which it has no meaning. */
interface Lacking {
  readonly lacks: string;
}

function missing(what: string, options: readonly MobilityOption[]): Parsed<never> {
  return faulty('option-missing', options.length, what);
}

function readExperiment(data: Uint8Array): Experiment | undefined {
  const at = (field: keyof typeof EXPERIMENT_AT): number => EXPERIMENT_AT[field] - EXPERIMENT_AT.sequence;
  if (data.length < at('options')) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const code = view.getUint8(at('code'));
  const kind = (Object.keys(EXPERIMENT) as (keyof typeof EXPERIMENT)[]).find((k) => EXPERIMENT[k] === code);
  if (kind === undefined || view.getUint32(at('enterprise')) !== ENTERPRISE) return undefined;
  return {
    kind,
    sequence: view.getUint16(at('sequence')),
    flags: view.getUint8(at('flags')),
    lifetime: view.getUint16(at('lifetime')),
  };
}

function messageOf(
  mobility: MobilityMessage,
  experiment: Experiment | undefined,
  content: Content & { readonly timestamp: number },
): LocationMessage | Lacking | 'other' {
  const { timestamp } = content;
  switch (mobility.kind) {
    case 'BU':
    case 'BA': {
      const flag = mobility.kind === 'BU' ? BU_FLAG.P : BA_FLAG.P;
      if ((mobility.flags & flag) === 0) return 'other';
      const { mnId, counter, handoff, accessTechnology, prefixes, delegated, locator } = content;
      if (mnId === undefined || mnId === '') return { lacks: 'Mobile Node Identifier' };
      if (handoff === undefined) return { lacks: 'Handoff Indicator' };
      if (accessTechnology === undefined) return { lacks: 'Access Technology Type' };
      if (counter === undefined) return { lacks: 'registration counter' };
      const { sequence } = mobility;
      const lifetimeSeconds = mobility.lifetime * LIFETIME_UNIT;
      const session = {
        ...{ sequence, timestamp, lifetimeSeconds, mnId, counter },
        ...{ handoff, accessTechnology, prefixes, delegated },
      };
      if (mobility.kind === 'BA') return { kind: 'PBA', status: mobility.status, ...session };
      return locator === undefined
        ? { lacks: 'Alternate Care-of Address' }
        : { kind: 'PBU', locator, ...session };
    }
    case 'UPN': {
      const { sequence, retransmission } = mobility;
      const binding = bindingOf(content);
      if (binding === undefined) return { lacks: 'Home Network Prefix' };
      return 'lacks' in binding ? binding : { kind: 'UPN', sequence, timestamp, retransmission, binding };
    }
    case 'LRI': {
      const { sequence, lifetime } = mobility;
      const binding = bindingOf({ ...content, remaining: Math.min(lifetime, MAX_ROUTING_SECONDS) });
      if (binding === undefined) return { lacks: 'Home Network Prefix' };
      return 'lacks' in binding ? binding : { kind: 'LRI', sequence, timestamp, binding };
    }
    case 'LRA': {
      const { sequence, status, lifetime: lifetimeSeconds } = mobility;
      return { kind: 'LRA', sequence, timestamp, status, lifetimeSeconds };
    }
    case 'HI':
    case 'HAck':
      return handoverOf(mobility, content);
    case 'UPA':
      return { kind: 'UPA', sequence: mobility.sequence, timestamp, status: mobility.status };
    case 'EXP':
      return experiment === undefined ? 'other' : experimentOf(experiment, content);
    default:
      return 'other';
  }
}

function handoverOf(
  mobility: Extract<MobilityMessage, { kind: 'HI' | 'HAck' }>,
  content: Content & { readonly timestamp: number },
): LocationMessage | Lacking | 'other' {
  const flag = mobility.kind === 'HI' ? HI_FLAG.P : HACK_FLAG.P;
  if ((mobility.flags & flag) === 0) return 'other';
  const { timestamp, mnId, counter, sessions } = content;
  const { sequence } = mobility;
  if (mnId === undefined || mnId === '') return { lacks: 'Mobile Node Identifier' };
  if (counter === undefined) return { lacks: 'registration counter' };
  if (mobility.kind === 'HI') return { kind: 'HI', sequence, timestamp, mnId, counter };
  const homes = homesOf(content);
  if (homes === undefined) return { lacks: 'valid lifetime of a Home Network Prefix' };
  if (sessions.some((session) => session.homes.some((home) => home >= homes.length))) {
    return { lacks: 'Home Network Prefix of a session' };
  }
  return { kind: 'HAck', sequence, timestamp, status: mobility.code, mnId, counter, homes, sessions };
}

/** The homes that are handed over; undefined unless each has its lifetime. */
function homesOf({ prefixes, valid = [] }: Content): HandedHome[] | undefined {
  if (prefixes.length !== valid.length) return undefined;
  return prefixes.map((prefix, index) => ({ prefix, validSeconds: valid[index]! }));
}

function experimentOf(
  { kind, sequence, flags, lifetime }: Experiment,
  content: Content & { readonly timestamp: number },
): LocationMessage | Lacking {
  const { timestamp, mnId, ticket, primary } = content;
  const common = { sequence, timestamp, lifetimeSeconds: lifetime * LIFETIME_UNIT };
  switch (kind) {
    case 'PBQ': {
      const register = (flags & QUERY_REGISTER) !== 0;
      const [where] = content.prefixes;
      if (mnId === undefined && (register || where === undefined)) return { lacks: 'Mobile Node Identifier' };
      return {
        ...{ kind, register, ...common },
        ...(mnId === undefined ? {} : { mnId }),
        ...(where === undefined ? {} : { where }),
      };
    }
    case 'PQA': {
      const binding = bindingOf(content);
      if (binding !== undefined && 'lacks' in binding) return binding;
      return {
        ...{ kind, status: flags, ...common },
        ...(ticket === undefined ? {} : { ticket }),
        ...(binding === undefined ? {} : { binding }),
      };
    }
    case 'LPJ':
      return { kind, ...common, primary };
    case 'LPA':
      return { kind, status: flags, ...common, primary };
  }
}

/** The binding that the options hold, undefined if they name no prefix, or what it lacks. */
function bindingOf(content: Content): Binding | Lacking | undefined {
  const { prefixes, delegated, locator, counter, remaining } = content;
  if (prefixes.length + delegated.length === 0) return undefined;
  if (locator === undefined) return { lacks: 'Serving MAAR, or MAG IPv6 Address' };
  if (counter === undefined) return { lacks: 'registration counter' };
  if (remaining === undefined) return { lacks: 'remaining lifetime' };
  return { prefixes, delegated, locator, counter, lifetimeSeconds: remaining };
}

function readOptions(options: readonly MobilityOption[]): Parsed<Content> {
  const content: Content = { prefixes: [], delegated: [], primary: [], sessions: [] };
  let prefixes = 0;
  for (const [index, option] of options.entries()) {
    let free = true;
    /** Sets a field that may be set once. */
    const once = <K extends keyof Content>(key: K, value: Content[K]): boolean => {
      const unset = content[key] === undefined;
      content[key] = value;
      return unset;
    };
    switch (option.kind) {
      case 'mn-id':
        free = once('mnId', option.id);
        break;
      case 'timestamp':
        free = once('timestamp', option.millis);
        break;
      case 'alternate-coa':
      case 'serving-maar':
      case 'mag-address':
        free = once('locator', option.address);
        break;
      case 'handoff-indicator':
        free = once('handoff', option.value);
        break;
      case 'access-technology':
        free = once('accessTechnology', option.value);
        break;
      case 'home-network-prefix':
      case 'delegated-prefix':
      case 'mobile-network-prefix':
        if (++prefixes > MAX_PREFIXES) return faulty('too-many', index, 'prefixes');
        content[LIST_OF[option.kind]].push(option.prefix);
        break;
      case 'vendor': {
        const item = option.enterprise === ENTERPRISE ? ITEM_OF.get(option.subtype) : undefined;
        if (item === undefined) break;
        if (item === 'session') {
          const session = readSession(option.data);
          if (session === undefined) return faulty('option-value', index, item);
          if (content.sessions.push(session) > MAX_PREFIXES) return faulty('too-many', index, 'sessions');
          break;
        }
        if (item === 'valid') {
          const valid = readSeconds(option.data);
          if (valid === undefined) return faulty('option-value', index, item);
          free = once(item, valid);
          break;
        }
        const value = readNumber(item, option.data);
        if (value === undefined) return faulty('option-value', index, item);
        free = once(item, value);
        break;
      }
      default:
        break;
    }
    if (!free) return faulty('option-repeated', index, option.kind);
  }
  return parsed(content);
}

const LIST_OF = {
  'home-network-prefix': 'prefixes',
  'delegated-prefix': 'delegated',
  'mobile-network-prefix': 'primary',
} as const;

const ITEM_OF = new Map<number, keyof typeof VENDOR_SUBTYPE>(
  Object.entries(VENDOR_SUBTYPE).map(([item, subtype]) => [subtype, item as keyof typeof VENDOR_SUBTYPE]),
);

function readSeconds(data: Uint8Array): number[] | undefined {
  if (data.length % 4 !== 0) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: data.length / 4 }, (_, index) => view.getUint32(4 * index));
}

function readSession(data: Uint8Array): HandedSession | undefined {
  if (data.length !== SESSION_OCTETS) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const counter = Number(view.getBigUint64(SESSION_AT.counter));
  if (!Number.isSafeInteger(counter)) return undefined;
  const bits = view.getUint32(SESSION_AT.homes);
  const homes = Array.from({ length: 32 }, (_, home) => home).filter((home) => (bits >>> home) & 1);
  return { cn: readAddress(data, SESSION_AT.cn), maar: readAddress(data, SESSION_AT.maar), counter, homes };
}

function readNumber(item: NumberItem, data: Uint8Array): number | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (item === 'remaining') return data.length === 4 ? view.getUint32(0) : undefined;
  if (data.length !== 8) return undefined;
  const value = Number(view.getBigUint64(0));
  return Number.isSafeInteger(value) ? value : undefined;
}
