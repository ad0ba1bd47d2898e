import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LINKTYPE_ETHERNET } from '../../wire/capture.ts';
import { ETHERNET_HEADER, ETHERTYPE_IPV6 } from '../../wire/ethernet.ts';
import { writePcapng } from '../../wire/pcapng.ts';
import { AAA, HOSTS, MAARS } from '../plan.ts';
import type { CapturedPacket, LmName } from '../lab.ts';
import { RecordReader } from './capture-records.ts';
import type { CaptureRecord } from './capture-records.ts';
import type { CaptureOrder, Tap } from './capture-worker.ts';
import type { Sandbox } from './sandbox.ts';
import { nodeCommand } from './node-command.ts';
import { AIR, CORE, air } from './topology.ts';

interface Place extends Tap {
  readonly link: string;
  /** Who sent what comes in through this interface, and what leaves through it. */
  readonly incoming: string;
  readonly outgoing?: string;
}

/** Every packet of the domain's MTU whole; of the super-frames that a stack hands to its own links, the beginning. */
const KEEP = 2_048;

function places(lms: readonly LmName[]): Place[] {
  const core = [...MAARS, AAA.name, ...lms, 'cn'].map((name) => ({
    netns: CORE,
    interface: name,
    link: `core-${name}`,
    incoming: name,
    outgoing: CORE,
  }));
  const access = HOSTS.flatMap((host) => [
    { netns: AIR, interface: air.port(host), link: `host-${host}`, incoming: host },
    ...MAARS.map((maar) => ({
      netns: AIR,
      interface: air.patch(host, maar),
      link: `access-${maar}`,
      incoming: maar,
      outgoing: host,
    })),
  ]);
  return [...core, ...access];
}

/** Everything that any link carried, from the moment it was started. */
export class Captures {
  readonly #process: ChildProcess;
  readonly #places: readonly Place[];
  readonly #start: number;
  readonly #records: CaptureRecord[] = [];
  /** Those of IPv6, each read once: a scenario asks many times for tens of thousands. */
  readonly #packets: CapturedPacket[] = [];
  readonly #synced: { readonly resolve: (lost: number) => void; readonly reject: (error: Error) => void }[] =
    [];
  #lost = 0;
  #ended: Error | undefined;

  private constructor(process: ChildProcess, places: readonly Place[], start: number) {
    this.#process = process;
    this.#places = places;
    this.#start = start;
    const reader = new RecordReader(
      (record) => {
        this.#records.push(record);
        if (isIpv6(record)) this.#packets.push(this.#packet(record));
      },
      (lost) => this.#synced.shift()?.resolve(lost),
    );
    process.stdout!.on('data', (chunk: Buffer) => reader.push(chunk));
    process.on('exit', () => {
      this.#ended = new Error('the capture process ended');
      for (const { reject } of this.#synced.splice(0)) reject(this.#ended);
    });
    // Of a process that has ended, which its exit tells.
    process.stdin!.on('error', () => undefined);
  }

  /** `start` is the wall clock in milliseconds at which the run began. */
  static async start(sandbox: Sandbox, start: number, lms: readonly LmName[] = []): Promise<Captures> {
    const taps = places(lms);
    const order: CaptureOrder = {
      taps: taps.map((place) => ({ netns: place.netns, interface: place.interface })),
      keep: KEEP,
    };
    const worker = nodeCommand(new URL('./capture-worker.ts', import.meta.url), JSON.stringify(order));
    const child = sandbox.spawn(CORE, worker, ['pipe', 'pipe', 'inherit']);
    const captures = new Captures(child, taps, start);
    await captures.#next();
    return captures;
  }

  /** IPv6 packets of all links up to now, in order of time. */
  async packets(): Promise<CapturedPacket[]> {
    await this.#catchUp();
    return this.#packets.sort((a, b) => a.at - b.at).slice();
  }

  /** Frames that the kernel had no room to show; any number but 0 makes every count of packets doubtful. */
  get lost(): number {
    return this.#lost;
  }

  /** Writes one pcapng file for each link that carried anything. */
  async write(directory: string): Promise<string[]> {
    await this.#catchUp();
    mkdirSync(directory, { recursive: true });
    const links = new Map<string, CaptureRecord[]>();
    for (const record of this.#records) {
      const link = this.#places[record.tap]!.link;
      const records = links.get(link);
      if (records === undefined) links.set(link, [record]);
      else records.push(record);
    }
    return [...links].map(([link, records]) => {
      const path = join(directory, `${link}.pcapng`);
      writeFileSync(path, pcapng(link, records));
      return path;
    });
  }

  #packet(record: CaptureRecord): CapturedPacket {
    const place = this.#places[record.tap]!;
    const sender = record.outgoing ? place.outgoing : place.incoming;
    return {
      at: record.time - this.#start,
      link: place.link,
      data: record.data.subarray(ETHERNET_HEADER),
      ...(sender === undefined ? {} : { sender }),
    };
  }

  async #catchUp(): Promise<void> {
    this.#process.stdin!.write('\n');
    this.#lost = await this.#next();
  }

  /** The next answer of the process. */
  #next(): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#ended === undefined) this.#synced.push({ resolve, reject });
      else reject(this.#ended);
    });
  }
}

function isIpv6({ data }: CaptureRecord): boolean {
  return data.length > ETHERNET_HEADER && ((data[12]! << 8) | data[13]!) === ETHERTYPE_IPV6;
}

function pcapng(link: string, records: readonly CaptureRecord[]): Uint8Array {
  return writePcapng({
    interfaces: [{ linkType: LINKTYPE_ETHERNET, snapLength: 0, name: link }],
    packets: [...records]
      .sort((a, b) => a.time - b.time)
      .map((record) => ({
        interface: 0,
        time: BigInt(Math.round(record.time * 1_000)) * 1_000n,
        data: record.data,
        length: record.length,
      })),
  });
}
