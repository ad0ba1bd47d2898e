import { readFileSync } from 'node:fs';
import type { Program } from '../native.ts';
import { CORRESPONDENT, PEER_INTERFACE, STATION_INTERFACE } from './topology.ts';

const PORT = 9000;
/** USER_HZ, the unit of /proc/stat, is the same on all Linux of today. */
const TICKS = 100;
/** What is still under way after the last packet was sent. */
const SETTLE_MS = 100;
/** Beyond this share of lost packets a row says nothing about forwarding. */
export const LOSS_MAX = 0.02;
/** Where more are missing, or nothing of TCP has arrived, how long is waited for a program that has no processor. */
const LATE_MS = 5000;

/** One load, sent by the station. Sizes are octets of UDP payload. */
export type Load =
  | { readonly kind: 'udp'; readonly size: number; readonly rate: number; readonly ms: number }
  | { readonly kind: 'tcp'; readonly ms: number };

export interface Sample {
  readonly sent: number;
  /** Packets of UDP, octets of TCP that arrived. */
  readonly received: number;
  /** Processor seconds of the whole machine, beyond what it spends at rest. */
  readonly seconds: number;
}

/** Seconds that all processors together were busy since the machine started: whoever it was, interrupts included. */
export function busySeconds(): number {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number];
  return (user + nice + system + irq + softirq) / TICKS;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Busy seconds in a second of rest. */
export async function restingLoad(ms: number): Promise<number> {
  const before = busySeconds();
  await sleep(ms);
  return ((busySeconds() - before) / ms) * 1000;
}

/** The two programs at the ends of a line. */
export class Traffic {
  readonly #station: Program;
  readonly #peer: Program;

  /** Both run test/bench/native/traffic.c, each in its namespace. */
  constructor(station: Program, peer: Program) {
    this.#station = station;
    this.#peer = peer;
  }

  /**
   * A virtual link leaves checksums of TCP to its other end, where the raw socket of a tunnel would take them for real
   * ones: the peer fills them in, as a network card would.
   */
  async listen(): Promise<void> {
    await this.#peer.ask(`offload ${PEER_INTERFACE} 0`);
    await this.#peer.ask(`sink ${PORT}`);
  }

  /** Whether the station leaves checksums and segmentation to its link, which does nothing of the kind. */
  async offload(on: boolean): Promise<void> {
    await this.#station.ask(`offload ${STATION_INTERFACE} ${Number(on)}`);
  }

  /** Sends; resolves to what the sender says it has sent. */
  async send(load: Load): Promise<number> {
    const words =
      load.kind === 'udp'
        ? ['udp', CORRESPONDENT, PORT, load.size, load.rate, load.ms]
        : ['tcp', CORRESPONDENT, PORT, load.ms];
    return Number(await this.#station.ask(words.join(' ')));
  }

  /** What has arrived since last asked. */
  async received(): Promise<{ readonly packets: number; readonly octets: number; readonly first: bigint }> {
    const [packets = '', octets = '', first = '0'] = (await this.#peer.ask('received')).split(' ');
    return { packets: Number(packets), octets: Number(octets), first: BigInt(first) };
  }

  /** One load by itself; `resting` is of `restingLoad`. */
  async sample(load: Load, resting: number): Promise<Sample> {
    await this.received();
    const [start, busy] = [performance.now(), busySeconds()];
    const sent = await this.send(load);
    await sleep(SETTLE_MS);
    const elapsed = (performance.now() - start) / 1000;
    const seconds = busySeconds() - busy - resting * elapsed;
    const arrived = async (): Promise<number> => {
      const { packets, octets } = await this.received();
      return load.kind === 'udp' ? packets : octets;
    };
    const enough = load.kind === 'udp' ? sent * (1 - LOSS_MAX) : 1;
    let received = await arrived();
    for (let waited = 0; received < enough && waited < LATE_MS; waited += SETTLE_MS) {
      await sleep(SETTLE_MS);
      received += await arrived();
    }
    return { sent, received, seconds };
  }

  close(): void {
    this.#station.end();
    this.#peer.end();
  }
}
