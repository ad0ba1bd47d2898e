/** One packet as it is put on a link. */
export interface SeenPacket {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly link: string;
  /** Node at the sending end. */
  readonly sender: string;
  /** From the IPv6 header on. Nobody writes to a packet once it is on a link. */
  readonly data: Uint8Array;
}

interface Filter {
  readonly name: string;
  readonly matches: (packet: SeenPacket) => boolean;
  left: number;
}

/** Where every link reports its packets: keeps them, and drops what a fault asks for. */
export class Taps {
  readonly packets: SeenPacket[] = [];
  readonly #now: () => number;
  readonly #dropped: (filter: string, packet: SeenPacket) => void;
  #filters: Filter[] = [];

  constructor(now: () => number, dropped: (filter: string, packet: SeenPacket) => void) {
    this.#now = now;
    this.#dropped = dropped;
  }

  /** Drops the next `count` packets that `matches`, on any link. A dropped packet is still in the capture, as at its sender. */
  drop(name: string, matches: (packet: SeenPacket) => boolean, count: number): void {
    this.#filters.push({ name, matches, left: count });
  }

  /** Records a packet; false if a fault takes it off the link. */
  offer(link: string, sender: string, data: Uint8Array): boolean {
    const packet = { at: this.#now(), link, sender, data };
    this.packets.push(packet);
    if (this.#filters.length === 0) return true;
    const filter = this.#filters.find((candidate) => candidate.matches(packet));
    if (filter === undefined) return true;
    if (--filter.left === 0) this.#filters = this.#filters.filter((other) => other !== filter);
    this.#dropped(filter.name, packet);
    return false;
  }
}
