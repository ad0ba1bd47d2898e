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

/**
 * What becomes of a packet on a link: how much later than usual each copy arrives, in milliseconds; none if it is lost. A copy
 * may carry other octets than the packet.
 */
export type Fate = (packet: SeenPacket) => readonly Copy[];

export interface Copy {
  readonly data: Uint8Array;
  readonly late: number;
}

interface Filter {
  readonly name: string;
  readonly matches: (packet: SeenPacket) => boolean;
  left: number;
}

/** Where every link reports its packets: keeps them, and does to them what a fault asks for. */
export class Taps {
  readonly packets: SeenPacket[] = [];
  readonly #now: () => number;
  readonly #dropped: (filter: string, packet: SeenPacket) => void;
  #filters: Filter[] = [];
  #fate: Fate | undefined;

  constructor(now: () => number, dropped: (filter: string, packet: SeenPacket) => void) {
    this.#now = now;
    this.#dropped = dropped;
  }

  /** Drops the next `count` packets that `matches`, on any link. A dropped packet is still in the capture, as at its sender. */
  drop(name: string, matches: (packet: SeenPacket) => boolean, count: number): void {
    this.#filters.push({ name, matches, left: count });
  }

  /** From now on `fate` decides what becomes of the packets on links. */
  disturb(fate: Fate): void {
    this.#fate = fate;
  }

  /** Records a packet on a link between two nodes; returns the copies that arrive at the other end. */
  carry(link: string, sender: string, data: Uint8Array): readonly Copy[] {
    if (!this.offer(link, sender, data)) return [];
    return this.#fate?.({ at: this.#now(), link, sender, data }) ?? [{ data, late: 0 }];
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
