import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { Registration } from '../../functions/lm/store.ts';
import { readAddress, readPrefix } from '../../wire/address.ts';
import { seededRandom } from '../random.ts';
import type { Grid } from './grid.ts';

/** 2001:db8::/32: third and fourth group. Routers are in a network that no MN has its home in. */
const ROUTERS = 0xffff;
const LM = 0xfffe;

function address(third: number, fourth: number, last: number): Uint8Array {
  const octets = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, ...new Uint8Array(12));
  const view = new DataView(octets.buffer);
  view.setUint16(4, third);
  view.setUint16(6, fourth);
  view.setUint32(12, last);
  return octets;
}

/** All MNs of the domain: who they are, where they are at home, where they are. */
export class Population {
  readonly maars: readonly Address[];
  readonly servers: readonly Address[];
  /** The cell that each MN is in. */
  readonly cells: Int32Array;
  readonly #grid: Grid;
  readonly #cellOf: ReadonlyMap<Address, number>;

  constructor(grid: Grid, nodes: number, seed: number) {
    const named = (count: number, fourth: number): Address[] =>
      Array.from({ length: count }, (_, index) => readAddress(address(ROUTERS, fourth, index + 1)));
    this.#grid = grid;
    this.maars = named(grid.cells, 0);
    this.servers = named(grid.networks, LM);
    this.#cellOf = new Map(this.maars.map((maar, cell) => [maar, cell]));
    const random = seededRandom(seed, 'places');
    this.cells = Int32Array.from({ length: nodes }, () => Math.floor(random() * grid.cells));
  }

  get size(): number {
    return this.cells.length;
  }

  cellOf(maar: Address): number {
    return this.#cellOf.get(maar)!;
  }

  /** The cell whose MAAR assigned the MN's prefix. */
  homeOf(node: number): number {
    return node % this.#grid.cells;
  }

  prefixOf(node: number): Prefix {
    return readPrefix(this.#octets(node, 0), 0, 64);
  }

  addressOf(node: number): Address {
    return readAddress(this.#octets(node, 1));
  }

  /** Prefixes of the MNs whose home is in a network. */
  primaryOf(network: number): Prefix {
    return readPrefix(address(network, 0, 0), 0, 48);
  }

  nameOf(node: number): string {
    return `mn${node}`;
  }

  nodeOf(name: string): number {
    return Number(name.slice(2));
  }

  /** With which an MN is registered at the beginning. */
  firstCounterOf(node: number): number {
    return node + 1;
  }

  /** Of the MNs at home in each network, the registrations where they are now. */
  registrations(expires: number): Registration[][] {
    const lists: Registration[][] = Array.from({ length: this.#grid.networks }, () => []);
    for (let node = 0; node < this.size; node++) {
      const maar = this.maars[this.cells[node]!]!;
      const network = this.#grid.networkOf(this.cells[node]!);
      const home = this.#grid.networkOf(this.homeOf(node));
      lists[home]!.push({
        mnId: this.nameOf(node),
        counter: this.firstCounterOf(node),
        locator: maar,
        // The server of another network passes updates on.
        by: network === home ? maar : this.servers[network]!,
        prefixes: [this.prefixOf(node)],
        delegated: [],
        expires,
        ended: false,
      });
    }
    return lists;
  }

  /** Numbers in the fourth group tell the MNs of one network apart. */
  #octets(node: number, last: number): Uint8Array {
    const home = this.homeOf(node);
    const network = this.#grid.networkOf(home);
    const perNetwork = this.#grid.cells / this.#grid.networks;
    const index = Math.floor(node / this.#grid.cells) * perNetwork + (home % perNetwork);
    return address(network, index, last);
  }
}
