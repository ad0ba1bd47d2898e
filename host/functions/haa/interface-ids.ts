import type { Address, Prefix } from '../../../bindings/entries.ts';
import { addressBytes, prefixOf, readAddress, splitPrefix } from '../../wire/address.ts';
import { fnv1a } from './hash.ts';
import { MN_PREFIX_LENGTH } from './network.ts';

/** Declined addresses remembered, the oldest forgotten first: it may be offered, and declined, again. */
const MAX_DECLINED = 1_024;

/**
 * Interface identifiers that follow from the client, its association and the prefix: an association gets the same address
 * again from a MAAR that has lost all memory, and another one in each prefix, as RFC 7217 has it for hosts.
 */
export class InterfaceIds {
  /** How many identifiers of an association in a prefix were declined. */
  readonly #declined = new Map<string, number>();

  /** The address of an association in a prefix of its MN. */
  address(mnId: string, client: string, iaid: number, prefix: Prefix): Address {
    const name = `${prefix} ${mnId} ${client} ${iaid}`;
    for (let attempt = this.#declined.get(name) ?? 0; ; attempt++) {
      const id = fnv1a(`${name} ${attempt}`);
      if (isReserved(id)) continue;
      const bytes = addressBytes(splitPrefix(prefix).address);
      new DataView(bytes.buffer).setBigUint64(8, id);
      return readAddress(bytes, 0);
    }
  }

  /** The client has found the address on its link: another one next time. Nothing for an address that was not given. */
  decline(mnId: string, client: string, iaid: number, address: Address): void {
    const prefix = prefixOf(address, MN_PREFIX_LENGTH);
    if (this.address(mnId, client, iaid, prefix) !== address) return;
    const name = `${prefix} ${mnId} ${client} ${iaid}`;
    this.#declined.set(name, (this.#declined.get(name) ?? 0) + 1);
    const [oldest] = this.#declined.keys();
    if (this.#declined.size > MAX_DECLINED && oldest !== undefined) this.#declined.delete(oldest);
  }
}

/** RFC 5453 and the subnet-router anycast address. */
function isReserved(id: bigint): boolean {
  const etherOui = id >= 0x02005efffe000000n && id <= 0x02005efffeffffffn;
  return id === 0n || etherOui || (id >= 0xfdffffffffffff80n && id <= 0xfdffffffffffffffn);
}
