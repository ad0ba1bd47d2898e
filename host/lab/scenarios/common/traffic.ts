import type { HostName, EndName, Lab, Stream, StreamReport } from '../../lab.ts';
import type { Checks } from './checks.ts';

/** Packets of every stream follow each other at this distance. */
export const INTERVAL_MS = 10;

export interface Ends {
  readonly from: HostName;
  readonly to: EndName;
  readonly fromAddress: string;
  readonly toAddress: string;
}

/** The standard traffic of one session: ping and a TCP transfer from one end, UDP in both directions. */
export class Traffic {
  readonly #streams: ReadonlyMap<string, Stream>;

  private constructor(streams: ReadonlyMap<string, Stream>) {
    this.#streams = streams;
  }

  static async start(lab: Lab, ends: Ends, bytes: number): Promise<Traffic> {
    const { from, to, fromAddress, toAddress } = ends;
    const there = { from, to, fromAddress, toAddress };
    const back = { from: to, to: from, fromAddress: toAddress, toAddress: fromAddress };
    const intervalMs = INTERVAL_MS;
    const streams = new Map<string, Stream>();
    for (const spec of [
      { name: `udp ${from}>${to}`, kind: 'udp', intervalMs, ...there },
      { name: `udp ${to}>${from}`, kind: 'udp', intervalMs, ...back },
      { name: `ping ${from}>${to}`, kind: 'ping', intervalMs, ...there },
      { name: `tcp ${from}>${to}`, kind: 'tcp', intervalMs, bytes, ...there },
    ] as const) {
      streams.set(spec.name, await lab.stream(spec));
    }
    return new Traffic(streams);
  }

  /** Ends all streams; the checks every scenario owes: the transfer is whole, and nothing came twice or out of order. */
  async finish(checks: Checks): Promise<TrafficReport> {
    const reports = await Promise.all([...this.#streams.values()].map((stream) => stream.finish()));
    const report = new TrafficReport(reports);
    for (const { spec, intact } of reports) {
      if (spec.kind === 'tcp') checks.equal(`${spec.name}: SHA-256 of the transfer matches`, intact, true);
    }
    return report;
  }
}

export class TrafficReport {
  readonly streams: readonly StreamReport[];

  constructor(streams: readonly StreamReport[]) {
    this.streams = streams;
  }

  udp(from: EndName, to: EndName): StreamReport {
    const found = this.streams.find(
      ({ spec }) => spec.kind === 'udp' && spec.from === from && spec.to === to,
    );
    if (found === undefined) throw new Error(`no udp stream from ${from} to ${to}`);
    return found;
  }

  /** What a correct domain never does, whatever moves: duplicate, or lose more than the bound, or let packets pass each other. */
  checkUdp(checks: Checks, from: EndName, to: EndName, bound: { lost: number; reordered?: number }): void {
    const report = this.udp(from, to);
    checks.atMost(`${report.spec.name}: packets lost`, report.lost, Math.floor(bound.lost));
    checks.equal(`${report.spec.name}: packets duplicated`, report.duplicated, 0);
    checks.atMost(
      `${report.spec.name}: packets reordered`,
      report.reordered,
      Math.floor(bound.reordered ?? 0),
    );
  }
}
