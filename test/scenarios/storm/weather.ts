import type { Random } from '../../../host/core/machine.ts';
import type { MaarName } from '../../../host/lab/lab.ts';
import { maarAddress, maarPool, MAARS } from '../../../host/lab/plan.ts';
import type { Copy, SeenPacket } from '../../../host/sim/taps.ts';
import { contains, readAddress } from '../../../host/wire/address.ts';
import { IPV6_AT, NEXT_HEADER } from '../../../host/wire/ipv6.ts';
import type { FaultCount } from '../../support/fault-count.ts';
import { innerOf } from './packet.ts';

export const FAULTS = [
  'loss of control',
  'loss of data',
  'delay',
  'reordering',
  'duplicate',
  'partition of two MAARs',
  'partition of a MAAR',
  'partition of the AAA server',
  'partition of the LM server',
  'restart of a MAAR',
  'restart of the AAA server',
  'restart of the LM server',
  'clock skew',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Milliseconds that a packet may be late. */
export const MAX_LATENESS = 3_000;
/** On an access link; a probe, which waits for 50 ms, may come too late by it. */
const MAX_ACCESS_LATENESS = 30;
/** Of the rates of the core, on an access link. */
const ACCESS_SHARE = 0.25;

/** What happens to packets under way. How bad it is is drawn once for each domain. */
export class Weather {
  /** Ends all trouble with packets. */
  calm = false;
  readonly #random: Random;
  readonly #count: FaultCount<Fault>;
  readonly #rates: Readonly<Record<'loss' | 'delay' | 'duplicate', number>>;
  /** Pairs of MAARs that do not reach each other, in both orders, and until when. */
  readonly #cut = new Map<string, number>();
  readonly #lastArrival = new Map<string, number>();
  #tag = 0;

  constructor(random: Random, count: FaultCount<Fault>) {
    this.#random = random;
    this.#count = count;
    this.#rates = { loss: random() * 0.15, delay: random() * 0.3, duplicate: random() * 0.1 };
  }

  part(a: MaarName, b: MaarName, until: number): void {
    this.#cut.set(`${a} ${b}`, until);
    this.#cut.set(`${b} ${a}`, until);
    this.#count.add('partition of two MAARs');
  }

  /**
   * What becomes of a packet on a link; each path through the core is disturbed on its first link alone. Every copy that a host
   * or the weather makes is told from all others.
   */
  fate({ at, link, sender, data }: SeenPacket): readonly Copy[] {
    const access = link.startsWith('access-');
    const packet = access || sender === 'cn' ? this.#tagged(data) : data;
    if (this.calm || sender === 'core') return [{ data: packet, late: 0 }];
    const receiver = access ? undefined : maarAt(data);
    if (receiver !== undefined && (this.#cut.get(`${sender} ${receiver}`) ?? 0) > at) return [];
    const share = access ? ACCESS_SHARE : 1;
    const { loss, duplicate } = this.#rates;
    if (this.#random() < loss * share) {
      this.#count.add(isControl(data) ? 'loss of control' : 'loss of data');
      return [];
    }
    const copies = [packet];
    if (this.#random() < duplicate * share) {
      this.#count.add('duplicate');
      copies.push(this.#tagged(data));
    }
    const path = `${link} ${sender} ${readAddress(data, IPV6_AT.destination)}`;
    return copies.map((copy) => ({ data: copy, late: this.#lateness(path, at, access) }));
  }

  #lateness(path: string, at: number, access: boolean): number {
    if (this.#random() >= this.#rates.delay) return 0;
    const late = this.#random() ** 2 * (access ? MAX_ACCESS_LATENESS : MAX_LATENESS);
    this.#count.add('delay');
    const last = this.#lastArrival.get(path) ?? 0;
    if (at + late < last) this.#count.add('reordering');
    this.#lastArrival.set(path, Math.max(last, at + late));
    return late;
  }

  #tagged(packet: Uint8Array): Uint8Array {
    return innerOf(packet).tagged(++this.#tag);
  }
}

/** The MAAR to which the core routes a packet. */
function maarAt(packet: Uint8Array): MaarName | undefined {
  const address = readAddress(packet, IPV6_AT.destination);
  return MAARS.find((name) => maarAddress(name) === address || contains(maarPool(name), address));
}

function isControl(packet: Uint8Array): boolean {
  return (
    packet[IPV6_AT.nextHeader] === NEXT_HEADER.mobility || packet[IPV6_AT.nextHeader] === NEXT_HEADER.tcp
  );
}
