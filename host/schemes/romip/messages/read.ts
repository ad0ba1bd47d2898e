import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { MobilityOption } from '../../../wire/mobility/options.ts';
import { faulty, parsed } from '../../../wire/result.ts';
import type { Parsed } from '../../../wire/result.ts';
import { MAX_PARTS } from './constants.ts';
import type { Role } from './layout.ts';
import type { CorrespondentBinding, HomeBinding } from './message.ts';
import { readVendor } from './vendor.ts';

/** What the options of a DBU or a dDBA say: lists in the order of the options, all else at most once. */
export interface FlatContent {
  mnId?: string;
  counter?: number;
  role?: Role;
  timestamp?: number;
  maar?: Address;
  readonly homes: Prefix[];
  readonly correspondents: Prefix[];
}

/** What the options of an sDBA say. */
export interface GroupedContent {
  mnId?: string;
  counter?: number;
  role?: Role;
  part?: { readonly part: number; readonly parts: number };
  readonly homes: HomeBinding[];
}

/** Sets a field that may be set once; true if it was free. */
function setOnce<T extends object, K extends keyof T>(target: T, key: K, value: T[K]): boolean {
  if (target[key] !== undefined) return false;
  target[key] = value;
  return true;
}

const repeated = (index: number, what: string): Parsed<never> => faulty('option-repeated', index, what);

/**
 * Reads the options of a DBU or a dDBA. Their kinds do not depend on each other, so any order does; kinds that mean
 * nothing here are skipped. Offsets in faults are indices of options.
 */
export function readFlat(options: readonly MobilityOption[], enterprise: number): Parsed<FlatContent> {
  const content: FlatContent = { homes: [], correspondents: [] };
  for (const [index, option] of options.entries()) {
    let free = true;
    switch (option.kind) {
      case 'mn-id':
        free = setOnce(content, 'mnId', option.id);
        break;
      case 'timestamp':
        free = setOnce(content, 'timestamp', option.millis);
        break;
      case 'serving-maar':
        free = setOnce(content, 'maar', option.address);
        break;
      case 'home-network-prefix':
        content.homes.push(option.prefix);
        break;
      case 'anchored-prefix':
        content.correspondents.push(option.prefix);
        break;
      case 'vendor': {
        const vendor = readVendor(enterprise, option);
        if (vendor === undefined) return faulty('option-value', index, `vendor subtype ${option.subtype}`);
        if (vendor === 'foreign') break;
        if (vendor.item === 'registrationCounter') free = setOnce(content, 'counter', vendor.counter);
        else if (vendor.item === 'role') free = setOnce(content, 'role', vendor.role);
        break;
      }
      default:
        break;
    }
    if (!free) return repeated(index, option.kind);
  }
  return parsed(content);
}

/**
 * Reads the options of an sDBA. Each Home Network Prefix opens a home and each Anchored Prefix a correspondent of
 * it; what describes them follows in any order before the next one opens. What describes the whole message may
 * stand anywhere. Offsets in faults are indices of options.
 */
export function readGrouped(options: readonly MobilityOption[], enterprise: number): Parsed<GroupedContent> {
  const content: GroupedContent = { homes: [] };
  const reader = new GroupReader();
  for (const [index, option] of options.entries()) {
    let problem: Parsed<never> | undefined;
    let free = true;
    switch (option.kind) {
      case 'mn-id':
        free = setOnce(content, 'mnId', option.id);
        break;
      case 'home-network-prefix':
        problem = reader.openHome(index, option.prefix);
        break;
      case 'anchored-prefix':
        problem = reader.openCorrespondent(index, option.prefix);
        break;
      case 'serving-maar':
        problem = reader.describeCorrespondent(index, 'maar', option.address);
        break;
      case 'vendor': {
        const vendor = readVendor(enterprise, option);
        if (vendor === undefined) return faulty('option-value', index, `vendor subtype ${option.subtype}`);
        if (vendor === 'foreign') break;
        switch (vendor.item) {
          case 'registrationCounter':
            free = setOnce(content, 'counter', vendor.counter);
            break;
          case 'role':
            free = setOnce(content, 'role', vendor.role);
            break;
          case 'part':
            if (vendor.part < 1 || vendor.part > vendor.parts || vendor.parts > MAX_PARTS) {
              return faulty('option-value', index, `part ${vendor.part} of ${vendor.parts}`);
            }
            free = setOnce(content, 'part', vendor);
            break;
          case 'homeLifetime':
            problem = reader.describeHome(index, vendor.seconds);
            break;
          case 'correspondentCounter':
            problem = reader.describeCorrespondent(index, 'counter', vendor.counter);
            break;
        }
        break;
      }
      default:
        break;
    }
    if (!free) return repeated(index, option.kind);
    if (problem !== undefined) return problem;
  }
  const problem = reader.closeHome(options.length);
  if (problem !== undefined) return problem;
  content.homes.push(...reader.homes);
  return parsed(content);
}

/** Builds the homes of an sDBA from its options in order; every method returns the fault, if any. */
class GroupReader {
  readonly homes: HomeBinding[] = [];
  private home: { hoa: Prefix; validSeconds?: number; correspondents: CorrespondentBinding[] } | undefined;
  private correspondent: { hoa: Prefix; maar?: Address; counter?: number } | undefined;

  openHome(index: number, hoa: Prefix): Parsed<never> | undefined {
    const problem = this.closeHome(index);
    this.home = { hoa, correspondents: [] };
    return problem;
  }

  openCorrespondent(index: number, hoa: Prefix): Parsed<never> | undefined {
    if (this.home === undefined) return faulty('option-order', index, 'Anchored Prefix before any home');
    const problem = this.closeCorrespondent(index);
    this.correspondent = { hoa };
    return problem;
  }

  describeHome(index: number, seconds: number): Parsed<never> | undefined {
    if (this.home === undefined) return faulty('option-order', index, 'home lifetime before any home');
    return setOnce(this.home, 'validSeconds', seconds) ? undefined : repeated(index, 'home lifetime');
  }

  describeCorrespondent<K extends 'maar' | 'counter'>(
    index: number,
    key: K,
    value: CorrespondentBinding[K],
  ): Parsed<never> | undefined {
    if (this.correspondent === undefined) {
      return faulty('option-order', index, `${key} of a correspondent before any correspondent`);
    }
    const free = setOnce<{ maar?: Address; counter?: number }, K>(this.correspondent, key, value);
    return free ? undefined : repeated(index, `${key} of a correspondent`);
  }

  closeHome(index: number): Parsed<never> | undefined {
    const problem = this.closeCorrespondent(index);
    if (problem !== undefined || this.home === undefined) return problem;
    const { hoa, validSeconds, correspondents } = this.home;
    if (validSeconds === undefined) return faulty('option-missing', index, `lifetime of home ${hoa}`);
    this.homes.push({ hoa, validSeconds, correspondents });
    this.home = undefined;
    return undefined;
  }

  private closeCorrespondent(index: number): Parsed<never> | undefined {
    if (this.correspondent === undefined) return undefined;
    const { hoa, maar, counter } = this.correspondent;
    if (maar === undefined) return faulty('option-missing', index, `MAAR of correspondent ${hoa}`);
    if (counter === undefined) return faulty('option-missing', index, `counter of correspondent ${hoa}`);
    this.home!.correspondents.push({ hoa, maar, counter });
    this.correspondent = undefined;
    return undefined;
  }
}
