import type { Address, Prefix } from '../../../bindings/entries.ts';
import { contains, isLinkLocal } from '../../wire/address.ts';

/** RFC 4862 section 5.5.3 (e): an unauthenticated RA cannot bring the valid lifetime below two hours. */
const TWO_HOURS = 7_200_000;
const INFINITE_SECONDS = 0xffff_ffff;

export interface HostAddress {
  readonly address: Address;
  readonly prefix: Prefix;
  tentative: boolean;
  /** Milliseconds of virtual time. */
  preferredUntil: number;
  validUntil: number;
}

/** The addresses of one interface, oldest first. */
export class AddressTable {
  #addresses: HostAddress[] = [];

  add(address: HostAddress): void {
    this.#addresses.push(address);
  }

  remove(address: Address): void {
    this.#addresses = this.#addresses.filter((other) => other.address !== address);
  }

  clear(): void {
    this.#addresses = [];
  }

  /** Those whose valid lifetime lasts. */
  list(now: number): readonly HostAddress[] {
    if (this.#addresses.some((address) => address.validUntil <= now)) {
      this.#addresses = this.#addresses.filter((address) => address.validUntil > now);
    }
    return this.#addresses;
  }

  find(address: Address, now: number): HostAddress | undefined {
    return this.list(now).find((own) => own.address === address);
  }

  inPrefix(prefix: Prefix, now: number): HostAddress | undefined {
    return this.list(now).find((own) => contains(prefix, own.address));
  }

  linkLocal(now: number): HostAddress | undefined {
    return this.list(now).find((own) => isLinkLocal(own.address));
  }

  /**
   * The source of a new session to `destination`, RFC 6724 section 5: matching scope (rule 2), then not deprecated
   * (rule 3), then the newest, as Linux takes the head of a list to which it adds in front.
   */
  source(destination: Address, now: number): Address | undefined {
    const local = isLinkLocal(destination);
    const usable = this.list(now).filter((own) => !own.tentative && isLinkLocal(own.address) === local);
    return (usable.findLast((own) => own.preferredUntil > now) ?? usable.at(-1))?.address;
  }
}

/** Applies the lifetimes of a prefix option (seconds) to an address that exists, RFC 4862 section 5.5.3 (e). */
export function refresh(
  address: HostAddress,
  option: { readonly preferredSeconds: number; readonly validSeconds: number },
  now: number,
): void {
  address.preferredUntil = expiry(option.preferredSeconds, now);
  const offered = expiry(option.validSeconds, now);
  if (offered > now + TWO_HOURS || offered > address.validUntil) address.validUntil = offered;
  else if (address.validUntil > now + TWO_HOURS) address.validUntil = now + TWO_HOURS;
}

/** When a lifetime in seconds that begins `now` ends. */
export function expiry(seconds: number, now: number): number {
  return seconds === INFINITE_SECONDS ? Infinity : now + seconds * 1000;
}
