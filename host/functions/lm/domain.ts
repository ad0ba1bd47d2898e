import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { MaarConfig } from '../../core/config.ts';
import { contains, splitPrefix } from '../../wire/address.ts';

/** Which MAAR assigns which prefixes: the anchor of any home address of the domain, without asking. */
export class Domain {
  readonly #owners: { readonly prefix: Prefix; readonly length: number; readonly maar: Address }[];
  readonly #names: Map<Address, string>;
  readonly self: Address;

  constructor(config: MaarConfig) {
    this.self = config.address;
    const routers = [
      { name: config.name, address: config.address, prefixes: [config.pool.prefix] },
      ...config.peers,
    ];
    this.#owners = routers
      .flatMap((router) =>
        router.prefixes.map((prefix) => ({
          prefix,
          length: splitPrefix(prefix).length,
          maar: router.address,
        })),
      )
      .sort((a, b) => b.length - a.length);
    this.#names = new Map(routers.map((router) => [router.address, router.name]));
  }

  /** The MAAR that assigned the address or prefix, or undefined outside the domain. */
  anchorOf(where: Address | Prefix): Address | undefined {
    return this.#owners.find((owner) => contains(owner.prefix, where))?.maar;
  }

  isPeer(address: Address): boolean {
    return address !== this.self && this.#names.has(address);
  }

  nameOf(address: Address): string {
    return this.#names.get(address) ?? address;
  }
}
