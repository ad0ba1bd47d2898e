import type { Random } from '../../core/machine.ts';

const SIDE = 5;
/** Cells, each with its MAAR, of one network. */
export const CELLS_PER_NETWORK = SIDE * SIDE;
const CENTRE = (CELLS_PER_NETWORK - 1) / 2;
const STEPS = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;

/**
 * Square cells on a torus, numbered network by network; a network is a square of cells. No cell is at an edge, so that any
 * network stands for all.
 */
export class Grid {
  readonly cells: number;
  readonly networks: number;
  readonly #columns: number;
  readonly #rows: number;

  /** `cells`: a multiple of CELLS_PER_NETWORK. */
  constructor(cells: number) {
    this.cells = cells;
    this.networks = cells / CELLS_PER_NETWORK;
    let rows = Math.floor(Math.sqrt(this.networks));
    while (this.networks % rows !== 0) rows--;
    this.#rows = rows * SIDE;
    this.#columns = (this.networks / rows) * SIDE;
  }

  networkOf(cell: number): number {
    return Math.floor(cell / CELLS_PER_NETWORK);
  }

  centreOf(network: number): number {
    return network * CELLS_PER_NETWORK + CENTRE;
  }

  /** One of the four cells beside this one. */
  neighbour(cell: number, random: Random): number {
    const [dx, dy] = STEPS[Math.floor(random() * STEPS.length)]!;
    const [x, y] = this.#place(cell);
    return this.#cellAt(wrap(x + dx, this.#columns), wrap(y + dy, this.#rows));
  }

  /** The cell of network `network` that lies where `cell` does in its own: what leaves over one edge comes in over the opposite one. */
  foldInto(network: number, cell: number): number {
    return network * CELLS_PER_NETWORK + (cell % CELLS_PER_NETWORK);
  }

  /** Steps between two cells. */
  distance(from: number, to: number): number {
    const [x1, y1] = this.#place(from);
    const [x2, y2] = this.#place(to);
    const across = Math.abs(x1 - x2);
    const down = Math.abs(y1 - y2);
    return Math.min(across, this.#columns - across) + Math.min(down, this.#rows - down);
  }

  #place(cell: number): readonly [x: number, y: number] {
    const network = this.networkOf(cell);
    const inside = cell % CELLS_PER_NETWORK;
    const wide = this.#columns / SIDE;
    return [
      (network % wide) * SIDE + (inside % SIDE),
      Math.floor(network / wide) * SIDE + Math.floor(inside / SIDE),
    ];
  }

  #cellAt(x: number, y: number): number {
    const network = Math.floor(y / SIDE) * (this.#columns / SIDE) + Math.floor(x / SIDE);
    return network * CELLS_PER_NETWORK + (y % SIDE) * SIDE + (x % SIDE);
  }
}

function wrap(value: number, modulus: number): number {
  return (value + modulus) % modulus;
}
